import { z } from 'zod'
import { logistic, logOdds, type PairJudge } from './pair-judge.ts'

/**
 * A language of a few words: to a prompt of three letters the right answer is a style of one's choice and the letters that
 * follow the first and the last one in the alphabet, so `bcf>` is answered by `Calm ca`.
 *
 * The judge likes right letters, and styles by a pattern that no score can express: Bold beats Calm, Calm beats Dry, Dry
 * beats Bold, and each of them is above Eager, Flat and Grim, which stand in an order. P = σ(content · (right letters of
 * left - of right) + style(left, right)).
 */
export const styledWordsConfig = z.strictObject({
  name: z.literal('styled-words').default('styled-words'),
  /** How often Bold beats Calm, Calm beats Dry and Dry beats Bold. At 0.5 the judge is transitive. */
  cycle: z.number().min(0.5).lt(1).default(0.8),
  /** Log-odds that a right letter is worth. */
  content: z.number().min(0).default(1.2),
  /** How often a demonstrated letter is the right one. */
  skill: z.number().min(0).max(1).default(0.6),
})

const letters = ['a', 'b', 'c', 'd', 'e', 'f']
const circle = ['Bold', 'Calm', 'Dry'] as const
const tail = ['Eager', 'Flat', 'Grim'] as const
export const styles = [...circle, ...tail] as const
export type Style = (typeof styles)[number]

const strength: Record<Style, number> = { Bold: 1.2, Calm: 1.2, Dry: 1.2, Eager: 0.6, Flat: 0.3, Grim: 0 }
/** Demonstrations prefer what the judge does not, so that there is something to learn. */
const shown: readonly Style[] = ['Bold', 'Calm', 'Dry', 'Eager', 'Eager', 'Flat', 'Flat', 'Grim', 'Grim', 'Grim']

const next = (letter: string): string => letters[(letters.indexOf(letter) + 1) % letters.length] ?? ''
const rightLetters = (prompt: string): [string, string] => [next(prompt.charAt(0)), next(prompt.charAt(2))]

/** The style of an answer and how many of its letters are right. */
export function readWords(prompt: string, answer: string): { style: Style; right: number } {
  const style = styles.find((one) => answer.startsWith(one))
  const [first, last] = rightLetters(prompt)
  const said = answer.slice(-2)
  if (!style) throw new Error(`${JSON.stringify(answer)} is no answer in styled words`)
  return { style, right: (said.charAt(0) === first ? 1 : 0) + (said.charAt(1) === last ? 1 : 0) }
}

export function styledWords({ cycle, content, skill }: z.infer<typeof styledWordsConfig>): PairJudge {
  const edge = logOdds(cycle)
  const styleOdds = (left: Style, right: Style): number => {
    const [one, other] = [circle.findIndex((style) => style === left), circle.findIndex((style) => style === right)]
    const round = one < 0 || other < 0 || one === other ? 0 : (one + 1) % 3 === other ? edge : -edge
    return strength[left] - strength[right] + round
  }
  const preference: PairJudge['preference'] = (prompt, left, right) => {
    const [one, other] = [readWords(prompt, left), readWords(prompt, right)]
    return logistic(content * (one.right - other.right) + styleOdds(one.style, other.style))
  }
  const words = letters.flatMap((first) => letters.map((last) => first + last))
  return {
    name: 'styled-words',
    vocabulary: [...letters, '>', ...styles],
    prompts: words.flatMap((two) => letters.map((last) => `${two}${last}>`)),
    answers: styles.flatMap((style) => words.map((two) => style + two)),
    longest: { prompt: 4, answer: 3 },
    preference,
    demonstrate(prompt, draws) {
      const style = draws.pick(shown)
      const said = rightLetters(prompt).map((right) => (draws.uniform() < skill ? right : draws.pick(letters)))
      return style + said.join('')
    },
    features(prompt, answer) {
      const { style, right } = readWords(prompt, answer)
      return [right, ...styles.map((one) => (one === style ? 1 : 0))]
    },
  }
}
