/**
 * A text at which completions end, beside the stop tokens. Which tokens make it up is the tokenizer's affair: a blank line may be two
 * tokens, or one that also holds the full stop before it. So a completion is read character by character through its tokens, and ends
 * with the token that completes the text; what that token has behind it is cut off the completion's text by `cutBehind`, which reads
 * in the same way. White space that a completion begins with is not looked at: what has said nothing has not come to its end.
 */
import { RowError } from '../training/rows.ts'

/** The same for whole tokens. States count from 0, in which a completion begins; the one behind the last of `next` is its end. */
export interface Ending {
  readonly states: number
  /** The state after each token: [states, vocabulary]. */
  readonly next: Uint8Array
}

/** The ending of a vocabulary: what each of its tokens is as a text, `textOf` says. */
export function endingOf(end: string, vocabulary: number, textOf: (token: number) => string): Ending {
  const states = end.length + 1
  if (states === 1 || states > 255) throw new RowError(`an ending has 1 to 254 characters, got ${end.length}`)
  const next = new Uint8Array(states * vocabulary)
  for (let token = 0; token < vocabulary; token++) {
    const text = textOf(token)
    for (let state = 0; state < states; state++) next[state * vocabulary + token] = read(end, state, text).state
  }
  return { states, next }
}

/** The text up to the end of the first `end` in it; all of it where it holds none. */
export const cutBehind = (text: string, end: string): string => text.slice(0, read(end, 0, text).length)

/** State 0: nothing but white space yet; state n: the last n - 1 characters are the first of `end`. Reads up to the end and no further. */
function read(end: string, from: number, text: string): { state: number; length: number } {
  let state = from
  let length = 0
  while (length < text.length && state <= end.length) {
    const character = text.charAt(length)
    length++
    if (state === 0 && /\s/.test(character)) continue
    let seen = end.slice(0, Math.max(0, state - 1)) + character
    while (!end.startsWith(seen)) seen = seen.slice(1)
    state = seen.length + 1
  }
  return { state, length }
}

/** Follows one completion, token by token, to a stop token or to the ending. */
export class Reader {
  readonly #stopTokens: ReadonlySet<number>
  readonly #ending: Ending | undefined
  #state = 0

  constructor(stopTokens: ReadonlySet<number>, ending: Ending | undefined) {
    this.#stopTokens = stopTokens
    this.#ending = ending
  }

  /** Whether the completion ends with this token. */
  endsWith(token: number): boolean {
    if (this.#stopTokens.has(token)) return true
    if (this.#ending === undefined) return false
    const { states, next } = this.#ending
    this.#state = next[this.#state * (next.length / states) + token] ?? 0
    return this.#state === states
  }
}

export function checkEnding({ states, next }: Ending, vocabulary: number): void {
  if (next.length === states * vocabulary && next.every((state) => state <= states)) return
  throw new RowError(`an ending of ${states} states for ${vocabulary} tokens needs as many numbers up to ${states}`)
}
