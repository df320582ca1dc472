import { z } from 'zod'
import { taskFrom } from '../../tasks/registry.ts'
import { playedFields } from '../players/config.ts'
import { checkClaims, checkContext } from '../spc/checks.ts'

const count = z.int().min(1)
const temperature = z.number().gt(0).max(2)

/** How guided search goes on and what it is compared with, whatever language it is in. The comments give the paper's numbers (SPC, section 4.2). */
export const guidedFields = (defaults: { votes: number; judged: number }) => ({
  /** Chains per problem, which vote (paper: 5). */
  chains: count.default(5),
  /** Attempts at a step (paper: 5). */
  attempts: count.max(10).default(5),
  /** Which attempt stands when none is accepted: the `last` one, about which the critic is then not asked, or (ours) the `first`. */
  fallback: z.enum(['last', 'first']).default('last'),
  /** Of all that the solver says; the critic judges greedily. The paper does not state it. */
  temperature: temperature.default(0.7),
  /** Ours: of a step's first attempt, where it is to differ; 0 begins with what the solver holds likeliest. */
  firstTemperature: z.number().min(0).max(2).nullable().default(null),
  /** Plain chains per problem: the votes that guided search's tokens would buy instead. */
  votes: count.default(defaults.votes),
  /** How many of these the critic judges for best-of-n. */
  judged: count.default(defaults.judged),
})

/** What the phases of a search read of a configuration. */
export interface Searching {
  search: z.infer<z.ZodObject<ReturnType<typeof guidedFields>>> & { problems: number }
}

/** A check of a run file: guided chains and judged ones are compared with as many plain ones. */
export function checkVotes({ search }: Searching, context: z.RefinementCtx): void {
  for (const field of ['chains', 'judged'] as const) {
    if (search[field] <= search.votes) continue
    const message = `must not be more than search.votes (${search.votes})`
    context.addIssue({ code: 'custom', message, path: ['search', field] })
  }
}

/** A run of guided search (SPC, sections 3.6 and 4.2) on a task that makes its own problems. */
export const searchConfig = z
  .strictObject({
    recipe: z.literal('search'),
    ...playedFields,

    search: z
      .strictObject({
        problems: count.default(500),
        /** Whose problems: settings are chosen on `validation`, and what they come to is told on `test`. */
        split: z.enum(['validation', 'test']).default('test'),
        ...guidedFields({ votes: 48, judged: 24 }),
      })
      .prefault({}),
  })
  .superRefine(checkContext)
  .superRefine(checkClaims)
  .superRefine(checkVotes)
export type SearchConfig = z.infer<typeof searchConfig>

/** Steps of the longest solution. */
export const longestChain = ({ task }: Pick<SearchConfig, 'task'>): number => taskFrom(task).longest.steps
