import { z } from 'zod'

/** Fields that the configurations of recipes with a pair judge share. */

/** How the judge tells what it prefers. */
export const judgeFields = z
  .strictObject({
    /** Each comparison is told as the share of so many votes; null tells the preference itself. */
    votes: z.int().min(1).nullable().default(null),
    /** The share of votes that are turned round. */
    noise: z.number().min(0).lt(0.5).default(0),
    /** `shuffled` is a control arm: the answers that are compared get each other's rewards. */
    signal: z.enum(['true', 'shuffled']).default('true'),
  })
  .prefault({})

export const evaluationFields = z
  .strictObject({
    /** Prompts on which all answers are scored, where there are more; held-out ones, where there are. */
    prompts: z.int().min(1).default(16),
  })
  .prefault({})
