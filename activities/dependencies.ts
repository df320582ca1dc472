import type { Database } from '../db/client.ts'
import type { EngineProcess } from '../engine/index.ts'

/** What the worker hands to every activity. */
export interface Dependencies {
  database: Database
  engines: EnginePool
  /** Folder of the content-addressed weights. */
  artefacts: string
  /** Folder of the reports. */
  reports: string
  /** Name of this worker, kept with every shard it computes. */
  worker: string
}

/** A few engine processes, each used by one activity at a time. How many there are changes no result. */
export class EnginePool {
  readonly #idle: EngineProcess[]
  readonly #all: readonly EngineProcess[]
  readonly #waiting: ((engine: EngineProcess) => void)[] = []

  constructor(engines: EngineProcess[]) {
    this.#all = engines
    this.#idle = [...engines]
  }

  get size(): number {
    return this.#all.length
  }

  async use<T>(work: (engine: EngineProcess) => Promise<T>): Promise<T> {
    const engine = this.#idle.pop() ?? (await new Promise<EngineProcess>((resolve) => this.#waiting.push(resolve)))
    try {
      return await work(engine)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(engine)
      else this.#idle.push(engine)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((engine) => engine.close()))
  }
}
