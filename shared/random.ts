/**
 * Counted randomness: every random number is a function of a seed and a path, never of what was drawn before. That is
 * what lets a killed run go on with the same bytes (DESIGN section 4, rule 4).
 *
 * The path is hashed to a 64-bit key; a number is Philox-2x32 with ten rounds of the counter under that key
 * (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 */
export type PathPart = string | number

const MULTIPLIER = 0xd256d193
const WEYL = 0x9e3779b9

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const middle2 = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(middle2 / 65536)) >>> 0
}

/** Two independent 32-bit hashes of a text (the mixing of MurmurHash3's finaliser over every character). */
function hash64(text: string): [number, number] {
  let low = 0x9747b28c
  let high = 0x3c6ef372
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    low = Math.imul(low ^ code, 0x85ebca6b)
    high = Math.imul(high ^ code, 0xc2b2ae35)
    low ^= low >>> 13
    high ^= high >>> 16
  }
  low = Math.imul(low ^ (high >>> 15), 0xc2b2ae35)
  high = Math.imul(high ^ (low >>> 13), 0x85ebca6b)
  return [(low ^ (high >>> 16)) >>> 0, (high ^ (low >>> 16)) >>> 0]
}

/** A named place in the space of random numbers; `uniform(n)` is its n-th number, whatever was asked before. */
export class Stream {
  readonly path: string
  readonly #low: number
  readonly #high: number

  constructor(...path: PathPart[]) {
    this.path = path.join('/')
    const [low, high] = hash64(this.path)
    this.#low = low
    this.#high = high
  }

  /** The n-th 32-bit word of this stream. */
  word(counter: number): number {
    let left = (counter ^ this.#high) >>> 0
    let right = (Math.floor(counter / 0x100000000) ^ this.#high) >>> 0
    let key = this.#low
    for (let round = 0; round < 10; round++) {
      const high = multiplyHigh(MULTIPLIER, left)
      const low = Math.imul(MULTIPLIER, left) >>> 0
      left = (high ^ key ^ right) >>> 0
      right = low
      key = (key + WEYL) >>> 0
    }
    return left
  }

  /** The n-th number in [0, 1): a multiple of 2^-23, so that it stays below 1 when a float32 multiplies it. */
  uniform(counter: number): number {
    return (this.word(counter) >>> 9) / 0x800000
  }

  /** The n-th integer in [0, bound). */
  integer(counter: number, bound: number): number {
    return Math.floor((this.word(counter) / 0x100000000) * bound)
  }

  /** Draws in order, for code that builds one thing from several numbers. The position lives and dies with that thing. */
  draws(): Draws {
    return new Draws(this)
  }

  /** The numbers 0..length-1 in an order given by this stream (Fisher and Yates). */
  permutation(length: number): number[] {
    const order = Array.from({ length }, (_, index) => index)
    for (let index = length - 1; index > 0; index--) {
      const other = this.integer(index, index + 1)
      const held = order[index]!
      order[index] = order[other]!
      order[other] = held
    }
    return order
  }
}

export class Draws {
  readonly #stream: Stream
  #next = 0

  constructor(stream: Stream) {
    this.#stream = stream
  }

  uniform(): number {
    return this.#stream.uniform(this.#next++)
  }

  /** An integer in [low, high], both included. */
  between(low: number, high: number): number {
    return low + this.#stream.integer(this.#next++, high - low + 1)
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.#stream.integer(this.#next++, choices.length)]
    if (choice === undefined) throw new Error(`nothing to pick from at ${this.#stream.path}`)
    return choice
  }
}

/** A number in [0, 1) that depends on the text alone: which split a problem belongs to. */
export function fraction(text: string): number {
  return new Stream('fraction', text).uniform(0)
}
