/**
 * The two graphs of a stored sampler: one reads a block of a prompt, the other decodes a few tokens of many rows. Both get the keys
 * and values of earlier tokens as inputs, which the runtime does not copy, and return those of their own tokens only.
 */
import {
  add,
  cast,
  concat,
  type Dimension,
  div,
  equal,
  Graph,
  largest,
  lessOrEqual,
  loop,
  matmul,
  minimum,
  mul,
  not,
  or,
  reshape,
  rmsNorm,
  rotate,
  type RotaryTables,
  smallest,
  softmax,
  split,
  sub,
  times,
  transpose,
  type Value,
  at,
  gatherRows,
} from '../graph/index.ts'
import { emitOne } from '../graph/graph.ts'
import { fixedDimension } from '../graph/types.ts'
import { decoderLayer, feedForward, logits, MASKED, rotaryTables } from '../models/llama-forward.ts'
import { EMBEDDING, headSize, type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { adapterInput, type LoraSpec } from '../models/lora.ts'
import { type DecoderParameters, type ParameterFile, StoredParameters } from '../models/parameters.ts'
import { greedyChoice, sampledChoice } from './choose.ts'
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

/** What the layers compute with, and how a layer's queries find the keys and values that they may see. */
interface Layers {
  readonly model: LlamaConfig
  readonly parameters: DecoderParameters
  readonly tables: RotaryTables
  /** [batch · length, width] */
  readonly batch: number
  readonly length: Dimension
  /** int64 [batch, length]. */
  readonly positions: Value
  /** query [batch, keyValueHeads, group · length, size], key and value [batch, keyValueHeads, length, size] → like query. */
  readonly attend: (layer: number, query: Value, key: Value, value: Value) => Value
}

export const cacheName = (layer: number, part: 'key' | 'value'): string => `${part}.${layer}`

/**
 * Inputs: tokens int32 [block]; positions int64 [1, block]; mask [group · block, attended], additive, the same for each of the
 * `group` query heads of a key; key.i, value.i [1, keyValueHeads, cached, headSize]. Outputs: new.key.i, new.value.i
 * [1, keyValueHeads, block, headSize].
 */
export function prefillGraph(stored: StoredModel): Graph {
  const { model } = stored
  const graph = new Graph('prefill')
  const parameters = storedDecoder(graph, stored, 'float32')
  const tokens = graph.input('tokens', 'int32', ['block'])
  const positions = graph.input('positions', 'int64', [1, 'block'])
  const mask = graph.input('mask', 'float32', [times('block', model.heads / model.keyValueHeads), 'attended'])
  const size = headSize(model)
  const scale = 1 / Math.sqrt(size)
  runLayers(gatherRows(parameters.get(EMBEDDING), tokens), {
    model,
    parameters,
    tables: rotaryTables(graph, model),
    batch: 1,
    length: 'block',
    positions,
    attend: (layer, query, key, value) => {
      const shape = [1, model.keyValueHeads, 'cached', size]
      const earlierKeys = graph.input(cacheName(layer, 'key'), 'float32', shape)
      const earlierValues = graph.input(cacheName(layer, 'value'), 'float32', shape)
      graph.output(key, `new.${cacheName(layer, 'key')}`)
      graph.output(value, `new.${cacheName(layer, 'value')}`)
      const keys = concat([earlierKeys, key], 2, 'attended')
      const values = concat([earlierValues, value], 2, 'attended')
      const scores = matmul(query, keys, { transposeB: true, scale })
      return emitOne('MatMul', [softmax(add(scores, mask)), values], 'float32', query.shape)
    },
  })
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

/** Of the keys or the values of a layer and a group of rows. */
export const groupCacheName = (layer: number, part: 'key' | 'value', group: number): string =>
  `${cacheName(layer, part)}.${group}`

/** A group of rows in the decode graph: the mask of its cached keys [rows, 1, 1, capacity], and its cached keys and values by layer. */
interface RowGroup {
  readonly capacity: string
  readonly columns: Value
  readonly mask: Value
  readonly keys: readonly Value[]
  readonly values: readonly Value[]
}

/**
 * Inputs: steps int64, tokens made at most; token int32 [rows], read first; cached int32 [rows], how many keys of a row count;
 * stopTokens int32 [stops]; stopped bool [rows]; by group of rows g columns.g int32 [1, capacity], which counts from 0, and key.i.g,
 * value.i.g [rows of the group, keyValueHeads, capacity, headSize]; and, unless greedy, temperature [1] and uniforms [steps, rows].
 * Outputs: tokens int32 [made, rows]; new.key.i, new.value.i [rows, keyValueHeads, made, headSize]; if asked for, logits
 * [made, rows, vocabulary].
 */
export function chunkGraph(stored: StoredModel, shape: DecodeShape): Graph {
  const { model } = stored
  const { rows, greedy, precision } = shape
  const graph = new Graph('decode')
  const parameters = storedDecoder(graph, stored, precision)
  const tables = rotaryTables(graph, model)
  const steps = graph.input('steps', 'int64', [])
  const first = graph.input('token', 'int32', [rows])
  const cached = graph.input('cached', 'int32', [rows])
  const stopTokens = graph.input('stopTokens', 'int32', ['stops'])
  const stopped = graph.input('stopped', 'bool', [rows])
  const choose = greedy ? greedyChoice : sampler(graph, rows)
  const size = headSize(model)
  const scale = 1 / Math.sqrt(size)
  const groups = groupInputs(graph, model, cached)
  const empty = Array.from({ length: 2 * model.layers }, () =>
    graph.constant('float32', [rows, model.keyValueHeads, 0, size], []),
  )
  const { carried, stacked } = loop({
    tripCount: steps,
    condition: cast(graph.scalar(1), 'bool'),
    initial: [first, stopped, ...empty],
    shapes: [[rows], [rows], ...empty.map((_, index) => [rows, model.keyValueHeads, `generated_${index}`, size])],
    stackedAxis: 'made',
    body: (iteration, [token, done, ...generated]) => {
      const earlier = (index: number): Value => present(generated[index])
      const grown: Value[] = []
      // A row goes on behind its last token while others are at theirs, perhaps beyond the model's context.
      const position = minimum(add(cached, cast(iteration, 'int32')), model.context - 1)
      const hidden = runLayers(gatherRows(parameters.get(EMBEDDING), present(token)), {
        model,
        parameters,
        tables,
        batch: rows,
        length: 1,
        positions: reshape(cast(position, 'int64'), [rows, 1]),
        attend: (layer, query, key, value) => {
          const name = `grown_${layer}`
          const keys = concat([earlier(layer), key], 2, name)
          const values = concat([earlier(model.layers + layer), value], 2, name)
          grown[layer] = keys
          grown[model.layers + layer] = values
          const byGroup = (x: Value): Value[] => split(x, 0, rowGroups(rows))
          const [queries, own, ownValues] = [
            byGroup(query),
            byGroup(matmul(query, keys, { transposeB: true, scale })),
            byGroup(values),
          ]
          const mixed = groups.map((group, index) => {
            const [groupQuery, onOwn] = [present(queries[index]), present(own[index])]
            const product = matmul(groupQuery, present(group.keys[layer]), { transposeB: true, scale })
            const shares = softmax(concat([add(product, group.mask), onOwn], 3, `attended_${index}`))
            const [cacheShares, ownShares] = splitLast(shares, group.columns, group.capacity, name)
            return add(
              emitOne('MatMul', [cacheShares, present(group.values[layer])], 'float32', groupQuery.shape),
              emitOne('MatMul', [ownShares, present(ownValues[index])], 'float32', groupQuery.shape),
            )
          })
          return concat(mixed, 0)
        },
      })
      const normalised = rmsNorm(hidden, parameters.get('model.norm.weight'), model.normEpsilon)
      const allLogits = logits(model, parameters, normalised)
      const next = choose(allLogits, iteration)
      const isStop = largest(cast(equal(reshape(next, [rows, 1]), reshape(stopTokens, [1, 'stops'])), 'int32'), 1)
      const nowDone = or(present(done), cast(isStop, 'bool'))
      const allDone = cast(smallest(cast(nowDone, 'int32'), 0), 'bool')
      return {
        condition: not(allDone),
        carried: [next, nowDone, ...grown],
        stacked: shape.logits === true ? [next, allLogits] : [next],
      }
    },
  })
  graph.output(present(stacked[0]), 'tokens')
  if (shape.logits === true) graph.output(present(stacked[1]), 'logits')
  for (const [index, value] of carried.slice(2).entries()) {
    const layer = index % model.layers
    graph.output(value, `new.${cacheName(layer, index < model.layers ? 'key' : 'value')}`)
  }
  return graph
}

/** cached: int32 [rows]. */
function groupInputs(graph: Graph, model: LlamaConfig, cached: Value): RowGroup[] {
  const sizes = rowGroups(fixedDimension(cached.shape, 0))
  const counts = split(cached, 0, sizes)
  return sizes.map((rows, group) => {
    const capacity = `capacity_${group}`
    const columns = graph.input(`columns.${group}`, 'int32', [1, capacity])
    const last = sub(reshape(present(counts[group]), [rows, 1]), graph.scalar(1, 'int32'))
    const isCached = lessOrEqual(columns, last)
    const mask = reshape(mul(cast(not(isCached), 'float32'), MASKED), [rows, 1, 1, capacity])
    const shape = [rows, model.keyValueHeads, capacity, headSize(model)]
    const byLayer = (part: 'key' | 'value'): Value[] =>
      Array.from({ length: model.layers }, (_, layer) =>
        graph.input(groupCacheName(layer, part, group), 'float32', shape),
      )
    return { capacity, columns, mask, keys: byLayer('key'), values: byLayer('value') }
  })
}

function runLayers(embedded: Value, layers: Layers): Value {
  const { model, parameters, tables, batch, length, positions, attend } = layers
  const { heads, keyValueHeads, normEpsilon } = model
  const size = headSize(model)
  const rows = times(length, batch)
  const group = heads / keyValueHeads
  const rotated = (x: Value, columns: number): Value => rotate(reshape(x, [batch, length, columns]), positions, tables)
  /** [rows, keyValueHeads · perKey · size] → [batch, keyValueHeads, perKey · length, size] */
  const byHead = (x: Value, perKey: number): Value =>
    reshape(transpose(reshape(x, [batch, length, keyValueHeads, perKey, size]), [0, 2, 3, 1, 4]), [
      batch,
      keyValueHeads,
      times(length, perKey),
      size,
    ])
  let x = embedded
  for (let index = 0; index < model.layers; index++) {
    const layer = decoderLayer(model, parameters, index)
    const normalised = rmsNorm(x, layer.attentionNorm, normEpsilon)
    const query = byHead(rotated(layer.query(normalised), heads * size), group)
    const key = byHead(rotated(layer.key(normalised), keyValueHeads * size), 1)
    const value = byHead(layer.value(normalised), 1)
    const mixed = reshape(attend(index, query, key, value), [batch, keyValueHeads, group, length, size])
    const joined = reshape(transpose(mixed, [0, 3, 1, 2, 4]), [rows, heads * size])
    x = add(x, layer.output(joined))
    x = add(x, feedForward(rmsNorm(x, layer.feedForwardNorm, normEpsilon), layer))
  }
  return x
}

/** The shares of the cache, as many as there are columns, and the rest. */
function splitLast(x: Value, columns: Value, cacheName: string, restName: string): [Value, Value] {
  const axis = x.graph.constant('int64', [1], [x.shape.length - 1])
  const shape = emitOne('Shape', [columns], 'int64', [1], { start: { int: 1 } })
  const start = x.graph.constant('int64', [1], [0])
  const end = x.graph.constant('int64', [1], [2 ** 31 - 1])
  const leading = x.shape.slice(0, -1)
  return [
    emitOne('Slice', [x, start, shape, axis], x.dtype, [...leading, cacheName]),
    emitOne('Slice', [x, shape, end, axis], x.dtype, [...leading, restName]),
  ]
}

function sampler(graph: Graph, rows: number): (x: Value, iteration: Value) => Value {
  const temperature = graph.input('temperature', 'float32', [1])
  const uniforms = graph.input('uniforms', 'float32', ['steps', rows])
  return (x, iteration) => sampledChoice(div(x, temperature), at(uniforms, iteration))
}

function present(value: Value | undefined): Value {
  if (value === undefined)
    throw new RangeError('the graph carries a token, its state and the keys and values of each layer')
  return value
}
