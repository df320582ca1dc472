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
  times,
  type Value,
} from '../graph/index.ts'
import { causalAttention, splitHeads } from './causal-attention.ts'
import { headSize, layerPrefix, type LlamaConfig } from './llama.ts'
import type { DecoderParameters } from './parameters.ts'

/** A large negative number that stays finite, so that a row without any key gives no NaN. */
export const MASKED = -1e9

/** [rows, inputs] → [rows, outputs]. */
export type LinearMap = (x: Value) => Value

export interface Layer {
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

export function decoderLayer(parameters: DecoderParameters, layer: number): Layer {
  const name = (part: string): string => `${layerPrefix(layer)}.${part}.weight`
  const map = (part: string): LinearMap => {
    const matrix = name(part)
    return (x) => parameters.project(x, matrix)
  }
  return {
    query: map('self_attn.q_proj'),
    key: map('self_attn.k_proj'),
    value: map('self_attn.v_proj'),
    output: map('self_attn.o_proj'),
    gate: map('mlp.gate_proj'),
    up: map('mlp.up_proj'),
    down: map('mlp.down_proj'),
    attentionNorm: parameters.get(name('input_layernorm')),
    feedForwardNorm: parameters.get(name('post_attention_layernorm')),
  }
}

/** SwiGLU (Shazeer 2020): down(silu(gate(x)) · up(x)). x [rows, width]. */
export function feedForward(x: Value, layer: Layer): Value {
  return layer.down(swiglu(layer.gate(x), layer.up(x)))
}

/** Cosines and sines of all positions, computed in double precision: [context, headSize / 2]. */
export function rotaryTables(graph: Graph, config: LlamaConfig): RotaryTables {
  const half = headSize(config) / 2
  const angles = Array.from({ length: config.context * half }, (_, index) => {
    const position = Math.floor(index / half)
    return position * config.ropeTheta ** (-(index % half) / half)
  })
  const table = (values: readonly number[]): Value => graph.root.constant('float32', [config.context, half], values)
  return {
    cosine: table(angles.map(Math.cos)),
    sine: table(angles.map(Math.sin)),
    negativeSine: table(angles.map((angle) => -Math.sin(angle))),
  }
}

export interface Sequences {
  /** int32 [batch, length]. */
  readonly tokens: Value
  readonly batch: Dimension
  readonly length: number
  /** Additive attention mask that broadcasts to [batch, keyValueHeads, length, length], and hides what lies above the diagonal. */
  readonly mask: Value
  /** int64 [batch, length], or [1]: the position of the first column. */
  readonly positions: Value
}

/** What a layer stores for later tokens, both [batch, keyValueHeads, length, headSize]. */
export interface KeyValue {
  readonly key: Value
  readonly value: Value
}

/** Runs whole sequences. Returns the normalised last hidden states [batch · length, width] and the keys and values of each layer. */
export function decode(
  config: LlamaConfig,
  parameters: DecoderParameters,
  tables: RotaryTables,
  sequences: Sequences,
): { hidden: Value; keyValues: KeyValue[] } {
  const { tokens, batch, length, mask, positions } = sequences
  const { heads, keyValueHeads, width } = config
  const shape = { batch, length, heads, keyValueHeads }
  const attend = causalAttention(shape, mask)
  const keyValueWidth = keyValueHeads * headSize(config)
  const rows = times(batch, length)
  const rotated = (x: Value, size: number): Value =>
    reshape(rotate(reshape(x, [batch, length, size]), positions, tables), [rows, size])
  const keyValues: KeyValue[] = []
  let x = gatherRows(parameters.get('model.embed_tokens.weight'), reshape(tokens, [rows]))
  for (let index = 0; index < config.layers; index++) {
    const layer = decoderLayer(parameters, index)
    const normalised = rmsNorm(x, layer.attentionNorm, config.normEpsilon)
    const query = rotated(layer.query(normalised), width)
    const key = splitHeads(rotated(layer.key(normalised), keyValueWidth), shape)
    const value = splitHeads(layer.value(normalised), shape)
    keyValues.push({ key, value })
    x = add(x, layer.output(attend(query, key, value)))
    x = add(x, feedForward(rmsNorm(x, layer.feedForwardNorm, config.normEpsilon), layer))
  }
  return { hidden: rmsNorm(x, parameters.get('model.norm.weight'), config.normEpsilon), keyValues }
}

/** Logits of the tied head: [rows, width] → [rows, vocabulary]. */
export function logits(parameters: DecoderParameters, hidden: Value): Value {
  return parameters.project(hidden, 'model.embed_tokens.weight')
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
