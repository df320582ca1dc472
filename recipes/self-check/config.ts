import { z } from 'zod'
import { playedFields } from '../players/config.ts'
import { checkClaims, checkContext } from '../spc/checks.ts'

const count = z.int().min(1)

/** A run of self-check. The comments give CriticBench's numbers. */
export const selfCheckConfig = z
  .strictObject({
    recipe: z.literal('self-check'),
    ...playedFields,

    check: z
      .strictObject({
        /** Test problems. */
        problems: count.default(800),
        /** k, answers per problem that vote. */
        answers: z.int().min(2).default(16),
        /** Further answers, for the baseline that spends the critic's tokens on more votes. */
        spareAnswers: count.default(32),
        /** Of the answers; the critic judges greedily (CriticBench: .6, eight times). */
        temperature: z.number().gt(0).max(2).default(0.7),
        /** C: a majority answer is checked when it has at most C times the votes of the next (CriticBench: 1 to 2, on GSM8K). */
        certainty: z.number().min(1).default(2),
        /** What is judged: one solution for each distinct answer, or every solution. */
        candidates: z.enum(['answers', 'solutions']).default('answers'),
      })
      .prefault({}),

    evaluation: z
      .strictObject({
        /** Problems of which one right and one wrong solution are judged. */
        balanced: count.default(300),
      })
      .prefault({}),
  })
  .superRefine(checkContext)
  .superRefine(checkClaims)
  .superRefine(({ evaluation, check }, context) => {
    if (evaluation.balanced > check.problems) {
      const message = `must not be more than check.problems (${check.problems})`
      context.addIssue({ code: 'custom', message, path: ['evaluation', 'balanced'] })
    }
  })
export type SelfCheckConfig = z.infer<typeof selfCheckConfig>
