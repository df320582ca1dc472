import { z } from 'zod'
import { logistic, type PairJudge } from './pair-judge.ts'

/**
 * Four answers to one question: the smallest game in which a winner of all comparisons need not exist.
 *
 * `cyclic`: A beats B .9, B beats C .6, C beats A .6, and all beat D .95. Its minimax winner is (1/6, 1/6, 4/6, 0), while A
 * wins most comparisons against a uniform opponent and so gets the highest Bradley–Terry score; a policy that always says A
 * loses to C with .6. `transitive`: Bradley–Terry preferences with A > B > C > D, where answering A is best.
 */
export const fourAnswersConfig = z.strictObject({
  name: z.literal('four-answers').default('four-answers'),
  preferences: z.enum(['cyclic', 'transitive']).default('cyclic'),
})

const answers = ['A', 'B', 'C', 'D'] as const
const strengths = [1.5, 1, 0.5, -1.5]
const cyclic = [
  [0.5, 0.9, 0.4, 0.95],
  [0.1, 0.5, 0.6, 0.95],
  [0.6, 0.4, 0.5, 0.95],
  [0.05, 0.05, 0.05, 0.5],
]

export function fourAnswers({ preferences }: z.infer<typeof fourAnswersConfig>): PairJudge {
  const matrix =
    preferences === 'cyclic' ? cyclic : strengths.map((left) => strengths.map((right) => logistic(left - right)))
  const place = (answer: string): number => answers.findIndex((one) => one === answer)
  return {
    name: 'four-answers',
    vocabulary: ['?', ...answers],
    prompts: ['?'],
    answers,
    longest: { prompt: 1, answer: 1 },
    preference: (_prompt, left, right) => matrix[place(left)]![place(right)]!,
    demonstrate: (_prompt, draws) => draws.pick(answers),
    // A table of scores: the reward model can tell all answers apart.
    features: (_prompt, answer) => answers.map((one) => (one === answer ? 1 : 0)),
  }
}
