import { z } from 'zod'
import type { EpisodeRow, ItemRow } from '../../shared/recipe.ts'
import { states } from './chain.ts'

/** How search's rows look inside: the JSON of its games and items, checked when it is read. */

/** Who checks the steps of a search: the critic, the task's exact checker, or where there is none, arithmetic. */
export const judges = ['critic', 'checker', 'arithmetic'] as const
export type Judge = (typeof judges)[number]

/** A game of search is one chain of one problem. */
const search = z.object({
  problem: z.string(),
  judge: z.enum(judges),
  /** The chain, see Chain. */
  steps: z.array(z.string()),
  attempt: z.int(),
  rejected: z.array(z.object({ step: z.string(), ended: z.boolean() })),
  state: z.enum(states),
  ended: z.boolean(),
  /** Attempts at all steps. */
  attempts: z.int(),
  /** What was generated in it, by whom. */
  tokens: z.object({ solver: z.int(), critic: z.int() }),
  /** Every check: what the checker says of the step, null where it cannot say or one before it is wrong already, and the verdict. */
  checks: z.array(z.object({ right: z.boolean().nullable(), verdict: z.enum(['Correct', 'Incorrect']).nullable() })),
})
export type Search = z.infer<typeof search>
export const readSearch = ({ data }: EpisodeRow): Search => search.parse(data)

/** The solver's greedy answer to a problem (of round 0), and the critic's, who was a solver once (of each round). */
export const greedySet = (who: 'solver' | 'critic'): string => `greedy/${who}`
const greedy = z.object({ right: z.boolean(), tokens: z.int() })
export type Greedy = z.infer<typeof greedy>
export const readGreedy = ({ data }: ItemRow): Greedy => greedy.parse(data)

/** What the critic makes of the first plain chains of a problem, for best-of-n. */
export const JUDGED = 'judged'
const judged = z.object({
  chains: z.array(
    z.object({
      /** Steps before the first that the critic calls Incorrect. */
      accepted: z.int(),
      /** Whether that is all of them. */
      whole: z.boolean(),
      /** Tokens of the critic until then: it reads a chain no further. */
      tokens: z.int(),
    }),
  ),
})
export type JudgedChain = z.infer<typeof judged>['chains'][number]
export const readJudged = ({ data }: ItemRow): JudgedChain[] => judged.parse(data).chains

/** What became of a problem in a round. */
export const SEARCHED = 'searched'
export const ways = [
  // One chain, and what it costs.
  'sampled',
  'greedy',
  'criticSolves',
  'guided',
  'votes',
  'best',
  'checker',
  // Several chains that vote, and what they cost.
  'majority',
  'guidedMajority',
  'moreVotes',
  'bestOfMore',
  'votesOfAccepted',
  'checkerMajority',
] as const
export type Way = (typeof ways)[number]

const searched = z.object({
  /** 1 where the way ends with the right answer; for the ways of one chain, the mean over the problem's chains. */
  right: z.record(z.enum(ways), z.number()),
  /** Generated for the problem: in all chains guided by the critic, by whom, in those by the checker, and in as many plain ones. */
  tokens: z.object({ solver: z.int(), critic: z.int(), checker: z.int(), plain: z.int(), greedy: z.int() }),
  checks: search.shape.checks,
  /** Chains by the critic, their steps, and attempts at these. */
  chains: z.int(),
  steps: z.int(),
  attempts: z.int(),
  /** Chains by the critic that never came to an answer. */
  unanswered: z.int(),
  /** Whether the plain chains, or those that the critic read, were too few for what guided search's tokens would have bought. */
  short: z.boolean(),
})
export type Searched = z.infer<typeof searched>
export const readSearched = ({ data }: ItemRow): Searched => searched.parse(data)
