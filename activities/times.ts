import type { Spent } from '../db/shards.ts'
import type { Span } from '../shared/contract.ts'

/**
 * What the time of an attempt goes to. An engine's part is measured in the engine's own process, so that sending, waiting
 * and a busy worker are not taken for computing.
 */
export class Times {
  readonly #began = Date.now()
  readonly #engine: Span[] = []
  readonly #storage: Span[] = []
  #storing: number | null = null

  /** An engine has computed. */
  computed(span: Span): void {
    this.#engine.push(span)
  }

  /** Waits for rows or files that are being read or written. */
  async storing<T>(work: Promise<T>): Promise<T> {
    const from = (this.#storing = Date.now())
    try {
      return await work
    } finally {
      this.#storage.push({ from, to: Date.now() })
      this.#storing = null
    }
  }

  /** As it stands; what is being stored now counts up to now. */
  spent(): Spent {
    const now = Date.now()
    const open = this.#storing === null ? [] : [{ from: this.#storing, to: now }]
    return { seconds: (now - this.#began) / 1000, engine: this.#engine, storage: [...this.#storage, ...open] }
  }
}
