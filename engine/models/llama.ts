/** The Llama decoder (Touvron et al. 2023): configuration, parameter names and initial weights. */
import { normals } from '../random/philox.ts'
import { type ParameterLayout, parameterLayout } from './layout.ts'

/** A Llama-family decoder with tied input and output embeddings. */
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
}

/** A configuration that names no model. */
export class ModelConfigError extends Error {
  override readonly name = 'ModelConfigError'
}

export function headSize(config: LlamaConfig): number {
  return config.width / config.heads
}

/** Throws ModelConfigError unless the sizes fit together. */
export function checkLlamaConfig(config: LlamaConfig): void {
  const sizes = ['vocabulary', 'width', 'layers', 'heads', 'keyValueHeads', 'hidden', 'context'] as const
  for (const size of sizes) {
    if (!Number.isInteger(config[size]) || config[size] < 1) {
      throw new ModelConfigError(`${size} must be a positive integer, got ${config[size]}`)
    }
  }
  if (config.width % (2 * config.heads) !== 0) {
    throw new ModelConfigError(`width ${config.width} must be an even multiple of heads ${config.heads}`)
  }
  if (config.heads % config.keyValueHeads !== 0) {
    throw new ModelConfigError(`heads ${config.heads} must be a multiple of keyValueHeads ${config.keyValueHeads}`)
  }
  if (!(config.ropeTheta > 0) || !(config.normEpsilon > 0)) {
    throw new ModelConfigError('ropeTheta and normEpsilon must be positive')
  }
}

/** All parameters under their Hugging Face names; matrices are [outputs, inputs]. */
export function llamaLayout(config: LlamaConfig): ParameterLayout {
  checkLlamaConfig(config)
  const { vocabulary, width, hidden } = config
  const keyValueWidth = config.keyValueHeads * headSize(config)
  const tensors: { name: string; shape: readonly number[] }[] = [
    { name: 'model.embed_tokens.weight', shape: [vocabulary, width] },
  ]
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer)
    tensors.push(
      { name: `${prefix}.self_attn.q_proj.weight`, shape: [width, width] },
      { name: `${prefix}.self_attn.k_proj.weight`, shape: [keyValueWidth, width] },
      { name: `${prefix}.self_attn.v_proj.weight`, shape: [keyValueWidth, width] },
      { name: `${prefix}.self_attn.o_proj.weight`, shape: [width, width] },
      { name: `${prefix}.mlp.gate_proj.weight`, shape: [hidden, width] },
      { name: `${prefix}.mlp.up_proj.weight`, shape: [hidden, width] },
      { name: `${prefix}.mlp.down_proj.weight`, shape: [width, hidden] },
      { name: `${prefix}.input_layernorm.weight`, shape: [width] },
      { name: `${prefix}.post_attention_layernorm.weight`, shape: [width] },
    )
  }
  tensors.push({ name: 'model.norm.weight', shape: [width] })
  return parameterLayout(tensors)
}

export function layerPrefix(layer: number): string {
  return `model.layers.${layer}`
}

/**
 * Initial weights as one flat vector (see llamaLayout): normal with standard deviation 0.02, the projections back into the
 * residual stream scaled by 1 / sqrt(2 · layers) as in GPT-2, norms 1. A function of (config, seed) alone.
 */
export function initialiseLlama(config: LlamaConfig, seed: string): Float32Array {
  const layout = llamaLayout(config)
  const weights = new Float32Array(layout.size)
  for (const { name, shape, offset, size } of layout.parameters) {
    if (shape.length === 1) {
      weights.fill(1, offset, offset + size)
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
