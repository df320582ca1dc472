/** Values by key, of which the latest few are kept. */
export class Latest<T extends object> {
  readonly #values = new Map<string, T>()
  readonly #capacity: number
  readonly #drop: (value: T) => Promise<void>

  /** `drop` ends what is kept no longer. */
  constructor(capacity: number, drop: (value: T) => Promise<void> = () => Promise.resolve()) {
    this.#capacity = capacity
    this.#drop = drop
  }

  /** The value of a key, made on first use. The least recently used one goes when there are too many. */
  async get(key: string, make: () => T | Promise<T>): Promise<T> {
    const value = this.#values.get(key) ?? (await make())
    this.#values.delete(key)
    this.#values.set(key, value)
    await this.#shrink(this.#capacity)
    return value
  }

  async clear(): Promise<void> {
    await this.#shrink(0)
  }

  async #shrink(capacity: number): Promise<void> {
    for (const [oldest, stale] of this.#values) {
      if (this.#values.size <= capacity) return
      this.#values.delete(oldest)
      await this.#drop(stale)
    }
  }
}
