/**
 * The sampling graph: prompts are read once, then all samples of all prompts are decoded token by token, so that one run() call
 * generates whole completions. Keys and values of the prompts are captured from outside the loop and shared by the samples of a
 * prompt; only those of generated tokens are carried.
 */
import {
  add,
  cast,
  concat,
  expand,
  Graph,
  largest,
  lessOrEqual,
  matmul,
  mul,
  not,
  reshape,
  softmax,
  sub,
  transpose,
  type Value,
  where,
} from '../graph/index.ts'
import { type Attend, decode, logits, MASKED, rotaryTables, runLayers } from '../models/llama-forward.ts'
import { headSize, type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { Parameters } from '../models/parameters.ts'
import { required } from '../runtime/records.ts'
import { generate, product, sizeOf, splitLast } from './generate.ts'

export interface SamplingShape {
  /** Prompts of one call. */
  readonly prompts: number
  readonly samplesPerPrompt: number
  readonly greedy: boolean
}

/**
 * Inputs: prompts int32 [prompts, prefix], padded on the left and without their last tokens; last int32 [prompts]; padding int32
 * [prompts], the number of pad tokens; columns int32 [1, prefix], which counts from 0; steps int64, tokens made at most; and those
 * of generate(), with rows = prompts · samplesPerPrompt, prompt-major. Only the number of rows is compiled in.
 */
export function samplingGraph(model: LlamaConfig, shape: SamplingShape): Graph {
  const { prompts, samplesPerPrompt, greedy } = shape
  const rows = prompts * samplesPerPrompt
  const layout = llamaLayout(model)
  const graph = new Graph('sampling')
  const parameters = new Parameters(graph.input('weights', 'float32', [layout.size]), layout)
  const tables = rotaryTables(graph, model)
  const tokens = graph.input('prompts', 'int32', [prompts, 'prefix'])
  const padding = graph.input('padding', 'int32', [prompts])
  const columns = graph.input('columns', 'int32', [1, 'prefix'])

  const perPrompt = reshape(padding, [prompts, 1])
  const isPadding = lessOrEqual(columns, sub(perPrompt, graph.scalar(1, 'int32')))
  const isLater = not(lessOrEqual(columns, reshape(columns, ['prefix', 1])))
  const masked = (hidden: Value): Value => mul(cast(hidden, 'float32'), MASKED)
  const keyMask = reshape(masked(isPadding), [prompts, 1, 1, 'prefix'])
  const { keyValues } = decode(model, parameters, tables, {
    tokens,
    batch: prompts,
    length: 'prefix',
    mask: add(masked(isLater), keyMask),
    // Positions count from the first real token. Those of pad tokens do not matter.
    positions: cast(where(isPadding, graph.scalar(0, 'int32'), sub(columns, perPrompt)), 'int64'),
  })
  const perRow = (x: Value): Value => reshape(expand(reshape(x, [prompts, 1]), [prompts, samplesPerPrompt]), [rows])
  const firstPosition = perRow(add(sub(largest(columns, 1), padding), graph.scalar(1, 'int32')))
  const onPrompt = keyValues.map(({ key, value }) => ({ keyTransposed: transpose(key, [0, 1, 3, 2]), value }))
  const { layers, heads, keyValueHeads } = model
  const size = headSize(model)
  const group = heads / keyValueHeads
  const scale = 1 / Math.sqrt(size)
  const end = sizeOf(columns)
  /** [rows, (1,) heads · size] → [prompts, keyValueHeads, samples, heads per keyValueHead, size] */
  const byPrompt = (x: Value, perKey: number): Value =>
    transpose(reshape(x, [prompts, samplesPerPrompt, keyValueHeads, perKey, size]), [0, 2, 1, 3, 4])
  /** The prompt's keys and values, then those of the row's own earlier tokens, which it puts into `grown` with the new ones. */
  const attendTo =
    (earlier: readonly Value[], grown: Value[]): Attend =>
    (layer, joinedQuery, joinedKey, joinedValue) => {
      const prompt = required(onPrompt[layer], `layer ${layer}`)
      const own = `grown_${layer}`
      const grow = (index: number, x: Value): Value =>
        (grown[index] = concat([required(earlier[index], 'cache'), byPrompt(x, 1)], 3, own))
      const query = byPrompt(joinedQuery, group)
      const [keys, values] = [grow(layer, joinedKey), grow(layers + layer, joinedValue)]
      const shared = [prompts, keyValueHeads, samplesPerPrompt * group]
      const promptScores = matmul(reshape(query, [...shared, size]), prompt.keyTransposed, { scale })
      const ownScores = matmul(query, keys, { transposeB: true, scale })
      const scores = concat([add(promptScores, keyMask), reshape(ownScores, [...shared, own])], 3, 'attended')
      const [onPromptShares, onOwnShares] = splitLast(softmax(scores), end, ['prefix', own])
      const rest = reshape(onOwnShares, [prompts, keyValueHeads, samplesPerPrompt, group, own])
      const mixed = add(reshape(matmul(onPromptShares, prompt.value), query.shape), product(rest, values))
      return reshape(transpose(mixed, [0, 2, 1, 3, 4]), [rows, heads * size])
    }

  generate({
    graph,
    steps: graph.input('steps', 'int64', []),
    // The loop starts from the last prompt token, so that it samples in one place only.
    first: perRow(graph.input('last', 'int32', [prompts])),
    greedy,
    cache: { tensors: 2 * layers, shape: [prompts, keyValueHeads, samplesPerPrompt, 0, size] },
    step: (token, iteration, earlier) => {
      const positions = cast(reshape(add(firstPosition, cast(iteration, 'int32')), [rows, 1]), 'int64')
      const grown: Value[] = []
      const here = { tokens: token, batch: rows, length: 1, positions }
      const hidden = runLayers(model, parameters, tables, here, attendTo(earlier, grown))
      return { logits: logits(model, parameters, hidden), grown }
    },
  })
  return graph
}
