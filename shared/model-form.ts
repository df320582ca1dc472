/** The form of a run's models: what the engine has to know of one beside its weights. */
import { z } from 'zod'
import type { ModelConfig } from './models.ts'
import type { Vocabulary } from './vocabulary.ts'

const modelForm = z.object({
  vocabulary: z.int(),
  width: z.int(),
  layers: z.int(),
  heads: z.int(),
  keyValueHeads: z.int(),
  hidden: z.int(),
  ropeTheta: z.number(),
  context: z.int(),
  normEpsilon: z.number(),
  headSize: z.int().exactOptional(),
  untiedHead: z.boolean().exactOptional(),
  attentionBias: z.boolean().exactOptional(),
  queryKeyNorm: z.boolean().exactOptional(),
  ropeScaling: z.object({ divisors: z.array(z.number()), amplitude: z.number().exactOptional() }).exactOptional(),
})
export type ModelForm = z.infer<typeof modelForm>

/** What is kept with the policy of an adopted model: its form, where it came from, and its tokenizer's file. */
export const adopted = z.object({
  source: z.string(),
  tokenizer: z.string(),
  /** The longest sequence of the model as published, where a run may use less; not kept by the first runs. */
  context: z.int().exactOptional(),
  model: modelForm,
})

/** The form of a model that a run trains from nothing. */
export function ownForm(model: ModelConfig, vocabulary: Vocabulary): ModelForm {
  return { ...model, vocabulary: vocabulary.size, normEpsilon: 1e-5 }
}
