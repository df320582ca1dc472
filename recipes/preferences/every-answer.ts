import { range } from '../../shared/collections.ts'
import type { Phase } from '../../shared/recipe.ts'
import { pairJudgeFrom, type PairJudgeConfig } from '../../tasks/pair-judges.ts'
import { completion, splitPrompts } from './prompts.ts'

/** What a phase asks that scores all answers to the prompts that policies are measured on. */
export const everyAnswer: Pick<Phase<{ task: PairJudgeConfig; evaluation: { prompts: number } }>, 'items' | 'ask'> = {
  items: ({ evaluation, task }) => Math.min(evaluation.prompts, splitPrompts(pairJudgeFrom(task)).test.length),
  ask({ config, from, to }) {
    const judge = pairJudgeFrom(config.task)
    const { test } = splitPrompts(judge)
    const candidates = judge.answers.map(completion)
    return range(from, to).map((item) => ({ key: String(item), prompt: test[item] ?? '', candidates }))
  },
}
