/** The graph's view of packed rows (see rows.ts): one part of a batch, and the model's log-probabilities on it. */
import {
  add,
  and,
  at,
  equal,
  type Graph,
  headLogProbability,
  lessOrEqual,
  rearrange,
  reshape,
  rowsBetween,
  slice,
  times,
  type Value,
  where,
} from '../graph/index.ts'
import { COUNTS, type LossBatch } from '../losses/batch.ts'
import { decode, MASKED, rotaryTables } from '../models/llama-forward.ts'
import { headMatrix, type LlamaConfig } from '../models/llama.ts'
import type { DecoderParameters } from '../models/parameters.ts'
import type { Feed } from '../runtime/session.ts'
import { floatFeed, integerFeed, longFeed } from '../runtime/session.ts'
import type { PackedRows } from './rows.ts'

/** Sizes that are known when a batch is packed. */
const [LINES, PREDICTIONS, ROWS] = ['lines', 'predictions', 'rows'] as const

/** The inputs that hold packed rows. */
export type RowInputs = ReturnType<typeof rowInputs>

/** T tokens per line. */
export function rowInputs(graph: Graph, lineSize: number, steps: string) {
  const perLine = [`all_${LINES}`, lineSize]
  const perRow = [`all_${ROWS}`]
  const perCell = [`all_${ROWS}`, lineSize]
  const perPrediction = [`all_${PREDICTIONS}`]
  return {
    tokens: graph.input('tokens', 'int32', perLine),
    positions: graph.input('positions', 'int64', perLine),
    segments: graph.input('segments', 'int32', perLine),
    prediction: graph.input('prediction', 'int32', perLine),
    predicting: graph.input('predicting', 'int32', perPrediction),
    labels: graph.input('labels', 'int32', perPrediction),
    cell: graph.input('cell', 'int32', perPrediction),
    filled: graph.input('filled', 'int32', perCell),
    completion: graph.input('completion', 'float32', perCell),
    old: graph.input('old', 'float32', perCell),
    reference: graph.input('reference', 'float32', perCell),
    supervised: graph.input('supervised', 'float32', perRow),
    reinforced: graph.input('reinforced', 'float32', perRow),
    regressed: graph.input('regressed', 'float32', perRow),
    side: graph.input('side', 'float32', perRow),
    partner: graph.input('partner', 'int32', perRow),
    advantage: graph.input('advantage', 'float32', perRow),
    target: graph.input('target', 'float32', perRow),
    klWeight: graph.input('klWeight', 'float32', perRow),
    counts: graph.input('counts', 'float32', [steps, COUNTS.length]),
    bounds: graph.input('bounds', 'int64', ['part_bounds', 3]),
    halves: graph.input('halves', 'int64', ['half_bounds']),
  }
}

/** What rowInputs is fed. */
export function rowFeeds(packed: PackedRows, lineSize: number): Record<string, Feed> {
  const lines = packed.tokens.length / lineSize
  const rows = packed.supervised.length
  const perCell = [rows, lineSize]
  return {
    tokens: integerFeed(packed.tokens, [lines, lineSize]),
    positions: longFeed(packed.positions, [lines, lineSize]),
    segments: integerFeed(packed.segments, [lines, lineSize]),
    prediction: integerFeed(packed.prediction, [lines, lineSize]),
    predicting: integerFeed(packed.predicting),
    labels: integerFeed(packed.labels),
    cell: integerFeed(packed.cell),
    filled: integerFeed(packed.filled, perCell),
    completion: floatFeed(packed.completion, perCell),
    old: floatFeed(packed.old, perCell),
    reference: floatFeed(packed.reference, perCell),
    supervised: floatFeed(packed.supervised, [rows]),
    reinforced: floatFeed(packed.reinforced, [rows]),
    regressed: floatFeed(packed.regressed, [rows]),
    side: floatFeed(packed.side, [rows]),
    partner: integerFeed(packed.partner, [rows]),
    advantage: floatFeed(packed.advantage, [rows]),
    target: floatFeed(packed.target, [rows]),
    klWeight: floatFeed(packed.klWeight, [rows]),
    counts: floatFeed(packed.counts, [packed.counts.length / COUNTS.length, COUNTS.length]),
    bounds: longFeed(packed.bounds, [packed.bounds.length / 3, 3]),
    halves: longFeed(packed.halves),
  }
}

/** One part, and the log-probabilities of its completions as the losses see them. `index` is its number, `step` that of its batch. */
export function partBatch(
  model: LlamaConfig,
  parameters: DecoderParameters,
  inputs: RowInputs,
  { index, step, lineSize }: { readonly index: Value; readonly step: Value; readonly lineSize: number },
): LossBatch {
  const [from, to] = [at(inputs.bounds, index), at(inputs.bounds, add(index, 1))]
  const cut = (column: number, name: string) => {
    const [start, end] = [slice(from, 0, column, column + 1), slice(to, 0, column, column + 1)]
    return (x: Value): Value => rowsBetween(x, start, end, name)
  }
  const [lines, predictions, rows] = [cut(0, LINES), cut(1, PREDICTIONS), cut(2, ROWS)]
  const { graph } = index
  const tokens = times(LINES, lineSize)
  // ONNX Runtime wants a table as long as a line, though no row's positions go that far.
  const tables = rotaryTables(graph, { ...model, context: Math.max(model.context, lineSize) })
  const places = reshape(lines(inputs.prediction), [tokens])
  const { hidden } = decode(model, parameters, tables, {
    tokens: lines(inputs.tokens),
    batch: LINES,
    length: lineSize,
    mask: blockMask(lines(inputs.segments), lineSize),
    positions: lines(inputs.positions),
    // The end of the last layer, and logits, only where the loss needs them.
    wanted: (x) => rearrange(x, predictions(inputs.predicting), places),
  })
  const head = parameters.get(headMatrix(model))
  const logp = headLogProbability(hidden, head, predictions(inputs.labels))
  const counts = at(inputs.counts, step)
  const count = (name: (typeof COUNTS)[number]): Value => {
    const column = COUNTS.indexOf(name)
    return slice(counts, 0, column, column + 1)
  }
  return {
    logp: rearrange(logp, rows(inputs.filled), predictions(inputs.cell)),
    completion: rows(inputs.completion),
    supervised: rows(inputs.supervised),
    reinforced: rows(inputs.reinforced),
    regressed: rows(inputs.regressed),
    side: rows(inputs.side),
    partner: rows(inputs.partner),
    advantage: rows(inputs.advantage),
    target: rows(inputs.target),
    klWeight: rows(inputs.klWeight),
    old: rows(inputs.old),
    reference: rows(inputs.reference),
    counts: {
      supervisedTokens: count('supervisedTokens'),
      reinforced: count('reinforced'),
      regressed: count('regressed'),
      referenced: count('referenced'),
      pairs: count('pairs'),
    },
  }
}

/** Additive mask [lines, 1, length, length]: a token sees its own row up to itself. */
function blockMask(segments: Value, length: number): Value {
  const number = (shape: readonly number[]): Value => segments.graph.constant('int32', shape, [...Array(length).keys()])
  const sameRow = equal(reshape(segments, [LINES, 1, length, 1]), reshape(segments, [LINES, 1, 1, length]))
  const before = lessOrEqual(number([1, 1, 1, length]), number([1, 1, length, 1]))
  return where(and(sameRow, before), segments.graph.scalar(0), MASKED)
}
