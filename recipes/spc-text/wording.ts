import { grade } from '../../tasks/answers/grade.ts'
import type { Wording } from '../spc/wording.ts'
import type { SpcTextConfig } from './config.ts'
import {
  criticPrompt,
  generatorPrompt,
  parseSneakyStep,
  parseSolution,
  rolloutPrompt,
  solverPrompt,
  stop,
  words,
} from './prompts.ts'

/** How a critic that speaks the language of a chat model judges a step, in so many tokens. */
export const textJudging = (
  maximumNewTokens: number,
): Pick<Wording, 'critiqueQuestion' | 'critiqueSampling' | 'critiques'> => ({
  critiqueQuestion: (key, judged) => ({ key, prompt: criticPrompt(judged) }),
  critiqueSampling: (samples, temperature) => ({ samples, temperature, maximumNewTokens }),
  critiques: ({ question, texts, tokens }) =>
    texts.map((text, sample) => {
      return { prompt: question.prompt, text, tokens: tokens[sample] ?? 0, verdict: words.parse(text) }
    }),
})

/** The language of a chat model on word problems, whose outcomes are graded and whose steps nobody can check exactly. */
export const textWording = ({ tokens }: Pick<SpcTextConfig, 'tokens'>): Wording => ({
  solverPrompt,
  rolloutPrompt,
  generatorPrompt,
  steps: parseSolution,
  isSolved: ({ answer }, text) => isRight(parseSolution(text), answer),
  isReached: ({ answer }, steps, rest) =>
    rest.endsWith(stop) && isRight([...steps, rest.slice(0, -stop.length)], answer),
  sneakyStep: parseSneakyStep,
  ...textJudging(tokens.critique),
  tokens: { solution: tokens.solution, rollout: tokens.solution, deception: tokens.deception },
  check: null,
})

/** Whether the steps end with the right answer. */
function isRight(steps: readonly string[] | null, answer: string | null): boolean {
  return steps !== null && answer !== null && grade(steps.join('\n'), answer).right
}
