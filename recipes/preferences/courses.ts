import { range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { Context, Course, Example, Lesson, OptimizerConfig } from '../../shared/recipe.ts'
import { pairJudgeFrom, type PairJudgeConfig } from '../../tasks/pair-judges.ts'
import { completion, exampleTokens, splitPrompts } from './prompts.ts'

/** What the courses of SPO and SPPO share. */
export interface PreferenceConfig {
  seed: number
  task: PairJudgeConfig
  base: { steps: number; batch: number; learningRate: number }
}

export const exampleLength = ({ task }: PreferenceConfig): number => exampleTokens(pairJudgeFrom(task))

export const optimizer = (learningRate: number, decay: OptimizerConfig['decay'] = 'linear'): OptimizerConfig => ({
  learningRate,
  warmupSteps: 10,
  weightDecay: 0,
  clipNorm: 1,
  decay,
})

/** Round 0: a policy that imitates the task's demonstrations. */
export function imitate<Config extends PreferenceConfig>(from: Course<Config>['from'] = () => null): Course<Config> {
  return {
    summary: 'The base policy imitates demonstrations',
    rounds: () => [],
    from,
    reference: () => null,
    loss: () => [{ term: 'nll', weight: 1 }],
    optimizer: ({ base }) => optimizer(base.learningRate),
    batchRows: ({ base }) => base.batch,
    length: exampleLength,
    lesson: (context) => demonstrations(context, from(context) !== null),
  }
}

/** Nothing is learned where the policy was made elsewhere: it is published here as it is. */
function demonstrations({ config }: Context<PreferenceConfig>, made: boolean): Lesson {
  const { steps, batch } = config.base
  const judge = pairJudgeFrom(config.task)
  const { train } = splitPrompts(judge)
  const example = (step: number, row: number): Example => {
    const draws = new Stream(config.seed, 'demonstration', step, row).draws()
    const prompt = draws.pick(train)
    return { prompt, completion: completion(judge.demonstrate(prompt, draws)), kind: 'supervised', advantage: 0 }
  }
  return {
    steps: made ? 0 : steps,
    batch: (step) => range(0, batch).map((row) => example(step, row)),
    consumed: [],
    report: { demonstrations: made ? 0 : steps * batch },
  }
}
