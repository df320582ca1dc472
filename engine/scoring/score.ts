/** Log-probabilities of completions under given weights. */
import { Graph, reshape, slice, tokenLogProbability } from '../graph/index.ts'
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { Parameters } from '../models/parameters.ts'
import { floatFeed, integerFeed } from '../runtime/session.ts'
import type { SessionCache } from '../runtime/session-cache.ts'
import { causalMask, decode, logits, positionsFromZero, rotaryTables } from '../models/llama-forward.ts'
import { checkRow, RowError } from '../training/rows.ts'

export interface ScoredRow {
  readonly tokens: readonly number[]
  /** Index of the first completion token, at least 1. */
  readonly completionFrom: number
}

export interface ScoreRequest {
  /** Flat parameter vector in the order of llamaLayout. */
  readonly weights: Float32Array
  readonly model: LlamaConfig
  readonly rows: readonly ScoredRow[]
  /** Padded length of a row, in tokens. */
  readonly length: number
  /** Rows of one graph call; the last call is filled up, so that every call has the same shape. */
  readonly batch: number
  readonly padToken: number
}

/**
 * For each row one natural log-probability per completion token. Throws RowError for rows that do not fit.
 */
export async function scoreRows(request: ScoreRequest, sessions: SessionCache): Promise<Float32Array[]> {
  const { weights, model, rows, length, batch, padToken } = request
  if (length - 1 > model.context || length < 2)
    throw new RowError(`length ${length} does not fit context ${model.context}`)
  for (const row of rows) checkRow(row, { length, vocabulary: model.vocabulary })
  const key = JSON.stringify(['score', model, length, batch])
  const session = await sessions.get(key, () => scoringGraph(model, batch, length))
  const predictions = length - 1
  const results: Float32Array[] = []
  for (let start = 0; start < rows.length; start += batch) {
    const part = rows.slice(start, start + batch)
    const tokens = new Int32Array(batch * length).fill(padToken)
    for (const [index, row] of part.entries()) tokens.set(row.tokens, index * length)
    const outputs = await session.run({
      weights: floatFeed(weights, [weights.length]),
      tokens: integerFeed(tokens, [batch, length]),
    })
    const logp = outputs.floats('logp')
    for (const [index, { tokens: sequence, completionFrom }] of part.entries()) {
      const base = index * predictions - 1
      results.push(logp.slice(base + completionFrom, base + sequence.length))
    }
  }
  return results
}

/** Inputs: weights [size], tokens int32 [batch, length]. Output: logp [batch, length - 1]. */
function scoringGraph(model: LlamaConfig, batchRows: number, length: number): Graph {
  const layout = llamaLayout(model)
  const graph = new Graph('scoring')
  const parameters = new Parameters(graph.input('weights', 'float32', [layout.size]), layout)
  const tokens = graph.input('tokens', 'int32', [batchRows, length])
  const predictions = length - 1
  const { hidden } = decode(model, parameters, rotaryTables(graph, model), {
    tokens: slice(tokens, 1, 0, predictions),
    batch: batchRows,
    length: predictions,
    mask: causalMask(graph, predictions),
    positions: positionsFromZero(graph),
  })
  const labels = reshape(slice(tokens, 1, 1, length), [batchRows * predictions])
  const logp = tokenLogProbability(logits(model, parameters, hidden), labels)
  graph.output(reshape(logp, [batchRows, predictions]), 'logp')
  return graph
}
