/**
 * The two graphs of a stored sampler: one reads a block of a prompt, the other decodes a few tokens of many rows. Both get the keys
 * and values of earlier tokens as inputs, which the runtime does not copy, and return those of their own tokens only.
 */
import {
  add,
  cast,
  concat,
  Graph,
  lessOrEqual,
  matmul,
  minimum,
  mul,
  not,
  reshape,
  softmax,
  split,
  sub,
  times,
  type Value,
} from '../graph/index.ts'
import { fixedDimension } from '../graph/types.ts'
import { groupHeads, joinHeads, splitHeads } from '../models/causal-attention.ts'
import { type Attend, logits, MASKED, rotaryTables, runLayers } from '../models/llama-forward.ts'
import { headSize, type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { adapterInput, type LoraSpec } from '../models/lora.ts'
import { type DecoderParameters, type ParameterFile, StoredParameters } from '../models/parameters.ts'
import { required } from '../runtime/records.ts'
import { generate, product, sizeOf, splitLast } from './generate.ts'
import { type Precision, withPrecision } from './projection.ts'

export interface StoredModel {
  readonly model: LlamaConfig
  /** Flat, in the order of llamaLayout; or a file of them (see openWeights), which is mapped into memory once for both graphs. */
  readonly weights: Float32Array | ParameterFile
  /** Every call brings an adapter of this form: players over one base share its weights and the compiled graphs. */
  readonly lora?: LoraSpec
}

/** What the decoder computes with; with `lora` the graph gets one more input, `adapter` (see adapterInput). */
function storedDecoder(graph: Graph, { model, weights, lora }: StoredModel, precision: Precision): DecoderParameters {
  const base = withPrecision(new StoredParameters(graph, llamaLayout(model), weights), precision)
  return lora === undefined ? base : adapterInput(graph, model, lora, base)
}

/** The keys of all layers, then their values. */
export function cacheNames(layers: number): string[] {
  const numbers = [...Array(layers).keys()]
  return ['key', 'value'].flatMap((part) => numbers.map((layer) => `${part}.${layer}`))
}

/**
 * Inputs: tokens int32 [block]; positions int64 [1, block]; mask [group · block, attended], additive, the same for each of the
 * `group` query heads of a key; key.i, value.i [1, keyValueHeads, cached, headSize]. Outputs: new.key.i, new.value.i
 * [1, keyValueHeads, block, headSize].
 */
export function prefillGraph(stored: StoredModel): Graph {
  const { model } = stored
  const { layers, heads, keyValueHeads } = model
  const graph = new Graph('prefill')
  const parameters = storedDecoder(graph, stored, 'float32')
  const tokens = graph.input('tokens', 'int32', ['block'])
  const positions = graph.input('positions', 'int64', [1, 'block'])
  const mask = graph.input('mask', 'float32', [times('block', heads / keyValueHeads), 'attended'])
  const shape = { batch: 1, length: 'block', heads, keyValueHeads }
  const size = headSize(model)
  const names = cacheNames(layers)
  const withEarlier = (index: number, x: Value): Value => {
    const name = required(names[index], 'cache')
    const earlier = graph.input(name, 'float32', [1, keyValueHeads, 'cached', size])
    const own = splitHeads(x, shape)
    graph.output(own, `new.${name}`)
    return concat([earlier, own], 2, 'attended')
  }
  const attend: Attend = (layer, query, key, value) => {
    const [keys, values] = [withEarlier(layer, key), withEarlier(layers + layer, value)]
    const scores = matmul(groupHeads(query, shape), keys, { transposeB: true, scale: 1 / Math.sqrt(size) })
    return joinHeads(product(softmax(add(scores, mask)), values), shape)
  }
  runLayers(model, parameters, rotaryTables(graph, model), { ...shape, tokens, positions }, attend)
  return graph
}

export interface DecodeShape {
  readonly rows: number
  readonly greedy: boolean
  readonly precision: Precision
  /** Whether the graph also returns what tokens are chosen from. */
  readonly logits?: boolean
}

/** Rows whose caches have one capacity, which is that of the longest: few, so that a long row makes few others pay for it. */
const GROUP_ROWS = 4

/** Sizes of the groups that rows are decoded in, in their order. */
export function rowGroups(rows: number): number[] {
  return Array.from({ length: Math.ceil(rows / GROUP_ROWS) }, (_, group) =>
    Math.min(GROUP_ROWS, rows - group * GROUP_ROWS),
  )
}

/** A group of rows in the decode graph. */
interface RowGroup {
  readonly capacity: string
  readonly columns: Value
  /** Of its cached keys, [rows, 1, 1, capacity]. */
  readonly mask: Value
  /** In the order of cacheNames. */
  readonly cache: readonly Value[]
}

/**
 * Inputs: steps int64, tokens made at most; token int32 [rows], read first; cached int32 [rows], how many keys of a row count; by
 * group of rows g columns.g int32 [1, capacity], which counts from 0, and key.i.g, value.i.g [rows of the group, keyValueHeads,
 * capacity, headSize]; and those of generate(). Outputs: tokens int32 [made, rows]; new.key.i, new.value.i
 * [rows, keyValueHeads, made, headSize]; if asked for, logits [made, rows, vocabulary].
 */
export function chunkGraph(stored: StoredModel, { rows, greedy, precision, logits: givesLogits }: DecodeShape): Graph {
  const { model } = stored
  const { layers, heads, keyValueHeads } = model
  const graph = new Graph('decode')
  const parameters = storedDecoder(graph, stored, precision)
  const tables = rotaryTables(graph, model)
  const cached = graph.input('cached', 'int32', [rows])
  const shape = { batch: rows, length: 1, heads, keyValueHeads }
  const size = headSize(model)
  const scale = 1 / Math.sqrt(size)
  const groups = groupInputs(graph, model, cached)
  const byGroup = (x: Value): readonly Value[] => split(x, 0, rowGroups(rows))
  /** The cached keys and values, group by group, then those of the row's own earlier tokens, which go into `grown` with the new ones. */
  const attendTo =
    (earlier: readonly Value[], grown: Value[]): Attend =>
    (layer, query, key, value) => {
      const grow = (index: number, x: Value): Value =>
        (grown[index] = concat([required(earlier[index], 'cache'), splitHeads(x, shape)], 2, `grown_${layer}`))
      const [keys, values] = [grow(layer, key), grow(layers + layer, value)]
      const grouped = groupHeads(query, shape)
      const onOwn = byGroup(matmul(grouped, keys, { transposeB: true, scale }))
      const [queries, ownValues] = [byGroup(grouped), byGroup(values)]
      const mixed = groups.map(({ cache, mask, columns, capacity }, index) => {
        const of = (parts: readonly Value[], part: number): Value => required(parts[part], 'part')
        const onCache = matmul(of(queries, index), of(cache, layer), { transposeB: true, scale })
        const shares = softmax(concat([add(onCache, mask), of(onOwn, index)], 3, `attended_${index}`))
        const [cacheShares, ownShares] = splitLast(shares, sizeOf(columns), [capacity, `grown_${layer}`])
        return add(product(cacheShares, of(cache, layers + layer)), product(ownShares, of(ownValues, index)))
      })
      return joinHeads(concat(mixed, 0), shape)
    }
  const made = generate({
    graph,
    steps: graph.input('steps', 'int64', []),
    first: graph.input('token', 'int32', [rows]),
    greedy,
    givesLogits: givesLogits === true,
    cache: { tensors: 2 * layers, shape: [rows, keyValueHeads, 0, size] },
    step: (tokens, iteration, earlier) => {
      // A row goes on behind its last token while others are at theirs, perhaps beyond the model's context.
      const position = minimum(add(cached, cast(iteration, 'int32')), model.context - 1)
      const positions = reshape(cast(position, 'int64'), [rows, 1])
      const grown: Value[] = []
      const hidden = runLayers(model, parameters, tables, { ...shape, tokens, positions }, attendTo(earlier, grown))
      return { logits: logits(model, parameters, hidden), grown }
    },
  })
  for (const [index, name] of cacheNames(layers).entries()) graph.output(required(made[index], name), `new.${name}`)
  return graph
}

/** cached: int32 [rows]. */
function groupInputs(graph: Graph, model: LlamaConfig, cached: Value): RowGroup[] {
  const sizes = rowGroups(fixedDimension(cached.shape, 0))
  return split(cached, 0, sizes).map((counts, group) => {
    const [rows = 0] = counts.shape
    const capacity = `capacity_${group}`
    const columns = graph.input(`columns.${group}`, 'int32', [1, capacity])
    const isCached = lessOrEqual(columns, sub(reshape(counts, [rows, 1]), graph.scalar(1, 'int32')))
    const mask = reshape(mul(cast(not(isCached), 'float32'), MASKED), [rows, 1, 1, capacity])
    const shape = [rows, model.keyValueHeads, capacity, headSize(model)]
    const cache = cacheNames(model.layers).map((name) => graph.input(`${name}.${group}`, 'float32', shape))
    return { capacity, columns, mask, cache }
  })
}
