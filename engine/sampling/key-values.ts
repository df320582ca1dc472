/** Keys and values outside of the runtime: those of prompts in blocks that prompts share, and those of the rows being decoded. */
import { headSize, type LlamaConfig } from '../models/llama.ts'

/** By layer, first the keys and then the values of all layers, each [keyValueHeads, tokens, headSize]. */
export type KeyValues = readonly Float32Array[]

/** Blocks by the tokens up to their end. Only the latest ones are kept. */
export class BlockCache {
  readonly #blocks = new Map<string, KeyValues>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  async get(tokens: readonly number[], compute: () => Promise<KeyValues>): Promise<KeyValues> {
    const key = tokens.join()
    const block = this.#blocks.get(key) ?? (await compute())
    this.#blocks.delete(key)
    this.#blocks.set(key, block)
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#capacity) break
      this.#blocks.delete(oldest)
    }
    return block
  }
}

/** Keys and values of several rows, each with room for `capacity` tokens: by layer [rows, keyValueHeads, capacity, headSize]. */
export class RowCaches {
  readonly arrays: KeyValues
  readonly shape: readonly [rows: number, heads: number, capacity: number, size: number]

  constructor(model: LlamaConfig, rows: number, capacity: number) {
    this.shape = [rows, model.keyValueHeads, capacity, headSize(model)]
    const elements = this.shape.reduce((product, size) => product * size, 1)
    this.arrays = Array.from({ length: 2 * model.layers }, () => new Float32Array(elements))
  }

  /**
   * Copies `count` tokens to row `row`, from token `to` on. `from` holds [fromRows, keyValueHeads, tokens, headSize] by layer, and
   * the copied tokens are the first ones of its row `fromRow`. What lies beyond the capacity is dropped.
   */
  write(row: number, to: number, from: KeyValues, fromRow: number, tokens: number, count: number): void {
    const [, heads, capacity, size] = this.shape
    const kept = Math.min(count, capacity - to)
    for (const [index, array] of this.arrays.entries()) {
      const source = from[index]
      if (source === undefined) throw new RangeError('keys and values of another model')
      for (let head = 0; head < heads; head++) {
        const start = (fromRow * heads + head) * tokens * size
        array.set(source.subarray(start, start + kept * size), ((row * heads + head) * capacity + to) * size)
      }
    }
  }
}
