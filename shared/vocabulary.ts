import { UserError } from './errors.ts'

interface VocabularyOptions {
  /**
   * What becomes of token 0 in a sampled text. Shown, it is part of what was said, and a text that holds it is encoded as it was
   * sampled; left out, such a text reads as if it had been skipped.
   */
  padding?: 'shown' | 'left out'
  /**
   * A number is one token; or it is its digits, the lowest first, which is the order in which sums are worked out
   * (docs/decisions.md has what a small model learns with either).
   */
  numbers?: 'whole' | 'by digits' | undefined
}

/** A closed vocabulary: texts are encoded by longest match and decoded by joining. Token 0 is padding. */
export class Vocabulary {
  readonly tokens: readonly string[]
  readonly numbers: 'whole' | 'by digits'
  readonly #ids: ReadonlyMap<string, number>
  readonly #longest: number
  readonly #padding: 'shown' | 'left out'

  constructor(tokens: readonly string[], { padding = 'left out', numbers = 'whole' }: VocabularyOptions = {}) {
    this.#padding = padding
    this.numbers = numbers
    this.tokens = ['<pad>', ...tokens]
    this.#ids = new Map(this.tokens.map((token, id) => [token, id]))
    if (this.#ids.size !== this.tokens.length) throw new Error('a vocabulary may not hold a token twice')
    this.#longest = Math.max(...this.tokens.map((token) => token.length))
  }

  get size(): number {
    return this.tokens.length
  }

  id(token: string): number {
    const id = this.#ids.get(token)
    if (id === undefined) throw new Error(`no token ${JSON.stringify(token)} in the vocabulary`)
    return id
  }

  /** The token ids of a text. Fails where the text holds something the vocabulary cannot write (numbers over 99, say). */
  encode(text: string): number[] {
    const ids: number[] = []
    for (let position = 0; position < text.length;) {
      if (text[position] === ' ') {
        position++
        continue
      }
      // A run of digits is one number or nothing: 123 must not be read as 12 and 3.
      const run = text.slice(position, position + this.#longest + 1)
      const digits = this.numbers === 'whole' ? /^\d+/.exec(run)?.[0] : undefined
      let length = digits?.length ?? Math.min(this.#longest, text.length - position)
      if (!digits) while (length > 0 && !this.#ids.has(text.slice(position, position + length))) length--
      const id = this.#ids.get(text.slice(position, position + length))
      if (id === undefined || length === 0) {
        throw new UserError(
          `the model cannot read ${JSON.stringify(text.slice(position, position + 8))} in ${JSON.stringify(text)}`,
          `use what its task is written in: ${this.#shown()}`,
        )
      }
      ids.push(id)
      position += length
    }
    return this.#turned(ids)
  }

  /** The tokens, all numbers as one range. */
  #shown(): string {
    const isNumber = (token: string): boolean => /^\d+$/.test(token)
    const numbers = this.tokens.filter(isNumber).map(Number)
    const others = this.tokens.slice(1).filter((token) => !isNumber(token))
    const fromTo = `numbers from ${Math.min(...numbers)} to ${Math.max(...numbers)}`
    const range = numbers.length === 0 ? [] : [this.numbers === 'whole' ? fromTo : 'numbers']
    return [...range, ...others].join(' ')
  }

  /** The text of some tokens; a space keeps two whole numbers apart, so that encoding the text gives the same tokens back. */
  decode(ids: readonly number[]): string {
    let text = ''
    for (const id of this.#turned(ids)) {
      const token = id === 0 && this.#padding === 'left out' ? '' : (this.tokens[id] ?? '')
      text += this.numbers === 'whole' && /\d$/.test(text) && /^\d/.test(token) ? ` ${token}` : token
    }
    return text
  }

  /** The tokens with every run of digits turned round, if numbers are written so. */
  #turned(ids: readonly number[]): number[] {
    if (this.numbers === 'whole') return [...ids]
    const isDigit = (id: number): boolean => /^\d$/.test(this.tokens[id] ?? '')
    return ids.flatMap((id, index) => {
      if (!isDigit(id)) return [id]
      if (index > 0 && isDigit(ids[index - 1] ?? 0)) return []
      const end = ids.findIndex((other, place) => place > index && !isDigit(other))
      return ids.slice(index, end < 0 ? ids.length : end).toReversed()
    })
  }
}
