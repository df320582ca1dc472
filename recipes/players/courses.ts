import { range } from '../../shared/collections.ts'
import type { PolicySource } from '../../shared/ids.ts'
import type { Course, Example, OptimizerConfig } from '../../shared/recipe.ts'
import { Stream } from '../../shared/random.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { errorTypes } from '../../tasks/task.ts'
import { critiqueLength, verdictLength } from '../spc/lengths.ts'
import { baseExample, criticExamples } from '../spc/supervised.ts'
import type { Judging } from '../spc/critique.ts'
import type { Players } from './config.ts'

/**
 * A solver and a critic for recipes that train nobody themselves: their players are prompted. Where a run of SPC has them,
 * the courses publish its policies here as they are (0 steps); otherwise they make a weak solver, and a critic that gets
 * better from round to round.
 */
type Config = Judging & { seed: number; players: Players }

interface Setting {
  steps: number
  batch: number
  learningRate: number
}

interface Making {
  summary: string
  setting(config: Config): Setting
  warmupSteps: number
  /** Whose policy it is in a run of SPC. */
  taken(config: Config, round: number): { role: string; version: number }
  from(round: number): PolicySource | null
  alike?: readonly string[]
  example(config: Config, round: number, step: number, row: number): Example
}

function course({ summary, setting, warmupSteps, taken, from, alike = [], example }: Making): Course<Config> {
  return {
    summary,
    alike,
    rounds: () => [],
    from: ({ config, round }) => {
      const run = config.players.from?.run
      return run === undefined ? from(round) : { run, ...taken(config, round) }
    },
    reference: () => null,
    loss: () => [{ term: 'nll', weight: 1 }],
    optimizer: (config): OptimizerConfig => {
      return { learningRate: setting(config).learningRate, warmupSteps, weightDecay: 0, clipNorm: 1, decay: 'linear' }
    },
    batchRows: (config) => setting(config).batch,
    length: ({ task, critique }) => (critique === 'seen' ? critiqueLength : verdictLength)(taskFrom(task)),
    lesson({ config, round }) {
      const { steps, batch } = setting(config)
      const made = config.players.from === null
      return {
        steps: made ? steps : 0,
        batch: (step) => range(0, batch).map((row) => example(config, round, step, row)),
        consumed: [],
        report: { rows: made ? steps * batch : 0 },
      }
    },
  }
}

/** `recipe` is the path of their random numbers. */
export const playersCourses = (recipe: string): Record<string, Course<Config>> => ({
  solver: course({
    summary: 'The solver: worked problems',
    setting: ({ players }) => players.solver,
    warmupSteps: 100,
    taken: ({ players }) => ({ role: players.from?.solver ?? 'weak-solver', version: 0 }),
    from: () => null,
    example: (config, _round, step, row) => baseExample(config, `${recipe} solver`, 0, step, row),
  }),
  'base critic': course({
    summary: 'The first critic: worked problems, and a few checks of coarse errors',
    setting: ({ players }) => players.base,
    warmupSteps: 100,
    taken: () => ({ role: 'critic', version: 0 }),
    from: () => null,
    alike: ['critique'],
    example: (config, _round, step, row) =>
      baseExample(config, `${recipe} critic`, config.players.base.checks, step, row),
  }),
  critic: course({
    summary: 'The next critic: more labelled steps, right ones and wrong ones of every type',
    setting: ({ players }) => players.critic,
    warmupSteps: 10,
    taken: ({ players }, round) => ({ role: 'critic', version: round * (players.from?.every ?? 1) }),
    from: (round) => ({ role: 'critic', version: round - 1 }),
    alike: ['critique'],
    example(config, round, step, row) {
      const [wrong, right] = criticExamples(config, errorTypes, recipe, round, step, row)
      return new Stream(config.seed, `${recipe} side`, round, step, row).uniform(0) < 0.5 ? wrong : right
    },
  }),
})
