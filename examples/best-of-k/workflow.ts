import { defineRounds } from '../../workflows/round.ts'
import type { BestOfKConfig } from './recipe.ts'

export const bestOfK = defineRounds<BestOfKConfig>({
  async first({ update, play }) {
    await update('policy', { course: 'base' })
    await play('measure', { player: { role: 'policy', version: 0 } })
  },
  async next({ update, play, round }) {
    await play('answer', { player: { role: 'policy', version: round - 1 } })
    await play('judge')
    await update('policy')
    await play('measure', { player: { role: 'policy', version: round } })
  },
})
