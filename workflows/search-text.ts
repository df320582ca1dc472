import type { SearchTextConfig } from '../recipes/search-text/config.ts'
import { ADOPTED } from '../shared/models.ts'
import { defineRounds, type RoundSteps } from './round.ts'
import { type Players, searchByCritic, searchUnaided } from './search.ts'

/** Guided search on word problems, as in workflows/search.ts: by policies of another run, or the published model itself. */
export const searchText = defineRounds<SearchTextConfig>({
  async first(steps) {
    const { players } = steps.config
    await Promise.all([
      ...(players.solver ? [steps.update('solver')] : []),
      ...(players.critic ? [steps.update('critic')] : []),
    ])
    await searchUnaided(steps, playersOf(steps), 'arithmetic')
    await searchByCritic(steps, playersOf(steps))
  },

  async next(steps) {
    if (steps.config.players.critic) await steps.update('critic')
    await searchByCritic(steps, playersOf(steps))
  },
})

const playersOf = ({ config: { players, search }, round }: RoundSteps<SearchTextConfig>): Players => ({
  solver: players.solver ? { role: 'solver', version: 0 } : ADOPTED,
  critic: players.critic ? { role: 'critic', version: round } : ADOPTED,
  longest: search.steps,
})
