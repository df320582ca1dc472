import { z } from 'zod'
import { pairJudgeConfig } from '../../tasks/pair-judges.ts'
import { modelFields, optimizerFields } from '../fields.ts'
import { evaluationFields, judgeFields } from '../preferences/fields.ts'

const count = z.int().min(1)

/** A run of SPPO. The comments give the paper's and the released code's numbers. */
export const sppoConfig = z.strictObject({
  recipe: z.literal('sppo'),
  seed: z.int().min(0).default(1),
  /** Self-play rounds after round 0 (paper: 3). */
  rounds: z.int().min(0).max(100).default(6),
  /** Prompts per shard. */
  shard: count.default(128),
  task: pairJudgeConfig.prefault({ name: 'styled-words' }),
  model: modelFields({ width: 64, layers: 2, heads: 4, hidden: 128, context: 16 }),

  /** Round 0: the base policy imitates demonstrations (paper: an instruction-tuned 7B model). */
  base: z
    .strictObject({
      ...optimizerFields({ steps: 400, batch: 64, learningRate: 3e-3 }),
      /** Another run's policy, taken as it is instead of training one. It must have been made for the same task and model. */
      from: z
        .strictObject({ run: z.string(), version: z.int().min(0).default(0) })
        .nullable()
        .default(null),
    })
    .prefault({}),

  play: z
    .strictObject({
      /** Prompts of a round, drawn anew each round (paper: about 20,000, a third of the set each). */
      prompts: count.default(256),
      /** K, answers per prompt (paper: 5). */
      answers: z.int().min(2).default(5),
      /** Paper: 1.0 (the released code: 0.7). */
      temperature: z.number().gt(0).max(2).default(1),
    })
    .prefault({}),

  judge: judgeFields,

  update: z
    .strictObject({
      /** `sppo`, or a baseline on the same pairs: `dpo`, `ipo`. */
      loss: z.enum(['sppo', 'dpo', 'ipo']).default('sppo'),
      /** η of `sppo`: log π/π_t is fitted to η (P - 1/2) (paper: 1000, never reached in its few steps; ours is reached). */
      eta: z.number().positive().default(4),
      /** β of `dpo` and `ipo`. */
      beta: z.number().positive().default(0.5),
      /** `batch` pairs per step; the learning rate warms up over 10 steps and falls linearly. */
      ...optimizerFields({ steps: 80, batch: 64, learningRate: 1e-3 }),
    })
    .prefault({}),

  evaluation: evaluationFields,
})
export type SppoConfig = z.infer<typeof sppoConfig>
