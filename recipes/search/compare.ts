import { groupBy, sum } from '../../shared/collections.ts'
import type { EpisodeRow, ItemRow, Phase } from '../../shared/recipe.ts'
import { readSampled, type Sampled } from '../self-check/rows.ts'
import { majority } from '../self-check/vote.ts'
import { acceptedFor, bestFor, type PlainChain, runsShort, votesFor } from './budget.ts'
import { answerOf } from './chain.ts'
import type { Searching } from './config.ts'
import { problems } from './guided.ts'
import { votesOf } from './plain.ts'
import {
  type Greedy,
  greedySet,
  JUDGED,
  type Judge,
  type JudgedChain,
  readGreedy,
  readJudged,
  readSearch,
  type Search,
  SEARCHED,
  type Searched,
  type Way,
} from './rows.ts'
import type { Answers, SearchWording } from './wording.ts'

/** Everything that is known of one problem in a round. */
interface Played {
  sampled: Sampled
  judged: readonly JudgedChain[]
  greedy: Record<'solver' | 'critic', Greedy>
  /** Those by the critic, and those by the checker in its place. */
  searches: Record<'critic' | 'checker', readonly Search[]>
}

/** Every way to spend the tokens of a guided search, on the same problems. */
export const comparing = <Config extends Searching>(wordingOf: (config: Config) => SearchWording): Phase<Config> => ({
  summary: 'What guided search comes to, beside other ways to spend its tokens',
  items: problems,
  // Plain chains, the solver's greedy answers and the searches by the checker are round 0's.
  reads: ({ round }) => ({
    rounds: [...new Set([0, round])],
    sets: ['problems', greedySet('solver'), greedySet('critic'), JUDGED],
  }),
  answer({ config, round }, rows) {
    const wording = wordingOf(config)
    const itemOf = (set: string, from: number): Map<number, ItemRow> =>
      new Map(rows.items.filter((row) => row.set === set && row.round === from).map((row) => [row.item, row]))
    const found = { solver: itemOf(greedySet('solver'), 0), critic: itemOf(greedySet('critic'), round) }
    const verdicts = itemOf(JUDGED, round)
    const games = groupBy(
      rows.episodes.map((row) => ({ row, search: readSearch(row) })),
      ({ row }) => row.item,
    )
    const greedy = (who: 'solver' | 'critic', item: number): Greedy => {
      const row = found[who].get(item)
      if (!row) throw new Error(`problem ${item} has no greedy answer of the ${who}`)
      return readGreedy(row)
    }
    const all = [...itemOf('problems', 0).values()].map(readSampled).map((sampled) => {
      const { item } = sampled
      const by = (judge: Judge, from: number): Search[] =>
        (games.get(item) ?? [])
          .filter((game) => game.search.judge === judge && game.row.round === from)
          .map(({ search }) => search)
      const judged = verdicts.get(item)
      const played: Played = {
        sampled,
        judged: judged ? readJudged(judged) : [],
        greedy: { solver: greedy('solver', item), critic: greedy('critic', item) },
        searches: { critic: by('critic', round), checker: by(wording.checker, 0) },
      }
      return { item, answers: wording.answers(sampled), played }
    })
    const items = all.map(({ item, answers, played }): ItemRow => {
      return { round, set: SEARCHED, item, data: { ...compared(wording, answers, played) } }
    })
    const answersOf = new Map(all.map(({ item, answers }) => [item, answers]))
    const episodes = rows.episodes.flatMap((row): EpisodeRow[] => {
      const answers = answersOf.get(row.item)
      return row.round === round && answers ? [{ ...row, outcome: outcomeOf(answers, readSearch(row)) }] : []
    })
    return { items, episodes, turns: [] }
  },
})

/** The same problem solved in every way. */
export function compared(
  wording: SearchWording,
  answers: Answers,
  { sampled, judged, greedy, searches }: Played,
): Searched {
  const share = (given: readonly (string | null)[]): number =>
    sum(given.map((answer) => Number(answer === answers.right))) / given.length
  const one = (answer: string | null): number => share([answer])

  const plain = votesOf(wording, answers, sampled.solutions).map((vote, index): PlainChain => {
    return { ...vote, cost: sampled.tokens[index] ?? 0, ...(judged[index] ? { judged: judged[index] } : {}) }
  })
  const spent = ({ tokens }: Search): number => tokens.solver + tokens.critic
  const ends = (judge: keyof typeof searches): (string | null)[] =>
    searches[judge].map((chain) => answerOf(chain, answers))
  const voted = (judge: keyof typeof searches): string | null =>
    majority(ends(judge).map((answer) => ({ answer, weight: 1 })))

  const guided = searches.critic
  const first = plain.slice(0, guided.length)
  const total = sum(guided.map(spent))
  // Each chain has plain chains of its own to be compared with: the same ones, begun at another.
  const turned = (index: number, chains: readonly PlainChain[]): PlainChain[] => {
    const from = Math.floor((index * chains.length) / guided.length)
    return [...chains.slice(from), ...chains.slice(0, from)]
  }
  const alone = guided.map((chain, index) => ({
    votes: votesFor(spent(chain), turned(index, plain)),
    best: bestFor(spent(chain), turned(index, plain.slice(0, judged.length))),
  }))
  const right: Record<Way, number> = {
    sampled: share(first.map(({ answer }) => answer)),
    greedy: Number(greedy.solver.right),
    criticSolves: Number(greedy.critic.right),
    guided: share(ends('critic')),
    votes: share(alone.map(({ votes }) => votes)),
    best: share(alone.map(({ best }) => best)),
    checker: share(ends('checker')),
    majority: one(majority(first)),
    guidedMajority: one(voted('critic')),
    moreVotes: one(votesFor(total, plain)),
    bestOfMore: one(bestFor(total, plain)),
    votesOfAccepted: one(acceptedFor(total, plain)),
    checkerMajority: one(voted('checker')),
  }
  return {
    right,
    tokens: {
      solver: sum(guided.map(({ tokens }) => tokens.solver)),
      critic: sum(guided.map(({ tokens }) => tokens.critic)),
      checker: sum(searches.checker.map(spent)),
      plain: sum(first.map(({ cost }) => cost)),
      greedy: greedy.solver.tokens,
    },
    checks: guided.flatMap(({ checks }) => checks),
    chains: guided.length,
    steps: sum(guided.map(({ steps }) => steps.length)),
    attempts: sum(guided.map(({ attempts }) => attempts)),
    unanswered: guided.filter(({ ended }) => !ended).length,
    short: runsShort(total, plain),
  }
}

/** How a chain ended, and what its checks had to do with it. */
export const outcomes = {
  saved: 'a wrong step was rejected, and the answer is right',
  harmed: 'a right step was rejected, and the answer is wrong',
  right: 'right',
  wrong: 'wrong',
  unanswered: 'the chain came to no answer',
} as const

export function outcomeOf(answers: Answers, search: Search): keyof typeof outcomes {
  const rejected = (right: boolean): boolean =>
    search.checks.some((check) => check.right === right && check.verdict === 'Incorrect')
  if (!search.ended) return 'unanswered'
  if (answerOf(search, answers) === answers.right) return rejected(false) ? 'saved' : 'right'
  return rejected(true) ? 'harmed' : 'wrong'
}
