/** Activities called directly, as a worker would call them: real database, real engine, no Temporal in between. */
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { type Activities, createActivities } from '../../activities/index.ts'
import { EnginePool } from '../../activities/dependencies.ts'
import type { OpenDatabase } from '../../db/client.ts'
import { EngineProcess } from '../../engine/index.ts'
import { parseConfig } from '../../recipes/registry.ts'
import type { BaseConfig, Data } from '../../shared/recipe.ts'
import { artefactsOf } from './run.ts'
import { smallRun } from './small-run.ts'
import type { WorkerPlace } from './worker-process.ts'

export class DirectWorker {
  readonly engine: EngineProcess
  readonly #pool: EnginePool
  readonly #activities: Activities

  constructor(place: WorkerPlace, { database }: OpenDatabase, engine = new EngineProcess()) {
    this.engine = engine
    this.#pool = new EnginePool(1, () => engine)
    this.#activities = createActivities({
      database,
      engines: this.#pool,
      artefacts: artefactsOf(place),
      reports: place.home,
      worker: 'direct',
    })
  }

  /** One attempt of an activity. */
  attempt(work: (activities: Activities) => Promise<unknown>): Promise<void> {
    return this.begin(work).ended
  }

  /** One attempt that can be cancelled, as the end of a worker does. */
  begin(work: (activities: Activities) => Promise<unknown>): { ended: Promise<void>; cancel: () => void } {
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
    const ended = environment.run(() => work(this.#activities)).then(() => undefined)
    return { ended, cancel: () => environment.cancel('WORKER_SHUTDOWN') }
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }
}

/** A small run's configuration as it travels: whole, and plain JSON. */
export function smallConfig(given: object = smallRun): BaseConfig & Data {
  const config: BaseConfig & Data = JSON.parse(JSON.stringify(parseConfig(given, 'the small run').config))
  return config
}

/** An engine that can be held before it samples, counts the steps that it trains, and dies when it is told to. */
export class MeddledEngine extends EngineProcess {
  /** Numbers of the optimizer steps that were computed here. */
  readonly steps: number[] = []
  /** Dies in the call that would reach this step. */
  dieAt = Number.POSITIVE_INFINITY
  /** Sampling waits for this. */
  gate: Promise<void> = Promise.resolve()
  /** Resolves when somebody waits at the gate. */
  readonly reached: Promise<void>
  #arrive: () => void = () => undefined

  constructor() {
    super()
    this.reached = new Promise((resolve) => (this.#arrive = resolve))
  }

  override async sample(request: Parameters<EngineProcess['sample']>[0]): ReturnType<EngineProcess['sample']> {
    this.#arrive()
    await this.gate
    return super.sample(request)
  }

  override async trainSteps(
    ...call: Parameters<EngineProcess['trainSteps']>
  ): Promise<Awaited<ReturnType<EngineProcess['trainSteps']>>> {
    const measured = super.trainSteps(...call)
    if ((this.steps.at(-1) ?? 0) + call[1].length >= this.dieAt) await Promise.all([this.kill(), measured])
    const rows = await measured
    this.steps.push(...rows.map(({ step }) => step))
    return rows
  }
}
