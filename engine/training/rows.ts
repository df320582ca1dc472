/** Training rows → the dense arrays that the graph is fed. */
import { type LossNeeds, LossSpecError } from '../losses/types.ts'

/** One sequence: a prompt and the completion that is learnt from. */
export interface TrainingRow {
  readonly tokens: readonly number[]
  /** Index of the first completion token, at least 1. */
  readonly completionFrom: number
  /** Which terms of the loss learn from the row. */
  readonly kind: 'supervised' | 'reinforced' | 'regressed' | 'compared'
  /** What multiplies the policy gradient; read from reinforced rows alone. */
  readonly advantage: number
  /** What the sum of the completion's log-ratios to the reference is to become; on regressed rows. */
  readonly target?: number
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
  readonly steps: number
  readonly batchRows: number
  /** Padded length in tokens. */
  readonly length: number
  readonly vocabulary: number
  readonly padToken: number
}

/** Arrays in the order [steps, batchRows, ...]; T = length - 1 predictions per row. */
export interface PackedRows {
  readonly tokens: Int32Array
  readonly completion: Float32Array
  readonly supervised: Float32Array
  readonly reinforced: Float32Array
  readonly regressed: Float32Array
  readonly side: Float32Array
  readonly partner: Int32Array
  readonly advantage: Float32Array
  readonly target: Float32Array
  readonly old: Float32Array
  readonly reference: Float32Array
  /** Completion tokens of each step. */
  readonly tokenCounts: readonly number[]
}

/** Checks the rows and lays them out, padded on the right; missing rows of a batch count for nothing. */
export function packRows(batches: readonly (readonly TrainingRow[])[], shape: RowShape, needs: LossNeeds): PackedRows {
  const { steps, batchRows, length } = shape
  const predictions = length - 1
  const rows = steps * batchRows
  const tokenCounts: number[] = []
  const packed = {
    tokens: new Int32Array(rows * length).fill(shape.padToken),
    completion: new Float32Array(rows * predictions),
    supervised: new Float32Array(rows),
    reinforced: new Float32Array(rows),
    regressed: new Float32Array(rows),
    side: new Float32Array(rows),
    partner: new Int32Array(rows),
    advantage: new Float32Array(rows),
    target: new Float32Array(rows),
    old: new Float32Array(rows * predictions),
    reference: new Float32Array(rows * predictions),
  }
  for (const [step, batch] of batches.entries()) {
    if (batch.length > batchRows) throw new RowError(`a batch has ${batch.length} rows, the trainer takes ${batchRows}`)
    const partners = pairRows(batch)
    let count = 0
    for (const [index, row] of batch.entries()) {
      checkRow(row, shape)
      const at = step * batchRows + index
      const completionLength = row.tokens.length - row.completionFrom
      const from = at * predictions + row.completionFrom - 1
      packed.tokens.set(row.tokens, at * length)
      packed.completion.fill(1, from, from + completionLength)
      count += completionLength
      switch (row.kind) {
        case 'supervised':
          packed.supervised[at] = 1
          continue
        case 'reinforced':
          packed.reinforced[at] = 1
          packed.advantage[at] = row.advantage
          if (needs.old) packed.old.set(logProbabilities('old', row, completionLength), from)
          break
        case 'regressed':
          if (row.target === undefined) throw new RowError('a regressed row has no target')
          packed.regressed[at] = 1
          packed.target[at] = row.target
          break
        case 'compared':
          packed.side[at] = row.pair?.side === 'chosen' ? 1 : -1
          packed.partner[at] = partners.get(index) ?? 0
          break
      }
      if (needs.reference) packed.reference.set(logProbabilities('reference', row, completionLength), from)
    }
    tokenCounts.push(count)
  }
  return { ...packed, tokenCounts }
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
