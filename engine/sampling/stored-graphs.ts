/**
 * The two graphs of a stored sampler: one reads a block of a prompt, the other decodes a few tokens of many rows. Both get the keys
 * and values of earlier tokens as inputs, which the runtime does not copy, and return those of their own tokens only.
 */
import {
  add,
  cast,
  concat,
  div,
  equal,
  Graph,
  largest,
  lessOrEqual,
  loop,
  matmul,
  mul,
  not,
  or,
  reshape,
  rmsNorm,
  rotate,
  type RotaryTables,
  silu,
  smallest,
  softmax,
  sub,
  transpose,
  type Value,
  at,
  gatherRows,
} from '../graph/index.ts'
import { emitOne } from '../graph/graph.ts'
import { MASKED, rotaryTables } from '../models/llama-forward.ts'
import { headSize, layerPrefix, type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { StoredParameters } from '../models/parameters.ts'
import { greedyChoice, sampledChoice } from './choose.ts'
import { type Precision, type Projection, projection } from './projection.ts'

export interface StoredModel {
  readonly model: LlamaConfig
  /** Flat, in the order of llamaLayout. */
  readonly weights: Float32Array
}

/** What the layers compute with, and how a layer's queries find the keys and values that they may see. */
interface Layers {
  readonly model: LlamaConfig
  readonly parameters: StoredParameters
  readonly project: Projection
  readonly tables: RotaryTables
  /** [rows] tokens of [batch, length], rows = batch · length. */
  readonly batch: number
  readonly length: number
  /** int64 [batch, length]. */
  readonly positions: Value
  /** query [batch, keyValueHeads, group · length, size], key and value [batch, keyValueHeads, length, size] → like query. */
  readonly attend: (layer: number, query: Value, key: Value, value: Value) => Value
}

export const cacheName = (layer: number, part: 'key' | 'value'): string => `${part}.${layer}`

/**
 * Inputs: tokens int32 [block]; positions int64 [1, block]; mask [block, attended], additive; key.i, value.i
 * [1, keyValueHeads, cached, headSize]. Outputs: new.key.i, new.value.i [1, keyValueHeads, block, headSize].
 */
export function prefillGraph({ model, weights }: StoredModel, block: number): Graph {
  const graph = new Graph('prefill')
  const parameters = new StoredParameters(graph, llamaLayout(model), weights)
  const tokens = graph.input('tokens', 'int32', [block])
  const positions = graph.input('positions', 'int64', [1, block])
  const mask = graph.input('mask', 'float32', [block, 'attended'])
  const group = model.heads / model.keyValueHeads
  const size = headSize(model)
  const scale = 1 / Math.sqrt(size)
  runLayers(gatherRows(parameters.get('model.embed_tokens.weight'), tokens), {
    model,
    parameters,
    project: projection(parameters, 'float32'),
    tables: rotaryTables(graph, model),
    batch: 1,
    length: block,
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
      const byHead = reshape(scores, [model.keyValueHeads, group, block, 'attended'])
      const shares = reshape(softmax(add(byHead, mask)), [1, model.keyValueHeads, group * block, 'attended'])
      return emitOne('MatMul', [shares, values], 'float32', query.shape)
    },
  })
  return graph
}

export interface DecodeShape {
  readonly rows: number
  /** Tokens of one call at most. */
  readonly steps: number
  readonly greedy: boolean
  readonly precision: Precision
  /** Whether the graph also returns what tokens are chosen from. */
  readonly logits?: boolean
}

/**
 * Inputs: token int32 [rows], read first; cached int32 [rows], how many keys of a row count; stopTokens int32 [stops]; stopped bool
 * [rows]; key.i, value.i [rows, keyValueHeads, capacity, headSize]; and, unless greedy, temperature [1] and uniforms [steps, rows].
 * Outputs: tokens int32 [made, rows]; new.key.i, new.value.i [rows, keyValueHeads, made, headSize]; if asked for, logits
 * [made, rows, vocabulary].
 */
export function chunkGraph({ model, weights }: StoredModel, shape: DecodeShape): Graph {
  const { rows, steps, greedy, precision } = shape
  const graph = new Graph('decode')
  const parameters = new StoredParameters(graph, llamaLayout(model), weights)
  const project = projection(parameters, precision)
  const tables = rotaryTables(graph, model)
  const first = graph.input('token', 'int32', [rows])
  const cached = graph.input('cached', 'int32', [rows])
  const columns = graph.input('columns', 'int32', [1, 'capacity'])
  const stopTokens = graph.input('stopTokens', 'int32', ['stops'])
  const stopped = graph.input('stopped', 'bool', [rows])
  const choose = greedy ? greedyChoice : sampler(graph, rows, steps)
  const size = headSize(model)
  const scale = 1 / Math.sqrt(size)
  const cacheShape = [rows, model.keyValueHeads, 'capacity', size]
  const parts = (['key', 'value'] as const).map((part) =>
    Array.from({ length: model.layers }, (_, layer) => graph.input(cacheName(layer, part), 'float32', cacheShape)),
  )
  const [cachedKeys = [], cachedValues = []] = parts
  const isCached = lessOrEqual(columns, sub(reshape(cached, [rows, 1]), graph.scalar(1, 'int32')))
  const mask = reshape(mul(cast(not(isCached), 'float32'), MASKED), [rows, 1, 1, 'capacity'])
  const empty = [...cachedKeys, ...cachedValues].map(() =>
    graph.constant('float32', [rows, model.keyValueHeads, 0, size], []),
  )
  const { carried, stacked } = loop({
    tripCount: graph.scalar(steps, 'int64'),
    condition: cast(graph.scalar(1), 'bool'),
    initial: [first, stopped, ...empty],
    shapes: [[rows], [rows], ...empty.map((_, index) => [rows, model.keyValueHeads, `generated_${index}`, size])],
    stackedAxis: 'made',
    body: (iteration, [token, done, ...generated]) => {
      const earlier = (index: number): Value => present(generated[index])
      const grown: Value[] = []
      const hidden = runLayers(gatherRows(parameters.get('model.embed_tokens.weight'), present(token)), {
        model,
        parameters,
        project,
        tables,
        batch: rows,
        length: 1,
        positions: reshape(cast(add(cached, cast(iteration, 'int32')), 'int64'), [rows, 1]),
        attend: (layer, query, key, value) => {
          const name = `grown_${layer}`
          const keys = concat([earlier(layer), key], 2, name)
          const values = concat([earlier(model.layers + layer), value], 2, name)
          grown[layer] = keys
          grown[model.layers + layer] = values
          const onCache = add(matmul(query, present(cachedKeys[layer]), { transposeB: true, scale }), mask)
          const onOwn = matmul(query, keys, { transposeB: true, scale })
          const shares = softmax(concat([onCache, onOwn], 3, 'attended'))
          const [cacheShares, ownShares] = splitLast(shares, columns, 'capacity', name)
          return add(
            emitOne('MatMul', [cacheShares, present(cachedValues[layer])], 'float32', query.shape),
            emitOne('MatMul', [ownShares, values], 'float32', query.shape),
          )
        },
      })
      const normalised = rmsNorm(hidden, parameters.get('model.norm.weight'), model.normEpsilon)
      const logits = project(normalised, 'model.embed_tokens.weight')
      const next = choose(logits, iteration)
      const isStop = largest(cast(equal(reshape(next, [rows, 1]), reshape(stopTokens, [1, 'stops'])), 'int32'), 1)
      const nowDone = or(present(done), cast(isStop, 'bool'))
      const allDone = cast(smallest(cast(nowDone, 'int32'), 0), 'bool')
      return {
        condition: not(allDone),
        carried: [next, nowDone, ...grown],
        stacked: shape.logits === true ? [next, logits] : [next],
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

function runLayers(embedded: Value, layers: Layers): Value {
  const { model, parameters, project, tables, batch, length, positions, attend } = layers
  const { heads, keyValueHeads, width, normEpsilon } = model
  const size = headSize(model)
  const rows = batch * length
  const group = heads / keyValueHeads
  const rotated = (x: Value, columns: number): Value => rotate(reshape(x, [batch, length, columns]), positions, tables)
  /** [rows, keyValueHeads · perKey · size] → [batch, keyValueHeads, perKey · length, size] */
  const byHead = (x: Value, perKey: number): Value =>
    reshape(transpose(reshape(x, [batch, length, keyValueHeads, perKey, size]), [0, 2, 3, 1, 4]), [
      batch,
      keyValueHeads,
      perKey * length,
      size,
    ])
  let x = embedded
  for (let layer = 0; layer < model.layers; layer++) {
    const name = (part: string): string => `${layerPrefix(layer)}.${part}.weight`
    const normalised = rmsNorm(x, parameters.get(name('input_layernorm')), normEpsilon)
    const query = byHead(rotated(project(normalised, name('self_attn.q_proj')), width), group)
    const key = byHead(rotated(project(normalised, name('self_attn.k_proj')), keyValueHeads * size), 1)
    const value = byHead(project(normalised, name('self_attn.v_proj')), 1)
    const mixed = reshape(attend(layer, query, key, value), [batch, keyValueHeads, group, length, size])
    const joined = reshape(transpose(mixed, [0, 3, 1, 2, 4]), [rows, width])
    x = add(x, project(joined, name('self_attn.o_proj')))
    const inner = rmsNorm(x, parameters.get(name('post_attention_layernorm')), normEpsilon)
    const gated = mul(silu(project(inner, name('mlp.gate_proj'))), project(inner, name('mlp.up_proj')))
    x = add(x, project(gated, name('mlp.down_proj')))
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

function sampler(graph: Graph, rows: number, steps: number): (x: Value, iteration: Value) => Value {
  const temperature = graph.input('temperature', 'float32', [1])
  const uniforms = graph.input('uniforms', 'float32', [steps, rows])
  return (x, iteration) => sampledChoice(div(x, temperature), at(uniforms, iteration))
}

function present(value: Value | undefined): Value {
  if (value === undefined)
    throw new RangeError('the graph carries a token, its state and the keys and values of each layer')
  return value
}
