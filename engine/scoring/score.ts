/** Log-probabilities of completions under given weights. */
import { gatherRows, Graph, headLogProbability, slice } from '../graph/index.ts'
import { headMatrix, type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { adapterInput, type LoraBase } from '../models/lora.ts'
import { type DecoderParameters, Parameters, StoredParameters } from '../models/parameters.ts'
import { floatFeed, integerFeed } from '../runtime/session.ts'
import type { SessionCache } from '../runtime/session-cache.ts'
import { causalMask, decode, positionsFromZero, rotaryTables } from '../models/llama-forward.ts'
import { checkRow, RowError } from '../training/rows.ts'

export interface ScoredRow {
  readonly tokens: readonly number[]
  /** Index of the first completion token, at least 1. */
  readonly completionFrom: number
}

export interface ScoreRequest {
  /** Flat: in the order of llamaLayout, or with `lora` in that of loraLayout. */
  readonly weights: Float32Array
  readonly model: LlamaConfig
  /** The weights are an adapter over this base. One object for one base: its graphs are kept by it. */
  readonly lora?: LoraBase
  readonly rows: readonly ScoredRow[]
  /** Padded length of a row, in tokens; the longest one's unless given. */
  readonly length?: number
  /** Rows of one graph call, all unless given; the last call is filled up, so that every call has the same shape. */
  readonly batch?: number
  /** Fills rows up, 0 unless given. No row sees it. */
  readonly padToken?: number
}

/**
 * For each row one natural log-probability per completion token. Throws RowError for rows that do not fit.
 */
export async function scoreRows(request: ScoreRequest, sessions: SessionCache): Promise<Float32Array[]> {
  const { weights, model, lora, rows, padToken = 0 } = request
  const { length = Math.max(2, ...rows.map(({ tokens }) => tokens.length)), batch = Math.max(1, rows.length) } = request
  if (length - 1 > model.context || length < 2)
    throw new RowError(`length ${length} does not fit context ${model.context}`)
  for (const row of rows) checkRow(row, { length, vocabulary: model.vocabulary })
  const key = JSON.stringify(['score', model, lora === undefined ? null : baseKey(lora), length, batch])
  const session = await sessions.get(key, () => scoringGraph(model, lora, batch, length))
  const results: Float32Array[] = []
  for (let start = 0; start < rows.length; start += batch) {
    const part = rows.slice(start, start + batch)
    const tokens = new Int32Array(batch * length).fill(padToken)
    for (const [index, row] of part.entries()) tokens.set(row.tokens, index * length)
    const predicted = part.flatMap(({ tokens: sequence, completionFrom }, index) =>
      sequence.slice(completionFrom).map((label, offset) => {
        return { label, from: index * (length - 1) + completionFrom - 1 + offset }
      }),
    )
    if (predicted.length === 0) {
      results.push(...part.map(() => new Float32Array()))
      continue
    }
    const outputs = await session.run({
      [lora === undefined ? 'weights' : 'adapter']: floatFeed(weights),
      tokens: integerFeed(tokens, [batch, length]),
      predicting: integerFeed(Int32Array.from(predicted, ({ from }) => from)),
      labels: integerFeed(Int32Array.from(predicted, ({ label }) => label)),
    })
    const logp = outputs.floats('logp')
    let from = 0
    for (const { tokens: sequence, completionFrom } of part) {
      const count = sequence.length - completionFrom
      results.push(logp.slice(from, from + count))
      from += count
    }
  }
  return results
}

/** Graphs over a base are told apart by the base object and the adapter's form. */
const bases = new WeakMap<object, number>()
let lastBase = 0
function baseKey({ base, ...spec }: LoraBase): unknown[] {
  const known = bases.get(base) ?? ++lastBase
  bases.set(base, known)
  return [known, spec]
}

/**
 * Inputs: weights or adapter [size]; tokens int32 [batch, length]; predicting int32 [predictions], the places in [batch · (length - 1)]
 * that predict, and labels int32 [predictions], what they should. Output: logp [predictions]. Logits are made nowhere else.
 */
function scoringGraph(model: LlamaConfig, lora: LoraBase | undefined, batch: number, length: number): Graph {
  const graph = new Graph('scoring')
  const parameters = decoderInput(graph, model, lora)
  const tokens = graph.input('tokens', 'int32', [batch, length])
  const predicting = graph.input('predicting', 'int32', ['predictions'])
  const labels = graph.input('labels', 'int32', ['predictions'])
  const { hidden } = decode(model, parameters, rotaryTables(graph, model), {
    tokens: slice(tokens, 1, 0, length - 1),
    batch,
    length: length - 1,
    mask: causalMask(graph, length - 1),
    positions: positionsFromZero(graph),
    wanted: (rows) => gatherRows(rows, predicting),
  })
  graph.output(headLogProbability(hidden, parameters.get(headMatrix(model)), labels), 'logp')
  return graph
}

function decoderInput(graph: Graph, model: LlamaConfig, lora: LoraBase | undefined): DecoderParameters {
  const layout = llamaLayout(model)
  if (lora === undefined) return new Parameters(graph.input('weights', 'float32', [layout.size]), layout)
  return adapterInput(graph, model, lora, new StoredParameters(graph, layout, lora.base))
}
