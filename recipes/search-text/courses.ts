import type { Course } from '../../shared/recipe.ts'
import type { SearchTextConfig } from './config.ts'

/** Nobody learns: the policies of another run are published in this one as they are. */
type Role = keyof SearchTextConfig['players']

const taken = (role: Role, summary: string, alike: readonly string[] = []): Course<SearchTextConfig> => ({
  summary,
  alike,
  rounds: () => [],
  from({ config: { players }, round }) {
    const player = players[role]
    // The solver is that of round 0 for ever; each round has the next critic.
    return player && { ...player, version: player.version + round }
  },
  reference: () => null,
  loss: () => [{ term: 'nll', weight: 1 }],
  optimizer: () => ({ learningRate: 0, warmupSteps: 0, weightDecay: 0, clipNorm: 1, decay: 'constant' }),
  batchRows: () => 1,
  length: ({ model }) => model.context,
  lesson: () => ({ steps: 0, batch: () => [], report: {}, consumed: [] }),
})

export const courses: Record<Role, Course<SearchTextConfig>> = {
  solver: taken('solver', 'The solver, as another run has it'),
  critic: taken('critic', 'The critic, as another run has it', ['critique']),
}
