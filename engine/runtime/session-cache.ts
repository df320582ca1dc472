/** Compiled graphs by what they were built from. Each keeps its own memory arena, so only a few stay alive. */
import type { Graph } from '../graph/index.ts'
import { Session, type SessionOptions } from './session.ts'

export class SessionCache {
  readonly #sessions = new Map<string, Session>()
  readonly #options: SessionOptions
  readonly #capacity: number

  constructor(options: SessionOptions = {}, capacity = 6) {
    this.#options = options
    this.#capacity = capacity
  }

  /** The session of a key, built on first use. The least recently used one is released when there are too many. */
  async get(key: string, build: () => Graph): Promise<Session> {
    const known = this.#sessions.get(key)
    if (known !== undefined) {
      this.#sessions.delete(key)
      this.#sessions.set(key, known)
      return known
    }
    const session = await Session.create(build(), this.#options)
    this.#sessions.set(key, session)
    for (const [oldest, stale] of this.#sessions) {
      if (this.#sessions.size <= this.#capacity) break
      this.#sessions.delete(oldest)
      await stale.release()
    }
    return session
  }

  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    for (const session of sessions) await session.release()
  }
}
