import { z } from 'zod'
import { range, sum } from '../../shared/collections.ts'
import type { ItemRow } from '../../shared/recipe.ts'
import { majority, type Vote } from './vote.ts'

/** The majority by the votes of the first 1, 2, 4, … answers: what more votes alone buy. */
export const BUDGET = 'budget'
const budget = z.object({ votes: z.array(z.object({ answers: z.int(), tokens: z.int(), right: z.boolean() })) })
export type Budget = z.infer<typeof budget>
export const readBudget = ({ data }: ItemRow): Budget => budget.parse(data)

/** Whether the majority of the first 1, 2, 4, … answers is right, and what they cost. */
export function votesByBudget(votes: readonly Vote[], tokens: readonly number[], right: string | null): Budget {
  const sizes = range(0, Math.floor(Math.log2(votes.length)) + 1).map((power) => 2 ** power)
  return {
    votes: [...new Set([...sizes, votes.length])].map((answers) => ({
      answers,
      tokens: sum(tokens.slice(0, answers)),
      right: majority(votes.slice(0, answers)) === right,
    })),
  }
}

/** Accuracy and generated tokens per problem of the first 1, 2, 4, … votes: `votes_4`, `vote_tokens_4`. */
export function budgetNumbers(rows: readonly Budget[]): Record<string, number> {
  const sizes = rows[0]?.votes.map(({ answers }) => answers) ?? []
  return Object.fromEntries(
    sizes.flatMap((answers, index) => {
      const mean = (of: (vote: Budget['votes'][number]) => number): number =>
        rows.reduce((sum, { votes }) => sum + (votes[index] ? of(votes[index]) : 0), 0) / rows.length
      return [
        [`votes_${answers}`, mean(({ right }) => Number(right))],
        [`vote_tokens_${answers}`, mean(({ tokens }) => tokens)],
      ]
    }),
  )
}
