import type { Database } from '../db/client.ts'
import type { EngineProcess } from '../engine/index.ts'
import type { Attempt } from './running.ts'

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

  /** Works with an engine as soon as one is free. Who is told to stop while it waits stops at once, and takes none. */
  async use<T>(
    { signal, times }: Pick<Attempt, 'signal' | 'times'>,
    work: (engine: EngineProcess) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const engine = this.#idle.pop() ?? (await this.#next(signal))
    engine.onComputed = (span) => times.computed(span)
    try {
      return await work(engine)
    } finally {
      engine.onComputed = null
      const next = this.#waiting.shift()
      if (next) next(engine)
      else this.#idle.push(engine)
    }
  }

  #next(signal: AbortSignal): Promise<EngineProcess> {
    return new Promise((resolve, reject) => {
      const take = (engine: EngineProcess): void => {
        signal.removeEventListener('abort', leave)
        resolve(engine)
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1)
        reject(signal.reason instanceof Error ? signal.reason : new Error('stopped while waiting for an engine'))
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(take)
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((engine) => engine.close()))
  }
}
