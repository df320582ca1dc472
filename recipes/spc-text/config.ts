import { z } from 'zod'
import { adoptedModel, critique, endpoint, optimizerFields } from '../fields.ts'
import { updateConfig } from '../spc/config.ts'

const count = z.int().min(1)
const share = z.number().min(0).max(1)

/** A policy of the run or a server; the temperature is that of its solutions, in the place of what the phases have. */
const solver = z
  .strictObject({
    policy: z.enum(['solver', 'base']).nullable().default(null),
    endpoint: endpoint.nullable().default(null),
    temperature: z.number().gt(0).max(2).nullable().default(null),
    /** Problems that it takes at each of its turns. */
    weight: count.default(1),
  })
  .refine(({ policy, endpoint: server }) => (policy === null) !== (server === null), {
    message: 'name either a policy (`solver`, or `base`, the published model as it is) or an endpoint',
  })
export type Solver = z.infer<typeof solver>

/** A run of SPC on word problems, with players that speak English: adapters over a published model. */
export const spcTextConfig = z
  .strictObject({
    recipe: z.literal('spc-text'),
    seed: z.int().min(0).default(1),
    /** Self-play rounds after the supervised round 0 (paper: 2). */
    rounds: z.int().min(0).max(50).default(2),
    /** Problems per shard. */
    shard: count.default(16),
    model: adoptedModel,

    /** Problems to train on: published training splits, of which a tenth each is kept for validation and test. */
    problems: z
      .array(
        z.strictObject({
          /** JSON Lines. */
          file: z.string().min(1),
          form: z.enum(['gsm8k', 'math', 'svamp', 'mawps']).default('gsm8k'),
          /** Leave out problems whose own solution has more steps: a small solver solves none of them. */
          mostSteps: count.nullable().default(null),
        }),
      )
      .min(1),

    /** The run's own solver is the published model, fine-tuned on the training problems' own solutions. */
    solver: z.strictObject(optimizerFields({ steps: 100, batch: 16, learningRate: 1e-3 })).prefault({}),

    /** Who solves. Each problem is one solver's; they take them by turns. */
    solvers: z
      .array(solver)
      .min(1)
      .prefault([{ policy: 'solver' }])
      .superRefine((solvers, context) => {
        const served = solvers.map(({ endpoint: server }) => server)
        for (const [index, server] of served.entries()) {
          const other = served.find((earlier) => earlier?.model === server?.model)
          if (server && other && other.url !== server.url) {
            const message = `a model of this name is behind ${other.url}, too, and what they say could not be told apart`
            context.addIssue({ code: 'custom', path: [index, 'endpoint', 'model'], message })
          }
        }
      }),

    /** Round 0: both players learn from so many pairs of a right step and the same step with an error of arithmetic. */
    supervised: z
      .strictObject({
        pairs: count.default(512),
        /** Solutions whose steps people have rated, in the form of PRM800K: the critic's steps come from it, right and wrong 1:1. */
        file: z.string().min(1).nullable().default(null),
        /** Who writes the critiques that the critic learns from: the rules that made the error, the published model itself, or a server. */
        teacher: z
          .union([z.enum(['rules', 'model']), endpoint], { error: 'must be rules, model, or {url, model} of a server' })
          .default('rules'),
        /** Critiques that the teacher writes of a step; one that comes to the right verdict is kept. */
        critiques: count.default(4),
        /** Wrong steps that the teacher is asked for besides, of the error types that rules of arithmetic do not make. */
        written: z.int().min(0).default(0),
        generator: z.strictObject(optimizerFields({ steps: 60, batch: 16, learningRate: 1e-3 })).prefault({}),
        critic: z.strictObject(optimizerFields({ steps: 60, batch: 16, learningRate: 1e-3 })).prefault({}),
      })
      .refine(({ teacher, written }) => written === 0 || teacher !== 'rules', {
        path: ['written'],
        message: 'rules write no steps: name a teacher (supervised.teacher)',
      })
      .prefault({}),

    play: z
      .strictObject({
        /** Problems offered to the solver in a round. */
        problems: count.default(128),
        /** Solutions per problem before the difficulty filter (paper: 4). */
        presolutions: count.default(4),
        /** Solutions in all for problems solved at most half of the time (paper: 16). */
        mediumSolutions: count.default(8),
        /** The share kept of the problems solved more often than that (paper: so few that easy rows make up about 10 %). */
        easyKept: share.default(0.5),
        /** Who writes wrong steps: the trained generator, or its round-0 version for ever. */
        generator: z.enum(['learned', 'frozen']).default('learned'),
        /** Completions per step in the validity check: N. */
        rollouts: z.int().min(4).multipleOf(4).default(4),
        rolloutTemperature: z.number().min(0).max(2).default(0.7),
        /** Critiques per step (paper: 4). */
        critiques: count.default(2),
        temperature: z.number().gt(0).max(2).default(0.8),
      })
      .prefault({}),

    /** The most tokens of an answer. */
    tokens: z
      .strictObject({ solution: count.default(192), deception: count.default(96), critique: count.default(96) })
      .prefault({}),

    critique,

    /** `paper`: the newest generator meets the critic of the round before last; rounds are merged and both are retrained from round 0. */
    schedule: z.enum(['paper', 'newest']).default('newest'),

    update: updateConfig({
      critic: { steps: 40, batch: 8, learningRate: 5e-4, rows: 512 },
      generator: { steps: 20, batch: 9, learningRate: 5e-4, rows: 192 },
    }).refine(({ credit }) => credit !== 'compared', {
      path: ['credit'],
      error: '`compared` is for tasks whose steps claim a value; use `settled`',
    }),

    evaluation: z
      .strictObject({
        /** Held-out problems, per split, that the solver tries: its own slips test the critic. */
        natural: count.default(256),
        /** Solutions of each: the first right and the first wrong step of them are judged. */
        tries: count.default(4),
      })
      .prefault({}),
  })
  .refine(
    ({ critique, supervised: { file, teacher } }) => critique === 'seen' || (file === null && teacher === 'rules'),
    {
      path: ['critique'],
      message: 'a blind critic learns from the pairs that rules make: leave out supervised.file and supervised.teacher',
    },
  )
export type SpcTextConfig = z.infer<typeof spcTextConfig>
