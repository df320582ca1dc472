import { z } from 'zod'
import { pairJudgeConfig } from '../../tasks/pair-judges.ts'
import { modelFields, optimizerFields } from '../fields.ts'
import { evaluationFields, judgeFields } from '../preferences/fields.ts'

const count = z.int().min(1)

/** A run of SPO. The paper's own settings could not be found; these are ours. */
export const spoConfig = z.strictObject({
  recipe: z.literal('spo'),
  seed: z.int().min(0).default(1),
  /** Iterations of self-play after round 0. */
  rounds: z.int().min(0).max(500).default(30),
  /** Groups per shard. */
  shard: count.default(64),
  task: pairJudgeConfig.prefault({ name: 'four-answers' }),
  /** A small network over one prompt token and the tokens of an answer: docs/decisions.md says what that leaves out. */
  model: modelFields({ width: 16, layers: 1, heads: 2, hidden: 32, context: 16 }),

  /** Round 0: the policy imitates demonstrations, which are drawn evenly from all answers to these games. */
  base: z.strictObject(optimizerFields({ steps: 160, batch: 64, learningRate: 1e-2 })).prefault({}),

  play: z
    .strictObject({
      /** Groups of answers per round; the prompts take turns. */
      groups: count.default(16),
      /** k, answers per group. */
      answers: z.int().min(2).default(8),
      /** Earlier rounds whose answers stay among the opponents; 0 compares a group with itself alone. */
      queue: z.int().min(0).default(1),
    })
    .prefault({}),

  judge: judgeFields,

  reward: z
    .strictObject({
      /**
       * `wins`: the share of opponents that an answer beats (SPO). The baselines put a Bradley–Terry model in between and
       * take the share that it predicts: `fitted once` on comparisons of the first policy's answers, as many as the whole
       * run makes, or `refitted` in every round on that round's.
       */
      from: z.enum(['wins', 'fitted once', 'refitted']).default('wins'),
      /** τ: -τ log π_t(y) is added to the reward, which pulls towards the even distribution. */
      entropy: z.number().min(0).default(0),
    })
    .prefault({}),

  update: z
    .strictObject({
      /** η: the policy moves towards π_t exp(η (r - 1/2)). */
      eta: z.number().positive().default(4),
      /** Steps on all answers of the round at once. */
      steps: count.default(40),
      learningRate: z.number().positive().default(1e-2),
    })
    .prefault({}),

  evaluation: evaluationFields,
})
export type SpoConfig = z.infer<typeof spoConfig>
