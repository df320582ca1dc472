/** Keys and values outside of the runtime: those of prompts in blocks that prompts share, and those of the rows being decoded. */
import { headSize, type LlamaConfig } from '../models/llama.ts'

/** By layer, first the keys and then the values of all layers, each [keyValueHeads, tokens, headSize]. */
export type KeyValues = readonly Float32Array[]

/** Capacities are whole multiples of this, so that padding moves no element to another place of the kernels' vectors. */
const BUCKET = 64

/**
 * Keys and values of several rows, each with room for `capacity` tokens: by layer [rows, keyValueHeads, capacity, headSize].
 * Products go over the whole capacity, so it follows the longest row.
 */
export class RowCaches {
  readonly #rows: number
  readonly #heads: number
  readonly #size: number
  #arrays: Float32Array[]
  #capacity = BUCKET

  constructor(model: LlamaConfig, rows: number) {
    this.#rows = rows
    this.#heads = model.keyValueHeads
    this.#size = headSize(model)
    const elements = rows * this.#heads * BUCKET * this.#size
    this.#arrays = Array.from({ length: 2 * model.layers }, () => new Float32Array(elements))
  }

  get arrays(): KeyValues {
    return this.#arrays
  }

  get shape(): readonly [rows: number, heads: number, capacity: number, size: number] {
    return [this.#rows, this.#heads, this.#capacity, this.#size]
  }

  /** Makes room for that many tokens of each row, and drops what finds none. */
  resize(tokens: number): void {
    const wanted = Math.max(1, Math.ceil(tokens / BUCKET)) * BUCKET
    if (wanted === this.#capacity) return
    const [from, to] = [this.#capacity * this.#size, wanted * this.#size]
    const heads = this.#rows * this.#heads
    // One array at a time, so that there are never two of all.
    for (const [index, array] of this.#arrays.entries()) {
      const resized = new Float32Array(heads * to)
      for (let head = 0; head < heads; head++) {
        resized.set(array.subarray(head * from, head * from + Math.min(from, to)), head * to)
      }
      this.#arrays[index] = resized
    }
    this.#capacity = wanted
  }

  /**
   * Copies row `fromRow` of `from`, which holds [fromRows, keyValueHeads, tokens, headSize] by layer, to row `row`, from token `to`
   * on. There must be room for it.
   */
  write(row: number, to: number, from: KeyValues, fromRow: number, tokens: number): void {
    for (const [index, array] of this.#arrays.entries()) {
      const source = from[index]
      if (source === undefined) throw new RangeError('keys and values of another model')
      for (let head = 0; head < this.#heads; head++) {
        const start = (fromRow * this.#heads + head) * tokens * this.#size
        const place = ((row * this.#heads + head) * this.#capacity + to) * this.#size
        array.set(source.subarray(start, start + tokens * this.#size), place)
      }
    }
  }
}
