import type { SpoConfig } from '../recipes/spo/config.ts'
import { defineRounds } from './round.ts'

/** SPO, Self-Play Preference Optimization (Swamy et al. 2024, arXiv 2401.04056): one policy plays itself and its recent past. */
export const spo = defineRounds<SpoConfig>({
  async first({ update, play }) {
    await update('policy', { course: 'base' })
    await play('measure', { player: { role: 'policy', version: 0 } })
  },

  /** for t = 1, 2, …: sample, compare, share of wins, one step of a no-regret learner. */
  async next({ play, update, config, round }) {
    const current = { role: 'policy', version: round - 1 } // π_t
    const { from, entropy } = config.reward

    await play('answer', { player: current }) // ξ_1 … ξ_k ~ π_t
    await play('compare') // P(ξ_i > ξ_j) in the group and against the queue Q
    if (from === 'fitted once' && round === 1) await play('collect', { player: current })
    if (from === 'refitted' || (from === 'fitted once' && round === 1)) await play('fit') // the baselines' reward model
    if (entropy > 0) await play('score', { player: current })
    await play('reward') // r(ξ_i) = 1/|Q| Σ_j P(ξ_i > ξ_j)
    await update('policy') // π_t+1 ∝ π_t exp(η (r - 1/2))
    await play('measure', { player: { role: 'policy', version: round } }) // the average policy is the one that counts
  },
})
