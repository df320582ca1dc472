/** config.json of a model of the Llama family, as hugging-face.ts reads it and transformers since 4.43 does. */
import { headSize, type LlamaConfig, ModelConfigError, type RopeScaling } from '../models/llama.ts'
import { linearScaling, llama3Scaling, yarnAmplitude, yarnScaling } from '../models/rope-scaling.ts'
import { type Architecture, architectureOf } from './architectures.ts'

/** Ids of tokens that mean something to those who load the model; null where it has none. */
export interface SpecialTokens {
  readonly bosToken: number | null
  readonly eosToken: number | null
  readonly padToken: number | null
}

const CLASSES: Readonly<Record<Architecture, string>> = {
  llama: 'LlamaForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
}

/** The fields of config.json for weights in float32. Throws ModelConfigError for a model that has no such file. */
export function huggingFaceConfig(model: LlamaConfig, tokens: SpecialTokens): Readonly<Record<string, unknown>> {
  const architecture = architectureOf(model)
  return {
    architectures: [CLASSES[architecture]],
    model_type: architecture,
    torch_dtype: 'float32',
    vocab_size: model.vocabulary,
    hidden_size: model.width,
    intermediate_size: model.hidden,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    num_key_value_heads: model.keyValueHeads,
    head_dim: headSize(model),
    hidden_act: 'silu',
    max_position_embeddings: model.context,
    rms_norm_eps: model.normEpsilon,
    rope_theta: model.ropeTheta,
    ...(model.ropeScaling === undefined ? {} : { rope_scaling: scalingFields(model.ropeScaling, model) }),
    tie_word_embeddings: model.untiedHead !== true,
    // Qwen2 has its biases without being asked; the other two would have one at the output as well.
    ...(architecture === 'qwen2' ? {} : { attention_bias: false }),
    ...(architecture === 'llama' ? { mlp_bias: false } : { use_sliding_window: false }),
    // Written where they are null too: an absent one would be taken for a token that transformers has by default.
    bos_token_id: tokens.bosToken,
    eos_token_id: tokens.eosToken,
    pad_token_id: tokens.padToken,
  }
}

/** float32, in which GGUF files hold divisors and transformers computes frequencies. */
const TOLERANCE = 1e-6
/** Published models were stretched from contexts of a power of two. */
const ORIGINAL_CONTEXTS = Array.from({ length: 17 }, (_, index) => 2 ** (index + 4))
/** Of Llama 3.1, 3.2 and 3.3 alike. */
const [LOW_FREQUENCY_FACTOR, HIGH_FREQUENCY_FACTOR] = [1, 4]

/**
 * A model keeps what its positions come to, the divisors of the frequencies: here are the fields that come to them. They are looked
 * for among the settings of published models, and what is found is computed and compared, so that fields that are written give
 * the positions of the model.
 */
function scalingFields(scaling: RopeScaling, model: LlamaConfig): Readonly<Record<string, unknown>> {
  const frequencies = { ropeTheta: model.ropeTheta, headSize: headSize(model) }
  const largest = Math.max(...scaling.divisors)
  // Divisors went through a reciprocal or float32; factors are short numbers.
  const factor = [7, 12].map((digits) => Number(largest.toPrecision(digits))).find((short) => near(short, largest))
  if (factor !== undefined) {
    if (isSame(linearScaling(factor, frequencies), scaling)) return { rope_type: 'linear', factor }
    for (const originalContext of ORIGINAL_CONTEXTS) {
      const original = { factor, original_max_position_embeddings: originalContext }
      const bounds = { lowFrequencyFactor: LOW_FREQUENCY_FACTOR, highFrequencyFactor: HIGH_FREQUENCY_FACTOR }
      if (isSame(llama3Scaling({ factor, originalContext, ...bounds }, frequencies), scaling)) {
        const [low_freq_factor, high_freq_factor] = [LOW_FREQUENCY_FACTOR, HIGH_FREQUENCY_FACTOR]
        return { rope_type: 'llama3', ...original, low_freq_factor, high_freq_factor }
      }
      const amplitude = scaling.amplitude ?? 1
      if (isSame(yarnScaling({ factor, originalContext, amplitude }, frequencies), scaling)) {
        const usual = near(amplitude, yarnAmplitude(factor))
        return { rope_type: 'yarn', ...original, ...(usual ? {} : { attention_factor: amplitude }) }
      }
    }
  }
  throw new ModelConfigError(
    'the stretched positions of this model (ropeScaling) follow from no setting of linear, llama3 or yarn that is known here',
  )
}

function isSame(found: RopeScaling, wanted: RopeScaling): boolean {
  return (
    near(found.amplitude ?? 1, wanted.amplitude ?? 1) &&
    found.divisors.every((divisor, index) => near(divisor, wanted.divisors[index] ?? Number.NaN))
  )
}

const near = (one: number, other: number): boolean => Math.abs(one - other) <= TOLERANCE * Math.abs(other)
