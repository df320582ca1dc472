/** The architectures that are read, under the names that both Hugging Face and llama.cpp give them, and what sets them apart. */
import { checkLlamaConfig, type LlamaConfig, ModelConfigError, type RopeScaling } from '../models/llama.ts'

export const ARCHITECTURES = ['llama', 'qwen2', 'qwen3'] as const
export type Architecture = (typeof ARCHITECTURES)[number]

/** What is known of a model before its weights are read. */
export interface ModelDescription {
  readonly architecture: Architecture
  readonly model: LlamaConfig
}

/** The sizes that every architecture has. */
export type PlainConfig = Pick<
  LlamaConfig,
  'vocabulary' | 'width' | 'layers' | 'heads' | 'keyValueHeads' | 'hidden' | 'ropeTheta' | 'context' | 'normEpsilon'
>

export interface Variant {
  readonly architecture: Architecture
  readonly headSize: number
  readonly tiedHead: boolean
  readonly ropeScaling: RopeScaling | undefined
}

/**
 * The configuration, without the fields that would say nothing: equal models have equal ones. Throws ModelConfigError, which names
 * `source`.
 */
export function configuration(plain: PlainConfig, variant: Variant, source: string): LlamaConfig {
  const { architecture, headSize, tiedHead, ropeScaling } = variant
  const model = {
    ...plain,
    ...(headSize * plain.heads === plain.width ? {} : { headSize }),
    ...(tiedHead ? {} : { untiedHead: true }),
    ...(architecture === 'qwen2' ? { attentionBias: true } : {}),
    ...(architecture === 'qwen3' ? { queryKeyNorm: true } : {}),
    ...(ropeScaling === undefined ? {} : { ropeScaling }),
  }
  checkLlamaConfig(model, source)
  return model
}

/** The architecture that a configuration is of. Throws ModelConfigError for one of two at once, which none is. */
export function architectureOf({ attentionBias, queryKeyNorm }: LlamaConfig): Architecture {
  if (attentionBias === true && queryKeyNorm === true) {
    throw new ModelConfigError(`attentionBias and queryKeyNorm together are in none of ${ARCHITECTURES.join(', ')}`)
  }
  return attentionBias === true ? 'qwen2' : queryKeyNorm === true ? 'qwen3' : 'llama'
}
