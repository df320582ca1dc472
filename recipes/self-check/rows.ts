import { z } from 'zod'
import type { ItemRow } from '../../shared/recipe.ts'

/** How self-check's rows look inside: the JSON of its items, checked when it is read. */

/** A test problem with everything the solver said: the first `check.answers` solutions vote, the others are to spare. */
const sampled = z.object({
  problem: z.string(),
  /** Where the problem's text does not give it. */
  answer: z.string().nullable().default(null),
  solutions: z.array(z.string()),
  /** Generated tokens of each solution. */
  tokens: z.array(z.int()),
})
export type Sampled = z.infer<typeof sampled> & { item: number }
export const readSampled = ({ item, data }: ItemRow): Sampled => ({ item, ...sampled.parse(data) })

/** What became of a problem in a round: whether each way to spend the budget ends with the right answer. */
export const CHECKED = 'checked'
export const ways = ['majority', 'checked', 'moreVotes', 'moreVotesRead', 'shuffled', 'checker'] as const
export type Way = (typeof ways)[number]

export function mapWays<T>(value: (way: Way) => T): Record<Way, T> {
  return {
    majority: value('majority'),
    checked: value('checked'),
    moreVotes: value('moreVotes'),
    moreVotesRead: value('moreVotesRead'),
    shuffled: value('shuffled'),
    checker: value('checker'),
  }
}

const checked = z.object({
  uncertain: z.boolean(),
  /**
   * `majority`: the k votes alone. `checked`: after the critic's verdicts. `moreVotes`: the critic's generated tokens
   * spent on further votes; `moreVotesRead`: its generated tokens and those it read. `shuffled`: its verdicts, dealt out
   * anew among the candidates. `checker`: the task's exact checker in its place.
   */
  right: z.record(z.enum(ways), z.boolean()),
  candidates: z.array(z.object({ right: z.boolean(), incorrect: z.boolean(), unreadable: z.int() })),
  /** Tokens that the critic generated. */
  tokens: z.int(),
  /** Whether the spare answers were too few for what the critic's tokens would have bought. */
  short: z.boolean(),
})
export type Checked = z.infer<typeof checked>
export const readChecked = ({ data }: ItemRow): Checked => checked.parse(data)
