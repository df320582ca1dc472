import type { SppoConfig } from '../recipes/sppo/config.ts'
import { defineRounds } from './round.ts'

/** SPPO, Self-Play Preference Optimization (Wu et al. 2024, arXiv 2405.00675), beside the paper's Algorithm 1. */
export const sppo = defineRounds<SppoConfig>({
  /** π_0: a policy that imitates demonstrations. */
  async first({ update, play }) {
    await update('policy', { course: 'base' })
    await play('measure', { player: { role: 'policy', version: 0 } })
  },

  /** for t = 0, 1, …: the policy plays itself, and its successor is fitted to who won. */
  async next({ play, update, round }) {
    const current = { role: 'policy', version: round - 1 } // π_t
    const successor = { role: 'policy', version: round } // π_t+1

    await play('answer', { player: current }) // y_1 … y_K ~ π_t(· | x)
    await play('judge') // P(y_i > y_j | x) for all pairs; the best answer and the worst
    await play('score', { player: current })
    await update('policy') // log π/π_t (y) towards η (P(y > π_t | x) - 1/2); or DPO, or IPO, on the same pairs
    await Promise.all([
      play('rescore', { player: successor }), // did the chosen answer rise, and the rejected one fall?
      play('measure', { player: successor }),
    ])
  },
})
