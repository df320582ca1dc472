import type { SpcTextConfig } from '../recipes/spc-text/config.ts'
import { ADOPTED } from '../shared/models.ts'
import { defineRounds, type RoundSteps } from './round.ts'
import { playAndLearn } from './spc.ts'

/** SPC (Chen et al. 2025) on word problems: one published model, of which every player is an adapter. */
export const spcText = defineRounds<SpcTextConfig>({
  /** Round 0: a solver from worked problems, both players from labelled pairs, and the solver's own slips as a test. */
  async first(steps) {
    const { play, update, config } = steps
    // A solver behind a server is there already, and is trained by nobody.
    await Promise.all([...(config.solver.endpoint ? [] : [update('solver')]), play('label')])
    if (config.supervised.teacher === 'model') await play('teach', { player: ADOPTED })
    const solver = { role: 'solver', version: 0 }
    await Promise.all([
      update('generator', { course: 'supervise generator' }),
      update('critic', { course: 'supervise critic' }),
      play('natural/validation', { player: solver }),
      play('natural/test', { player: solver }),
    ])
    await judge(steps)
  },

  /** One round of play, as in workflows/spc.ts. */
  async next(steps) {
    await playAndLearn(steps)
    await judge(steps)
  },
})

/** The newest critic on errors that the generator did not make. */
async function judge({ evaluate, round }: RoundSteps<SpcTextConfig>): Promise<void> {
  const critic = { role: 'critic', version: round }
  await Promise.all(['natural/test', 'natural/validation'].map((suite) => evaluate(suite, critic)))
}
