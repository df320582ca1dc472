import { fraction } from '../../shared/random.ts'
import { Vocabulary } from '../../shared/vocabulary.ts'
import type { PairJudge } from '../../tasks/pair-judge.ts'

/** How prompts and answers are written for recipes that learn from pair judges: `prompt` and `answer.` */
export const stop = '.'
export const templates = ['{prompt}', `{answer}${stop}`]

/** Padding is shown: a text that is no answer must be learned from as it was said, or its probability would never fall. */
export const preferenceVocabulary = (judge: PairJudge): Vocabulary =>
  new Vocabulary([...judge.vocabulary, stop], { padding: 'shown' })

/** Tokens of an answer with its stop mark; one more would be no answer. */
export const answerTokens = (judge: PairJudge): number => judge.longest.answer + 1
export const exampleTokens = (judge: PairJudge): number => judge.longest.prompt + answerTokens(judge)

export const completion = (answer: string): string => `${answer}${stop}`

/** An answer without its stop mark; null where the text is no answer. */
export function readAnswer(judge: PairJudge, text: string): string | null {
  const answer = text.slice(0, -stop.length)
  return text.endsWith(stop) && judge.answers.includes(answer) ? answer : null
}

/** Below this, every prompt is for learning and for measuring: a game of one question has nothing to hold out. */
const FEWEST_TO_SPLIT = 20

/** One prompt of five is held out, by its own text. */
export function splitPrompts({ prompts }: PairJudge): { train: readonly string[]; test: readonly string[] } {
  if (prompts.length < FEWEST_TO_SPLIT) return { train: prompts, test: prompts }
  return {
    train: prompts.filter((prompt) => fraction(prompt) < 0.8),
    test: prompts.filter((prompt) => fraction(prompt) >= 0.8),
  }
}
