/** The Llama decoder as graph expressions. Training and scoring run whole sequences; the sampler reuses the blocks. */
import {
  add,
  cast,
  type Dimension,
  type Graph,
  gatherRows,
  reshape,
  rmsNorm,
  rotate,
  type RotaryTables,
  swiglu,
  type Value,
} from '../graph/index.ts'
import { product } from '../graph/types.ts'
import { causalAttention, splitHeads } from './causal-attention.ts'
import { EMBEDDING, headMatrix, headSize, layerPrefix, type LlamaConfig } from './llama.ts'
import type { DecoderParameters } from './parameters.ts'

/** A large negative number that stays finite, so that a row without any key gives no NaN. */
export const MASKED = -1e9

/** [rows, inputs] → [rows, outputs]. */
export type LinearMap = (x: Value) => Value

export interface Layer {
  /** Queries, keys and values with all but the rotation: [rows, heads · headSize]. */
  readonly query: LinearMap
  readonly key: LinearMap
  readonly value: LinearMap
  readonly output: LinearMap
  readonly gate: LinearMap
  readonly up: LinearMap
  readonly down: LinearMap
  readonly attentionNorm: Value
  readonly feedForwardNorm: Value
}

export function decoderLayer(config: LlamaConfig, parameters: DecoderParameters, layer: number): Layer {
  const name = (part: string): string => `${layerPrefix(layer)}.${part}`
  const map = (part: string): LinearMap => {
    const matrix = name(`${part}.weight`)
    return (x) => parameters.project(x, matrix)
  }
  const biased = (part: string): LinearMap => {
    const project = map(part)
    if (config.attentionBias !== true) return project
    const bias = parameters.get(name(`${part}.bias`))
    return (x) => add(project(x), bias)
  }
  /** Each head by itself: [rows, heads · size] through an RMS norm of [rows, heads, size]. */
  const normalised = (project: LinearMap, part: string, heads: number): LinearMap => {
    if (config.queryKeyNorm !== true) return project
    const weight = parameters.get(name(`${part}.weight`))
    return (x) => {
      const joined = project(x)
      const [rows = 0] = joined.shape
      const apart = reshape(joined, [rows, heads, headSize(config)])
      return reshape(rmsNorm(apart, weight, config.normEpsilon), joined.shape)
    }
  }
  return {
    query: normalised(biased('self_attn.q_proj'), 'self_attn.q_norm', config.heads),
    key: normalised(biased('self_attn.k_proj'), 'self_attn.k_norm', config.keyValueHeads),
    value: biased('self_attn.v_proj'),
    output: map('self_attn.o_proj'),
    gate: map('mlp.gate_proj'),
    up: map('mlp.up_proj'),
    down: map('mlp.down_proj'),
    attentionNorm: parameters.get(name('input_layernorm.weight')),
    feedForwardNorm: parameters.get(name('post_attention_layernorm.weight')),
  }
}

/** SwiGLU (Shazeer 2020): down(silu(gate(x)) · up(x)). x [rows, width]. */
export function feedForward(x: Value, layer: Layer): Value {
  return layer.down(swiglu(layer.gate(x), layer.up(x)))
}

/** Cosines and sines of all positions, computed in double precision: [context, headSize / 2]. */
export function rotaryTables(graph: Graph, config: LlamaConfig): RotaryTables {
  const half = headSize(config) / 2
  const { divisors, amplitude = 1 } = config.ropeScaling ?? {}
  const angles = Array.from({ length: config.context * half }, (_, index) => {
    const position = Math.floor(index / half)
    const frequency = config.ropeTheta ** (-(index % half) / half) / (divisors?.[index % half] ?? 1)
    return position * frequency
  })
  const table = (of: (angle: number) => number): Value =>
    graph.root.constant(
      'float32',
      [config.context, half],
      angles.map((angle) => amplitude * of(angle)),
    )
  return {
    cosine: table(Math.cos),
    sine: table(Math.sin),
    negativeSine: table((angle) => -Math.sin(angle)),
  }
}

export interface Tokens {
  /** int32, batch · length in all. */
  readonly tokens: Value
  readonly batch: Dimension
  readonly length: Dimension
  /** int64 [batch, length], or [1]: the position of the first column. */
  readonly positions: Value
  /** Takes those of all tokens' rows whose last hidden states are wanted; all unless given. */
  readonly wanted?: (rows: Value) => Value
}

/**
 * What a layer's tokens see: queries and keys [batch, length, heads · headSize], rotated, and values
 * [batch · length, keyValueHeads · headSize] → [batch · length, heads · headSize].
 */
export type Attend = (layer: number, query: Value, key: Value, value: Value) => Value

/** Runs the layers, in which attention alone looks beyond a token. Returns the normalised last hidden states [wanted tokens, width]. */
export function runLayers(
  config: LlamaConfig,
  parameters: DecoderParameters,
  tables: RotaryTables,
  { tokens, batch, length, positions, wanted = (rows) => rows }: Tokens,
  attend: Attend,
): Value {
  const { heads, keyValueHeads, normEpsilon } = config
  const size = headSize(config)
  const rotated = (x: Value, width: number): Value => rotate(reshape(x, [batch, length, width]), positions, tables)
  let x = gatherRows(parameters.get(EMBEDDING), reshape(tokens, [product([batch, length])]))
  for (let index = 0; index < config.layers; index++) {
    const layer = decoderLayer(config, parameters, index)
    const normalised = rmsNorm(x, layer.attentionNorm, normEpsilon)
    const query = rotated(layer.query(normalised), heads * size)
    const key = rotated(layer.key(normalised), keyValueHeads * size)
    const attended = attend(index, query, key, layer.value(normalised))
    // Nothing looks at other tokens after the last attention, so what is not wanted ends there.
    const kept = index === config.layers - 1 ? wanted : (rows: Value): Value => rows
    x = add(kept(x), layer.output(kept(attended)))
    x = add(x, feedForward(rmsNorm(x, layer.feedForwardNorm, normEpsilon), layer))
  }
  return rmsNorm(x, parameters.get('model.norm.weight'), normEpsilon)
}

export interface Sequences extends Tokens {
  /** Additive attention mask that broadcasts to [batch, keyValueHeads, length, length], and hides what lies above the diagonal. */
  readonly mask: Value
}

/** What a layer stores for later tokens, both [batch, keyValueHeads, length, headSize]. */
export interface KeyValue {
  readonly key: Value
  readonly value: Value
}

/** Runs whole sequences. Returns the normalised last hidden states [wanted tokens, width] and the keys and values of each layer. */
export function decode(
  config: LlamaConfig,
  parameters: DecoderParameters,
  tables: RotaryTables,
  sequences: Sequences,
): { hidden: Value; keyValues: KeyValue[] } {
  const { batch, length, mask } = sequences
  const { heads, keyValueHeads } = config
  const attention = causalAttention({ batch, length, heads, keyValueHeads }, mask)
  const keyValues: KeyValue[] = []
  const hidden = runLayers(config, parameters, tables, sequences, (_, query, joinedKey, joinedValue) => {
    const byHead = (x: Value): Value => splitHeads(x, { batch, length, keyValueHeads })
    const [key, value] = [byHead(joinedKey), byHead(joinedValue)]
    keyValues.push({ key, value })
    return attention(query, key, value)
  })
  return { hidden, keyValues }
}

/** [rows, width] → [rows, vocabulary]. */
export function logits(config: LlamaConfig, parameters: DecoderParameters, hidden: Value): Value {
  return parameters.project(hidden, headMatrix(config))
}

/** Additive causal mask [length, length]. */
export function causalMask(graph: Graph, length: number): Value {
  const mask = new Float32Array(length * length)
  for (let row = 0; row < length; row++) mask.fill(MASKED, row * length + row + 1, (row + 1) * length)
  return graph.root.constant('float32', [length, length], mask)
}

/** int64 [1] holding 0: positions count from the first column. */
export function positionsFromZero(graph: Graph): Value {
  return cast(graph.root.constant('int32', [1], [0]), 'int64')
}
