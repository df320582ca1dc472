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
  critiqueQuestion: (key, judged) => ({ key, prompt: criticPrompt(judged) }),
  critiqueSampling: (samples, temperature) => ({ samples, temperature, maximumNewTokens: tokens.critique }),
  critiques: ({ question, texts, tokens: counts }) =>
    texts.map((text, sample) => {
      return { prompt: question.prompt, text, tokens: counts[sample] ?? 0, verdict: words.parse(text) }
    }),
  tokens: { solution: tokens.solution, rollout: tokens.solution, deception: tokens.deception },
  check: null,
})

/** Whether the steps end with the right answer. */
function isRight(steps: readonly string[] | null, answer: string | null): boolean {
  return steps !== null && answer !== null && grade(steps.join('\n'), answer).right
}
