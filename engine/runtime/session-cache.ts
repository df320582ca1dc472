/** Compiled graphs by what they were built from. Each keeps its own memory arena, so only a few stay alive. */
import type { Graph } from '../graph/index.ts'
import { Latest } from './latest.ts'
import { Session, type SessionOptions } from './session.ts'

const KEPT = 6

export class SessionCache {
  readonly #sessions = new Latest<Session>(KEPT, (session) => session.release())
  readonly #options: SessionOptions

  constructor(options: SessionOptions = {}) {
    this.#options = options
  }

  /** The session of a key, built on first use. */
  get(key: string, build: () => Graph): Promise<Session> {
    return this.#sessions.get(key, () => Session.create(build(), this.#options))
  }

  async close(): Promise<void> {
    await this.#sessions.clear()
  }
}
