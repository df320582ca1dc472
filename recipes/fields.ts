import { z } from 'zod'

/** Fields that several recipes' configurations share. */

/**
 * How a critic comes to a verdict. `seen`: it reads the judged step, works it out and gives its verdict (paper). `blind`, ours: it works
 * the step out before it is shown the judged one, or what that comes to.
 */
export const critique = z.enum(['seen', 'blind']).default('seen')

/**
 * The same on a task's own steps. `values`, ours: as `blind`, but what is compared stands alone, what the critic's own step claims and
 * what the judged one does; for tasks whose steps claim a value.
 */
export const taskCritique = z.enum(['seen', 'blind', 'values']).default('seen')

interface ModelDefaults {
  width: number
  layers: number
  heads: number
  hidden: number
  context: number
}

/** A Llama-style decoder; its vocabulary comes from the task and the recipe. */
export function modelFields({ width, layers, heads, hidden, context }: ModelDefaults) {
  return (
    z
      .strictObject({
        width: z.int().min(8).default(width),
        layers: z.int().min(1).default(layers),
        heads: z.int().min(1).default(heads),
        keyValueHeads: z.int().min(1).optional(),
        hidden: z.int().min(8).default(hidden),
        ropeTheta: z.number().positive().default(1000),
        /** Longest sequence in tokens. */
        context: z.int().min(16).default(context),
      })
      // As many as the run file's heads; in its place, so that equal configurations are written alike.
      .transform(({ width, layers, heads, keyValueHeads = heads, ...rest }) => {
        return { width, layers, heads, keyValueHeads, ...rest }
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
  )
}

export const modelConfig = modelFields({ width: 128, layers: 4, heads: 4, hidden: 352, context: 40 })

/** A published model, and the adapters over it that its players are. */
export const adoptedModel = z.strictObject({
  from: z.string().min(1),
  context: z.int().min(64).default(512),
  adapter: z
    .strictObject({ rank: z.int().min(1).default(16), alpha: z.number().positive().default(32) })
    .nullable()
    .prefault({}),
})

/** A server of chat completions that plays in the place of a policy of the run. */
export const endpoint = z.strictObject({
  url: z.url(),
  model: z.string().min(1),
  keyFrom: z.string().min(1).nullable().default(null),
})

/** Steps, batch and learning rate of one update. */
export function optimizerFields(defaults: { steps: number; batch: number; learningRate: number }) {
  return {
    steps: z.int().min(1).default(defaults.steps),
    batch: z.int().min(1).default(defaults.batch),
    learningRate: z.number().positive().default(defaults.learningRate),
  }
}
