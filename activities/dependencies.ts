import type { Database } from '../db/client.ts'
import type { Device, EngineProcess } from '../engine/index.ts'
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

/** An engine call that outlives the wish for its result by this long is not waited for: its process is ended. */
const GRACE_MS = 1500

/** One place of the pool: an engine process for each device that a run has asked for. */
type Slot = Map<Device, EngineProcess>

/** A few engine processes, each used by one activity at a time. How many there are changes no result. */
export class EnginePool {
  readonly #idle: Slot[]
  readonly #all: readonly Slot[]
  readonly #start: (device: Device) => EngineProcess
  readonly #waiting: ((slot: Slot) => void)[] = []

  constructor(size: number, start: (device: Device) => EngineProcess) {
    this.#all = Array.from({ length: size }, (): Slot => new Map())
    this.#idle = [...this.#all]
    this.#start = start
  }

  get size(): number {
    return this.#all.length
  }

  /**
   * Works with an engine as soon as one is free. Who is told to stop while it waits stops at once, and takes none; who is told
   * to stop while it works has a moment to finish its call, so that cancelling takes effect within 2 s whatever the model.
   */
  async use<T>(
    { signal, times, device = 'cpu' }: Pick<Attempt, 'signal' | 'times'> & { device?: Device | undefined },
    work: (engine: EngineProcess) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const slot = this.#idle.pop() ?? (await this.#next(signal))
    const engine = slot.get(device) ?? this.#start(device)
    slot.set(device, engine)
    engine.onComputed = (span) => times.computed(span)
    let timer: NodeJS.Timeout | undefined
    const stop = (): void => {
      timer = setTimeout(() => void engine.kill(), GRACE_MS)
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await work(engine)
    } finally {
      engine.onComputed = null
      signal.removeEventListener('abort', stop)
      clearTimeout(timer)
      this.#pass(slot)
    }
  }

  /** A place that nobody needs just now, for a second thread of someone who has an engine; null where there is none. Give it back soon. */
  borrow(): { giveBack: () => void } | null {
    const slot = this.#idle.pop()
    return slot === undefined ? null : { giveBack: () => this.#pass(slot) }
  }

  /** To who has waited longest. */
  #pass(slot: Slot): void {
    const next = this.#waiting.shift()
    if (next) next(slot)
    else this.#idle.push(slot)
  }

  #next(signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const take = (slot: Slot): void => {
        signal.removeEventListener('abort', leave)
        resolve(slot)
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
    await Promise.all(this.#all.flatMap((slot) => [...slot.values()]).map((engine) => engine.close()))
  }
}
