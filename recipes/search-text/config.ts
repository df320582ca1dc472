import { z } from 'zod'
import { adoptedModel, critique } from '../fields.ts'
import { checkVotes, guidedFields } from '../search/config.ts'

const count = z.int().min(1)

/** A policy of another run whose players are adapters over the same model; or, with null, the published model itself. */
const player = (role: string) =>
  z
    .strictObject({ run: z.string().min(1), role: z.string().min(1).default(role), version: z.int().min(0).default(0) })
    .nullable()
    .default(null)

/** A run of guided search on word problems of a file, by players that speak English: nobody is trained in it. */
export const searchTextConfig = z
  .strictObject({
    recipe: z.literal('search-text'),
    seed: z.int().min(0).default(1),
    /** Searches after the first one, each by the next version of the critic. */
    rounds: z.int().min(0).max(50).default(0),
    /** Problems per shard. */
    shard: count.default(50),
    model: adoptedModel,

    /** Problems to solve, as JSON Lines: a published test set. */
    problems: z.strictObject({
      file: z.string().min(1),
      form: z.enum(['gsm8k', 'math', 'svamp', 'mawps']).default('gsm8k'),
    }),

    /** Who solves and who judges. The critic is that of the first search. */
    players: z.strictObject({ solver: player('solver'), critic: player('critic') }).prefault({}),

    critique,

    /** The most tokens of an answer. */
    tokens: z
      .strictObject({ solution: count.default(256), step: count.default(96), critique: count.default(96) })
      .prefault({}),

    search: z
      .strictObject({
        /** How many of the file's problems, from its beginning. */
        problems: count.default(100),
        /** Steps of a chain; one that has not come to its end by then has no answer. */
        steps: count.max(50).default(8),
        ...guidedFields({ votes: 30, judged: 15 }),
      })
      .prefault({}),
  })
  .superRefine(checkVotes)
export type SearchTextConfig = z.infer<typeof searchTextConfig>
