import type { SpcTextConfig } from '../recipes/spc-text/config.ts'
import { isTuned, solverPhases } from '../recipes/spc-text/solvers.ts'
import { teacherOf } from '../recipes/spc-text/written.ts'
import { defineRounds, type RoundSteps } from './round.ts'
import { playAndLearn } from './spc.ts'

/** SPC (Chen et al. 2025) on word problems: one published model, of which every player is an adapter. */
export const spcText = defineRounds<SpcTextConfig>({
  /** Round 0: a solver from worked problems, both players from labelled pairs, and the solver's own slips as a test. */
  async first(steps) {
    const { play, update, config } = steps
    // The model as it is and models behind servers are there already, and are trained by nobody.
    const teacher = teacherOf(config)
    const writes = teacher && config.supervised.written > 0
    await Promise.all([
      ...(isTuned(config) ? [update('solver')] : []),
      play('label'),
      ...(writes ? [play('write', { player: teacher })] : []),
    ])
    if (writes) await solve(steps, 'confirm') // the solvers' completions say which written steps are wrong
    if (teacher) await play('teach', { player: teacher })
    await Promise.all([
      update('generator', { course: 'supervise generator' }),
      update('critic', { course: 'supervise critic' }),
      solve(steps, 'natural/validation'),
      solve(steps, 'natural/test'),
    ])
    await judge(steps)
  },

  /** One round of play, as in workflows/spc.ts. */
  async next(steps) {
    await playAndLearn(bySolvers(steps))
    await judge(steps)
  },
})

/** Every solver plays its part of a phase. */
async function solve({ play, config }: RoundSteps<SpcTextConfig>, phase: string): Promise<void> {
  await Promise.all(solverPhases(config, phase).map(({ name, player }) => play(name, { player })))
}

/** The steps of a round whose solver is several: what "the solver" plays, each of them plays its part of. */
const bySolvers = (steps: RoundSteps<SpcTextConfig>): RoundSteps<SpcTextConfig> => ({
  ...steps,
  play: (phase, options) => (options?.player.role === 'solver' ? solve(steps, phase) : steps.play(phase, options)),
})

/** The newest critic on errors that the generator did not make. */
async function judge({ evaluate, round }: RoundSteps<SpcTextConfig>): Promise<void> {
  const critic = { role: 'critic', version: round }
  await Promise.all(['natural/test', 'natural/validation'].map((suite) => evaluate(suite, critic)))
}
