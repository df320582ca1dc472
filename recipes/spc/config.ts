import { z } from 'zod'
import { taskConfig, taskFrom } from '../../tasks/registry.ts'
import { checkClaims, checkContext } from './checks.ts'
import { modelConfig, optimizerFields, taskCritique } from '../fields.ts'

const count = z.int().min(1)
const share = z.number().min(0).max(1)

interface Learnt {
  steps: number
  batch: number
  learningRate: number
  rows: number
}

/** How both players learn from a round; the arguments are the defaults of their sizes. */
export const updateConfig = ({ critic, generator }: Record<'critic' | 'generator', Learnt>) =>
  z
    .strictObject({
      /** `play`, or the control arm: the same number of updates on the supervised rows alone. */
      learn: z.enum(['play', 'supervised-only']).default('play'),
      /** `equation-4`: importance ratio to the policy that played, advantage = reward - mean; `official-code`: length-normalised ratio to round 0, clip 0.2, advantage = reward. */
      loss: z.enum(['equation-4', 'official-code']).default('equation-4'),
      clip: z.number().gt(0).lt(1).default(0.2),
      /**
       * Ours, not the paper's: no gain for a completion beyond this importance ratio in equation 4. Without it (null) one
       * rare critique that wins can outweigh a whole batch: ratios of 6,000 were seen.
       */
      ratioLimit: z.number().gt(1).nullable().default(2),
      /** b of equation 4: the mean reward of all rows, or (ours) that of the rows about right and about sneaky steps apart. */
      baseline: z.enum(['mean', 'class']).default('mean'),
      /**
       * What a critic learns from a critique: `completion`, all it said by its reward (paper); `verdict`, ours, its verdict
       * alone by its reward; `settled`, ours, the verdict that the game has settled, whether or not the critic said it; `compared`,
       * ours, the same, but of no critique whose own step claims what the game has shown to be false (credit.ts).
       */
      credit: z.enum(['completion', 'verdict', 'settled', 'compared']).default('completion'),
      /**
       * Which of a critic's played rows an update draws equally from: `reward`, winning and losing critiques (paper); `side`, ours,
       * those about right and about sneaky steps, however they ended; `both`, ours, all four kinds.
       */
      balance: z.enum(['reward', 'side', 'both']).default('reward'),
      kl: z.number().min(0).default(0.1),
      /** Weight of the supervised rows, which are mixed in 1:1 (paper: 0.15). */
      supervisedWeight: z.number().min(0).default(0.15),
      /** Whether an invalid sneaky step costs the generator -1 (paper: yes; its ablation: no). */
      solverReward: z.boolean().default(true),
      /** `batch` rows of play beside `batch` supervised rows in each step; `steps` per merged round. */
      critic: z
        .strictObject({
          ...optimizerFields(critic),
          rows: count.default(critic.rows),
          /** Ours: the share of its supervised rows that are new worked problems, as in the base model's training. */
          rehearsal: share.default(0),
        })
        .prefault({}),
      generator: z.strictObject({ ...optimizerFields(generator), rows: count.default(generator.rows) }).prefault({}),
    })
    .prefault({})

/** A run of SPC. The defaults are the tiny setting of docs/spc.md; the comments give the paper's numbers. */
export const spcConfig = z
  .strictObject({
    recipe: z.literal('spc'),
    seed: z.int().min(0).default(1),
    /** Self-play rounds after the supervised round 0 (paper: 2). */
    rounds: z.int().min(0).max(50).default(2),
    /** Problems per shard. */
    shard: count.default(128),
    task: taskConfig.prefault({}),
    model: modelConfig,

    /** The base model: solutions, and a few checks of coarse errors, so that it can compare but misses what is subtle. */
    base: z
      .strictObject({ ...optimizerFields({ steps: 1200, batch: 48, learningRate: 2e-3 }), checks: share.default(0.25) })
      .prefault({}),
    /** The held-out weak solver whose natural errors the critic is tested on: its own seed, trained for less long. */
    weakSolver: z.strictObject(optimizerFields({ steps: 600, batch: 48, learningRate: 2e-3 })).prefault({}),

    /** Round 0: both players are fine-tuned from the base on labelled pairs (paper: 13K and 21.8K rows). */
    supervised: z
      .strictObject({
        generator: z
          .strictObject({
            ...optimizerFields({ steps: 150, batch: 64, learningRate: 8e-4 }),
            pairs: count.default(256),
          })
          .prefault({}),
        critic: z
          .strictObject({
            ...optimizerFields({ steps: 100, batch: 64, learningRate: 3e-4 }),
            pairs: count.default(128),
          })
          .prefault({}),
      })
      .prefault({}),

    play: z
      .strictObject({
        /** Problems offered to the solver in a round. */
        problems: count.default(800),
        /** Solutions per problem before the difficulty filter (paper: 4). */
        presolutions: count.default(4),
        /** Solutions in all for problems solved at most half of the time (paper: 16). */
        mediumSolutions: count.default(8),
        /** The share kept of the problems solved more often than that (paper: so few that easy rows make up about 10 %). */
        easyKept: share.default(0.5),
        /** Who writes wrong steps: the trained generator, its round-0 version for ever, or a random corruptor. */
        generator: z.enum(['learned', 'frozen', 'random']).default('learned'),
        /** `rollout` is the paper's rule; `oracle` asks the task's exact checker. */
        validity: z.enum(['rollout', 'oracle']).default('rollout'),
        /** Completions per step in the validity check: N (the paper does not state it; 75 % makes it a multiple of 4). */
        rollouts: z.int().min(4).multipleOf(4).default(4),
        rolloutTemperature: z.number().min(0).max(2).default(0.7),
        /** Critiques per step (paper: 4). */
        critiques: count.default(2),
        temperature: z.number().gt(0).max(2).default(1),
      })
      .prefault({}),

    critique: taskCritique,

    /** `paper`: the newest generator meets the critic of the round before last; rounds are merged and both are retrained from round 0. */
    schedule: z.enum(['paper', 'newest']).default('paper'),

    update: updateConfig({
      critic: { steps: 220, batch: 64, learningRate: 2e-4, rows: 4096 },
      generator: { steps: 60, batch: 48, learningRate: 1e-4, rows: 1536 },
    }),

    evaluation: z
      .strictObject({
        /** Problems the weak solver tries for natural errors, per split; about half of them give a wrong step, half a right one. */
        natural: count.default(1000),
        /** Synthetic steps per split, half of them wrong, the five error types evenly. */
        synthetic: count.default(500),
        /** Problems on which each generator version meets each critic version. */
        arena: count.default(256),
      })
      .prefault({}),
  })
  .superRefine(checkContext)
  .superRefine(checkClaims)
  .superRefine(({ update, critique, task }, context) => {
    if (update.credit !== 'compared' || (critique !== 'seen' && taskFrom(task).claimOf)) return
    const message =
      '`compared` is for blind critics (critique: blind or values) of a task whose steps claim a value: multistep-arithmetic'
    context.addIssue({ code: 'custom', path: ['update', 'credit'], message })
  })
export type SpcConfig = z.infer<typeof spcConfig>
