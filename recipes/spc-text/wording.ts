import { grade } from '../../tasks/answers/grade.ts'
import type { Wording } from '../spc/wording.ts'
import type { SpcTextConfig } from './config.ts'
import { textJudging } from './critique.ts'
import { generatorPrompt, parseSneakyStep, parseSolution, rolloutPrompt, solverPrompt, stop } from './prompts.ts'

/** The language of a chat model on word problems, whose outcomes are graded and whose steps nobody can check exactly. */
export const textWording = ({ critique, tokens }: Pick<SpcTextConfig, 'critique' | 'tokens'>): Wording => ({
  solverPrompt,
  rolloutPrompt,
  generatorPrompt,
  steps: parseSolution,
  isSolved: ({ answer }, text) => isRight(parseSolution(text), answer),
  isReached: ({ answer }, steps, rest) =>
    rest.endsWith(stop) && isRight([...steps, rest.slice(0, -stop.length)], answer),
  sneakyStep: parseSneakyStep,
  ...textJudging({ critique, tokens }),
  tokens: { solution: tokens.solution, rollout: tokens.solution, deception: tokens.deception },
  check: null,
})

/** Whether the steps end with the right answer. */
function isRight(steps: readonly string[] | null, answer: string | null): boolean {
  return steps !== null && answer !== null && grade(steps.join('\n'), answer).right
}
