import { z } from 'zod'
import { taskConfig } from '../../tasks/registry.ts'
import { modelConfig, optimizerFields, taskCritique } from '../fields.ts'

/** Who solves and who judges. They are trained in the run, or taken as they are from a run of SPC of the same task and model. */
const playersConfig = z
  .strictObject({
    from: z
      .strictObject({
        run: z.string(),
        solver: z.enum(['weak-solver', 'solver']).default('weak-solver'),
        /** Round r has the critic of that run's round r × every. */
        every: z.int().min(1).default(1),
      })
      .nullable()
      .default(null),
    solver: z.strictObject(optimizerFields({ steps: 800, batch: 48, learningRate: 2e-3 })).prefault({}),
    /** The critic's base: worked problems, and a share of checks of coarse errors. */
    base: z
      .strictObject({
        ...optimizerFields({ steps: 800, batch: 48, learningRate: 2e-3 }),
        checks: z.number().min(0).max(1).default(0.25),
      })
      .prefault({}),
    /** Each round's critic goes on from the one before with so many steps on labelled steps. */
    critic: z.strictObject(optimizerFields({ steps: 200, batch: 64, learningRate: 1e-3 })).prefault({}),
  })
  .prefault({})
export type Players = z.infer<typeof playersConfig>

/** The fields of a recipe that trains nobody itself, before its own: its rounds are those of its players' critic. */
export const playedFields = {
  seed: z.int().min(0).default(1),
  /** Rounds after the first one, each with the next version of the critic. */
  rounds: z.int().min(0).max(50).default(6),
  /** Problems per shard. */
  shard: z.int().min(1).default(128),
  task: taskConfig.prefault({}),
  model: modelConfig,

  critique: taskCritique,

  players: playersConfig,
}
