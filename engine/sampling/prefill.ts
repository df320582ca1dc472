/** Reading prompts block by block. A block that two prompts begin with is computed once. */
import { headSize, type LlamaConfig } from '../models/llama.ts'
import { MASKED } from '../models/llama-forward.ts'
import { Latest } from '../runtime/latest.ts'
import { floatFeed, type Feed, integerFeed, longFeed, Session, type SessionOptions } from '../runtime/session.ts'
import { type KeyValues, RowCaches } from './key-values.ts'
import { cacheNames, prefillGraph, type StoredModel } from './stored-graphs.ts'

/** Tokens of a block: enough for products at full speed, few enough for prompts to share their beginnings. */
const BLOCK = 64
/** Of the blocks kept for prompts to come. */
const KEPT_BYTES = 512 * 2 ** 20

export class Prefill {
  readonly #model: LlamaConfig
  readonly #session: Session
  /** By the tokens up to their end. */
  readonly #blocks: Latest<KeyValues>
  #adapter: Float32Array | undefined
  /** Blocks computed so far. */
  computed = 0

  private constructor(model: LlamaConfig, session: Session) {
    const blockBytes = 2 * model.layers * model.keyValueHeads * headSize(model) * BLOCK * 4
    this.#model = model
    this.#session = session
    this.#blocks = new Latest(Math.ceil(KEPT_BYTES / blockBytes))
  }

  static async create(stored: StoredModel, options: SessionOptions): Promise<Prefill> {
    return new Prefill(stored.model, await Session.create(prefillGraph(stored), options))
  }

  /** The adapter of the prompts to come. Keys and values of another one are of no use, and are dropped. */
  async adapt(adapter: Float32Array | undefined): Promise<void> {
    if (adapter === this.#adapter) return
    this.#adapter = adapter
    await this.#blocks.clear()
  }

  /** Puts keys and values of the tokens into a row of the caches, which has room for them. */
  async read(tokens: readonly number[], caches: RowCaches, row: number): Promise<void> {
    const earlier = new RowCaches(this.#model, 1)
    earlier.resize(tokens.length)
    for (let start = 0; start < tokens.length; start += BLOCK) {
      const end = Math.min(start + BLOCK, tokens.length)
      const block = await this.#blocks.get(tokens.slice(0, end).join(), () =>
        this.#compute(tokens, start, end, earlier),
      )
      caches.write(row, start, block, 0, end - start)
      earlier.write(0, start, block, 0, end - start)
    }
  }

  async #compute(tokens: readonly number[], start: number, end: number, earlier: RowCaches): Promise<KeyValues> {
    this.computed += 1
    const length = end - start
    const { layers } = this.#model
    const rows = (length * this.#model.heads) / this.#model.keyValueHeads
    const mask = new Float32Array(rows * end)
    for (let row = 0; row < rows; row++) mask.fill(MASKED, row * end + start + (row % length) + 1, (row + 1) * end)
    const feeds: Record<string, Feed> = {
      tokens: integerFeed(Int32Array.from(tokens.slice(start, end))),
      positions: longFeed(
        BigInt64Array.from({ length }, (_, index) => BigInt(start + index)),
        [1, length],
      ),
      mask: floatFeed(mask, [rows, end]),
      ...(this.#adapter && { adapter: floatFeed(this.#adapter) }),
    }
    const names = cacheNames(layers)
    const [, heads, capacity, size] = earlier.shape
    for (const [index, name] of names.entries()) {
      const array = earlier.arrays[index]
      if (array === undefined) throw new RangeError('keys and values of another model')
      const part = new Float32Array(heads * start * size)
      for (let head = 0; head < heads; head++) {
        const from = head * capacity * size
        part.set(array.subarray(from, from + start * size), head * start * size)
      }
      feeds[name] = floatFeed(part, [1, heads, start, size])
    }
    const outputs = await this.#session.run(feeds)
    return names.map((name) => outputs.floats(`new.${name}`))
  }

  async close(): Promise<void> {
    await this.#session.release()
  }
}
