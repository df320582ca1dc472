/** Training rows → the dense arrays that the graph is fed. */
import { type CountName, COUNTS } from '../losses/batch.ts'
import { type LossNeeds, LossSpecError } from '../losses/types.ts'
import { packLines, type Unit } from './packing.ts'

/** One sequence: a prompt and the completion that is learnt from. */
export interface TrainingRow {
  readonly tokens: readonly number[]
  /** Index of the first completion token, at least 1. */
  readonly completionFrom: number
  /** Which terms of the loss learn from the row. */
  readonly kind: 'supervised' | 'reinforced' | 'regressed' | 'compared'
  /** What multiplies the policy gradient; on reinforced rows. */
  readonly advantage?: number
  /** What the sum of the completion's log-ratios to the reference is to become; on regressed rows. */
  readonly target?: number
  /** What multiplies the row's own part of the KL term, 1 unless given. Not on supervised rows. */
  readonly klWeight?: number
  /** On compared rows: two rows of one batch with equal ids and different sides are a pair. */
  readonly pair?: RowPair
  /** log-probabilities of the completion tokens under the policy that wrote them, and under the frozen reference. */
  readonly old?: Float32Array | readonly number[]
  readonly reference?: Float32Array | readonly number[]
}

export interface RowPair {
  readonly id: string
  readonly side: 'chosen' | 'rejected'
}

/** A row that does not fit the model or the plan. */
export class RowError extends Error {
  override readonly name = 'RowError'
}

export interface RowShape {
  readonly batchRows: number
  /** The longest row, in tokens. */
  readonly length: number
  /** Tokens of a line, which rows share: at least length - 1. */
  readonly lineSize: number
  /** Cut a batch in two halves even if it is short. */
  readonly halved: boolean
  readonly vocabulary: number
  readonly padToken: number
}

/**
 * Arrays of all parts of all steps, one after another: [lines, T], [predictions], [rows] or [rows, T], with T = lineSize tokens
 * per line and at most T predictions per row. Numbers of tokens, predictions and rows count from the beginning of their part.
 */
export interface PackedRows {
  readonly tokens: Int32Array
  /** The position of each token in its row, and which row of the line it belongs to. */
  readonly positions: BigInt64Array
  readonly segments: Int32Array
  /** Which token each prediction is made from, and which prediction each token makes: -1 where the loss needs none. */
  readonly predicting: Int32Array
  readonly prediction: Int32Array
  readonly labels: Int32Array
  /** Which prediction stands in each cell of [rows, T], -1 in none; and the cell of each prediction. */
  readonly filled: Int32Array
  readonly cell: Int32Array
  readonly completion: Float32Array
  readonly supervised: Float32Array
  readonly reinforced: Float32Array
  readonly regressed: Float32Array
  readonly side: Float32Array
  readonly partner: Int32Array
  readonly advantage: Float32Array
  readonly target: Float32Array
  readonly klWeight: Float32Array
  readonly old: Float32Array
  readonly reference: Float32Array
  /** [steps, COUNTS.length], see LossCounts. */
  readonly counts: Float32Array
  /** Where each part begins, and after the last its end: [parts + 1, 3] lines, predictions and rows. */
  readonly bounds: BigInt64Array
  /** The first part of each half of each step, and after the last their number: [2 · steps + 1]. */
  readonly halves: BigInt64Array
  /** Completion tokens of each step. */
  readonly tokenCounts: readonly number[]
}

/** Checks the rows and lays them out in parts. */
export function packRows(batches: readonly (readonly TrainingRow[])[], shape: RowShape, needs: LossNeeds): PackedRows {
  const { lineSize } = shape
  const laidOut = batches.map((batch) => {
    if (batch.length > shape.batchRows) {
      throw new RowError(`a batch has ${batch.length} rows, the trainer takes ${shape.batchRows}`)
    }
    for (const row of batch) checkRow(row, shape)
    const partners = pairRows(batch)
    return { batch, partners, parts: packLines(unitsOf(batch, partners), lineSize, shape) }
  })
  const all = laidOut.flatMap(({ parts }) => parts)
  const lines = all.reduce((sum, part) => sum + part.lines, 0)
  const rows = all.reduce((sum, part) => sum + part.places.length, 0)
  const completionSize = ({ tokens, completionFrom }: TrainingRow): number => tokens.length - completionFrom
  const predictions = batches.flat().reduce((sum, row) => sum + completionSize(row), 0)
  const packed = {
    tokens: new Int32Array(lines * lineSize).fill(shape.padToken),
    positions: new BigInt64Array(lines * lineSize),
    segments: new Int32Array(lines * lineSize),
    predicting: new Int32Array(predictions),
    prediction: new Int32Array(lines * lineSize).fill(-1),
    labels: new Int32Array(predictions),
    filled: new Int32Array(rows * lineSize).fill(-1),
    cell: new Int32Array(predictions),
    completion: new Float32Array(rows * lineSize),
    supervised: new Float32Array(rows),
    reinforced: new Float32Array(rows),
    regressed: new Float32Array(rows),
    side: new Float32Array(rows),
    partner: new Int32Array(rows),
    advantage: new Float32Array(rows),
    target: new Float32Array(rows),
    klWeight: new Float32Array(rows).fill(1),
    old: new Float32Array(rows * lineSize),
    reference: new Float32Array(rows * lineSize),
    counts: Float32Array.from(batches.flatMap(countRows)),
    bounds: new BigInt64Array(3 * (all.length + 1)),
    halves: new BigInt64Array(2 * batches.length + 1),
  }
  const from = { part: 0, line: 0, prediction: 0, row: 0 }
  for (const [step, { batch, partners, parts }] of laidOut.entries()) {
    const middle = from.part + Math.ceil(parts.length / 2)
    for (const { lines: partLines, places } of parts) {
      const numbers = new Map(places.map(({ row }, index) => [row, index]))
      let predicted = 0
      for (const [index, { row: number, line, column }] of places.entries()) {
        const row = batch[number]
        if (row === undefined) continue
        const at = from.row + index
        const first = line * lineSize + column
        for (let position = 0; position < row.tokens.length - 1; position++) {
          const token = from.line * lineSize + first + position
          packed.tokens[token] = row.tokens[position] ?? 0
          packed.positions[token] = BigInt(position)
          packed.segments[token] = index + 1
        }
        const size = completionSize(row)
        for (let offset = 0; offset < size; offset++) {
          const position = row.completionFrom - 1 + offset
          const prediction = from.prediction + predicted
          packed.predicting[prediction] = first + position
          packed.prediction[from.line * lineSize + first + position] = predicted
          packed.labels[prediction] = row.tokens[position + 1] ?? 0
          packed.filled[at * lineSize + offset] = predicted
          packed.cell[prediction] = index * lineSize + offset
          predicted += 1
        }
        packed.completion.fill(1, at * lineSize, at * lineSize + size)
        const partner = partners.get(number)
        packed.partner[at] = (partner === undefined ? undefined : numbers.get(partner)) ?? index
        packed.klWeight[at] = row.klWeight ?? 1
        if (row.kind === 'supervised') packed.supervised[at] = 1
        if (row.kind === 'reinforced') {
          if (row.advantage === undefined) throw new RowError('a reinforced row has no advantage')
          packed.reinforced[at] = 1
          packed.advantage[at] = row.advantage
          if (needs.old) packed.old.set(logProbabilities('old', row, size), at * lineSize)
        }
        if (row.kind === 'regressed') {
          if (row.target === undefined) throw new RowError('a regressed row has no target')
          packed.regressed[at] = 1
          packed.target[at] = row.target
        }
        if (row.kind === 'compared') packed.side[at] = row.pair?.side === 'chosen' ? 1 : -1
        if (row.kind !== 'supervised' && needs.reference) {
          packed.reference.set(logProbabilities('reference', row, size), at * lineSize)
        }
      }
      from.part += 1
      from.line += partLines
      from.prediction += predicted
      from.row += places.length
      packed.bounds.set([from.line, from.prediction, from.row].map(BigInt), 3 * from.part)
    }
    packed.halves.set([middle, from.part].map(BigInt), 2 * step + 1)
  }
  const tokenCounts = batches.map((batch) => batch.reduce((sum, row) => sum + completionSize(row), 0))
  return { ...packed, tokenCounts }
}

/** Lone rows, and pairs. A row takes one token less than it has: the last is only predicted. */
function unitsOf(batch: readonly TrainingRow[], partners: ReadonlyMap<number, number>): Unit[] {
  const size = (row: number): number => (batch[row]?.tokens.length ?? 0) - 1
  return batch.flatMap((_, row): Unit[] => {
    const partner = partners.get(row)
    if (partner === undefined) return [[{ row, size: size(row) }]]
    return partner < row
      ? []
      : [
          [
            { row, size: size(row) },
            { row: partner, size: size(partner) },
          ],
        ]
  })
}

/** In the order of COUNTS. */
function countRows(batch: readonly TrainingRow[]): number[] {
  const of = (kind: TrainingRow['kind']): readonly TrainingRow[] => batch.filter((row) => row.kind === kind)
  const supervisedTokens = of('supervised').reduce((sum, row) => sum + row.tokens.length - row.completionFrom, 0)
  const [reinforced, regressed, compared] = [of('reinforced').length, of('regressed').length, of('compared').length]
  const counts: Readonly<Record<CountName, number>> = {
    supervisedTokens,
    reinforced,
    regressed,
    referenced: reinforced + regressed + compared,
    pairs: compared / 2,
  }
  return COUNTS.map((name) => Math.max(1, counts[name]))
}

/** Throws RowError unless the row fits the padded length and the vocabulary. */
export function checkRow(
  row: { readonly tokens: readonly number[]; readonly completionFrom: number },
  { length, vocabulary }: { readonly length: number; readonly vocabulary: number },
): void {
  const { tokens, completionFrom } = row
  if (tokens.length > length) throw new RowError(`a row has ${tokens.length} tokens, the padded length is ${length}`)
  if (!Number.isInteger(completionFrom) || completionFrom < 1 || completionFrom >= tokens.length) {
    throw new RowError(`completionFrom ${completionFrom} must lie in [1, ${tokens.length}), the length of its row`)
  }
  checkTokens(tokens, vocabulary)
}

export function checkTokens(tokens: readonly number[], vocabulary: number): void {
  for (const token of tokens) {
    if (!Number.isInteger(token) || token < 0 || token >= vocabulary) {
      throw new RowError(`token ${token} is outside the vocabulary of ${vocabulary}`)
    }
  }
}

/** The position of each compared row's partner. Throws RowError unless every pair has one chosen and one rejected row. */
function pairRows(batch: readonly TrainingRow[]): Map<number, number> {
  const pairs = new Map<string, { chosen?: number; rejected?: number }>()
  for (const [index, { kind, pair }] of batch.entries()) {
    if (kind !== 'compared') continue
    if (pair === undefined) throw new RowError('a compared row belongs to no pair')
    const { id, side } = pair
    const known = pairs.get(id) ?? {}
    if (known[side] !== undefined) throw new RowError(`pair '${id}' has two ${side} rows in one batch`)
    known[side] = index
    pairs.set(id, known)
  }
  const partners = new Map<number, number>()
  for (const [id, { chosen, rejected }] of pairs) {
    if (chosen === undefined || rejected === undefined) {
      throw new RowError(`pair '${id}' has no ${chosen === undefined ? 'chosen' : 'rejected'} row in its batch`)
    }
    partners.set(chosen, rejected).set(rejected, chosen)
  }
  return partners
}

function logProbabilities(
  name: 'old' | 'reference',
  row: TrainingRow,
  count: number,
): Float32Array | readonly number[] {
  const values = row[name]
  if (values === undefined)
    throw new LossSpecError(`the loss needs '${name}' log-probabilities on every ${row.kind} row`)
  if (values.length !== count) {
    throw new RowError(`a row of ${count} completion tokens has ${values.length} '${name}' log-probabilities`)
  }
  return values
}
