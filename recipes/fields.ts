import { z } from 'zod'

/** Fields that several recipes' configurations share. */

/** A Llama-style decoder; its vocabulary comes from the task and the recipe. */
export const modelConfig = z
  .strictObject({
    width: z.int().min(8).default(128),
    layers: z.int().min(1).default(4),
    heads: z.int().min(1).default(4),
    keyValueHeads: z.int().min(1).default(4),
    hidden: z.int().min(8).default(352),
    ropeTheta: z.number().positive().default(1000),
    /** Longest sequence in tokens. */
    context: z.int().min(16).default(40),
  })
  .refine((model) => model.width % (2 * model.heads) === 0, {
    message: 'width must be an even multiple of heads',
    path: ['width'],
  })
  .refine((model) => model.heads % model.keyValueHeads === 0, {
    message: 'heads must be a multiple of keyValueHeads',
    path: ['keyValueHeads'],
  })
  .prefault({})

/** Steps, batch and learning rate of one update. */
export function optimizerFields(defaults: { steps: number; batch: number; learningRate: number }) {
  return {
    steps: z.int().min(1).default(defaults.steps),
    batch: z.int().min(1).default(defaults.batch),
    learningRate: z.number().positive().default(defaults.learningRate),
  }
}
