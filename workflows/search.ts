import { longestChain, type SearchConfig, type Searching } from '../recipes/search/config.ts'
import type { Judge } from '../recipes/search/rows.ts'
import { range } from '../shared/collections.ts'
import type { PlayedBy } from '../shared/ids.ts'
import { defineRounds, type RoundSteps } from './round.ts'

/** Guided search (SPC, Chen et al. 2025, arXiv 2504.19162, section 3.6), once with each version of the critic. */
export const search = defineRounds<SearchConfig>({
  async first(steps) {
    const { update } = steps
    await Promise.all([update('solver'), update('critic', { course: 'base critic' })])
    await searchUnaided(steps, playersOf(steps), 'checker')
    await searchByCritic(steps, playersOf(steps))
  },

  async next(steps) {
    await steps.update('critic')
    await searchByCritic(steps, playersOf(steps))
  },
})

/** Who searches, whatever language they speak, and how many steps a chain may have. */
export interface Players {
  solver: PlayedBy
  critic: PlayedBy
  longest: number
}

const playersOf = ({ config, round }: RoundSteps<SearchConfig>): Players => ({
  solver: { role: 'solver', version: 0 },
  critic: { role: 'critic', version: round },
  longest: longestChain(config),
})

/** What needs no critic: the solver alone, and a search that is guided by what can be checked exactly. */
export async function searchUnaided(
  steps: RoundSteps<Searching>,
  players: Players,
  checker: Exclude<Judge, 'critic'>,
): Promise<void> {
  const { play } = steps
  const player = players.solver
  await Promise.all([play('solve', { player }), play('greedy/solver', { player })])
  await guided(steps, players, checker)
}

/** The search by a critic, beside the same tokens spent in other ways: on further votes, on the best of several whole chains. */
export async function searchByCritic(steps: RoundSteps<Searching>, players: Players): Promise<void> {
  const { play } = steps
  const player = players.critic
  await guided(steps, players, 'critic')
  await Promise.all([play('judge solutions', { player }), play('greedy/critic', { player })])
  await play('compare')
}

/** Step by step: the solver proposes it, the judge checks it; rejected, it is tried again, so often and no more. */
async function guided({ play, config }: RoundSteps<Searching>, players: Players, judge: Judge): Promise<void> {
  const { solver, critic, longest } = players
  const { attempts, fallback } = config.search
  await play(`open/${judge}`)
  for (const step of range(1, longest + 1)) {
    for (const attempt of range(1, attempts + 1)) {
      const place = `${judge}/${step}/${attempt}`
      await play(`${attempt === 1 ? 'propose' : 'retry'}/${place}`, { player: solver })
      // The last attempt stands after any verdict.
      if (attempt === attempts && fallback === 'last') continue
      await play(`check/${place}`, judge === 'critic' ? { player: critic } : undefined)
    }
  }
}
