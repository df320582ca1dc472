import { longestChain, type SearchConfig } from '../recipes/search/config.ts'
import type { Judge } from '../recipes/search/rows.ts'
import { range } from '../shared/collections.ts'
import { defineRounds, type RoundSteps } from './round.ts'

const player = { player: { role: 'solver', version: 0 } }

/** Guided search (SPC, Chen et al. 2025, arXiv 2504.19162, section 3.6), once with each version of the critic. */
export const search = defineRounds<SearchConfig>({
  async first(steps) {
    const { update, play } = steps
    await Promise.all([update('solver'), update('critic', { course: 'base critic' })])
    await Promise.all([play('solve', player), play('greedy/solver', player)]) // unguided
    await guided(steps, 'checker') // the ceiling: the exact checker in the critic's place
    await compared(steps)
  },

  async next(steps) {
    await steps.update('critic')
    await compared(steps)
  },
})

/** Step by step: the solver proposes it, the judge checks it; rejected, it is tried again, so often and no more. */
async function guided({ play, config, round }: RoundSteps<SearchConfig>, judge: Judge): Promise<void> {
  const by = judge === 'critic' ? { player: { role: 'critic', version: round } } : undefined
  await play(`open/${judge}`)
  for (const step of range(1, longestChain(config) + 1)) {
    for (const attempt of range(1, config.search.attempts + 1)) {
      await play(`${attempt === 1 ? 'propose' : 'retry'}/${judge}/${step}/${attempt}`, player)
      await play(`check/${judge}/${step}/${attempt}`, by)
    }
  }
}

/** The same tokens spent in other ways: on further votes, on the best of several whole chains. */
async function compared(steps: RoundSteps<SearchConfig>): Promise<void> {
  const critic = { player: { role: 'critic', version: steps.round } }
  await guided(steps, 'critic')
  await Promise.all([steps.play('judge solutions', critic), steps.play('greedy/critic', critic)])
  await steps.play('compare')
}
