import type { Vocabulary } from './vocabulary.ts'

/** How the texts of prompts and completions become tokens, and tokens texts. */
export interface Texts {
  readonly size: number
  readonly padToken: number
  /** Each of them ends a completion. */
  readonly stopTokens: readonly number[]
  prompt(text: string): number[]
  /** A completion that ends with the recipe's stop mark ends with a stop token. */
  completion(text: string): number[]
  decode(tokens: readonly number[]): string
}

/** Texts in the closed vocabulary of a task and a recipe, in which the stop mark is a token like any other. */
export function vocabularyTexts(vocabulary: Vocabulary, stop: string): Texts {
  const encode = (text: string): number[] => vocabulary.encode(text)
  return {
    size: vocabulary.size,
    padToken: 0,
    stopTokens: [vocabulary.id(stop)],
    prompt: encode,
    completion: encode,
    decode: (tokens) => vocabulary.decode(tokens),
  }
}
