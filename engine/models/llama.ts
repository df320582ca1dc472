/** The Llama decoder (Touvron et al. 2023) and its relatives: configuration, parameter names and initial weights. */
import { normals } from '../random/philox.ts'
import { type ParameterLayout, parameterLayout } from './layout.ts'

/** What is optional is absent from a plain Llama with tied embeddings. */
export interface LlamaConfig {
  readonly vocabulary: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  /** Heads of keys and values; fewer than `heads` is grouped-query attention. */
  readonly keyValueHeads: number
  /** Width of the SwiGLU feed-forward block. */
  readonly hidden: number
  readonly ropeTheta: number
  /** The longest sequence, in tokens. */
  readonly context: number
  readonly normEpsilon: number
  /** Width of a head, where it is not width / heads. */
  readonly headSize?: number
  /** Logits come from a matrix of their own, not from the embedding's. */
  readonly untiedHead?: boolean
  /** Queries, keys and values have biases (Qwen2). */
  readonly attentionBias?: boolean
  /** Each head of the queries and the keys goes through an RMS norm before it is rotated (Qwen3). */
  readonly queryKeyNorm?: boolean
  readonly ropeScaling?: RopeScaling
}

/** How rotary positions were stretched for texts longer than those first trained on; rope-scaling.ts has the known ways. */
export interface RopeScaling {
  /** What each frequency of a head is divided by, [headSize / 2]. */
  readonly divisors: readonly number[]
  /** What rotated queries and keys are multiplied by, 1 unless given. */
  readonly amplitude?: number
}

/** A configuration that names no model. */
export class ModelConfigError extends Error {
  override readonly name = 'ModelConfigError'
}

export function headSize(config: LlamaConfig): number {
  return config.headSize ?? config.width / config.heads
}

/** Throws ModelConfigError unless the sizes fit together; `source` is the file that they come from. */
export function checkLlamaConfig(config: LlamaConfig, source?: string): void {
  const fail = (message: string): never => {
    throw new ModelConfigError(source === undefined ? message : `${source}: ${message}`)
  }
  const sizes = ['vocabulary', 'width', 'layers', 'heads', 'keyValueHeads', 'hidden', 'context'] as const
  for (const size of sizes) {
    if (!Number.isInteger(config[size]) || config[size] < 1) {
      fail(`${size} must be a positive integer, got ${config[size]}`)
    }
  }
  if (config.headSize === undefined && config.width % (2 * config.heads) !== 0) {
    fail(`width ${config.width} must be an even multiple of heads ${config.heads}`)
  }
  const size = headSize(config)
  if (!Number.isInteger(size) || size < 1 || size % 2 !== 0) {
    fail(`headSize must be an even positive integer, got ${size}`)
  }
  if (config.heads % config.keyValueHeads !== 0) {
    fail(`heads ${config.heads} must be a multiple of keyValueHeads ${config.keyValueHeads}`)
  }
  if (!(config.ropeTheta > 0) || !(config.normEpsilon > 0)) fail('ropeTheta and normEpsilon must be positive')
  const { divisors = [], amplitude = 1 } = config.ropeScaling ?? {}
  if (config.ropeScaling !== undefined && divisors.length !== size / 2) {
    fail(`ropeScaling needs ${size / 2} divisors, one for each frequency of a head, got ${divisors.length}`)
  }
  if (![...divisors, amplitude].every((factor) => Number.isFinite(factor) && factor > 0)) {
    fail('the divisors and the amplitude of ropeScaling must be positive')
  }
}

export const EMBEDDING = 'model.embed_tokens.weight'

/** The matrix that logits come from. */
export function headMatrix(config: LlamaConfig): string {
  return config.untiedHead === true ? 'lm_head.weight' : EMBEDDING
}

/** All parameters under their Hugging Face names; matrices are [outputs, inputs]. */
export function llamaLayout(config: LlamaConfig): ParameterLayout {
  checkLlamaConfig(config)
  const { vocabulary, width, hidden } = config
  const size = headSize(config)
  const [queryWidth, keyValueWidth] = [config.heads * size, config.keyValueHeads * size]
  const tensors: { name: string; shape: readonly number[] }[] = [{ name: EMBEDDING, shape: [vocabulary, width] }]
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer)
    tensors.push(
      { name: `${prefix}.self_attn.q_proj.weight`, shape: [queryWidth, width] },
      { name: `${prefix}.self_attn.k_proj.weight`, shape: [keyValueWidth, width] },
      { name: `${prefix}.self_attn.v_proj.weight`, shape: [keyValueWidth, width] },
      { name: `${prefix}.self_attn.o_proj.weight`, shape: [width, queryWidth] },
      { name: `${prefix}.mlp.gate_proj.weight`, shape: [hidden, width] },
      { name: `${prefix}.mlp.up_proj.weight`, shape: [hidden, width] },
      { name: `${prefix}.mlp.down_proj.weight`, shape: [width, hidden] },
      { name: `${prefix}.input_layernorm.weight`, shape: [width] },
      { name: `${prefix}.post_attention_layernorm.weight`, shape: [width] },
    )
    if (config.attentionBias === true) {
      tensors.push(
        { name: `${prefix}.self_attn.q_proj.bias`, shape: [queryWidth] },
        { name: `${prefix}.self_attn.k_proj.bias`, shape: [keyValueWidth] },
        { name: `${prefix}.self_attn.v_proj.bias`, shape: [keyValueWidth] },
      )
    }
    if (config.queryKeyNorm === true) {
      tensors.push(
        { name: `${prefix}.self_attn.q_norm.weight`, shape: [size] },
        { name: `${prefix}.self_attn.k_norm.weight`, shape: [size] },
      )
    }
  }
  tensors.push({ name: 'model.norm.weight', shape: [width] })
  if (config.untiedHead === true) tensors.push({ name: headMatrix(config), shape: [vocabulary, width] })
  return parameterLayout(tensors)
}

export function layerPrefix(layer: number): string {
  return `model.layers.${layer}`
}

/**
 * Initial weights as one flat vector (see llamaLayout): normal with standard deviation 0.02, the projections back into the
 * residual stream scaled by 1 / sqrt(2 · layers) as in GPT-2, norms 1, biases 0. A function of (config, seed) alone.
 */
export function initialiseLlama(config: LlamaConfig, seed: string): Float32Array {
  const layout = llamaLayout(config)
  const weights = new Float32Array(layout.size)
  for (const { name, shape, offset, size } of layout.parameters) {
    if (shape.length === 1) {
      weights.fill(name.endsWith('.bias') ? 0 : 1, offset, offset + size)
      continue
    }
    const residual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight')
    const deviation = residual ? 0.02 / Math.sqrt(2 * config.layers) : 0.02
    weights.set(
      normals(`${seed}/${name}`, size).map((normal) => normal * deviation),
      offset,
    )
  }
  return weights
}
