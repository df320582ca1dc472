/** A worker as users run it: a process of its own, with engine processes below it, killed with SIGKILL where a test says so. */
import { type ChildProcess, fork } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { handleOf, readIfThere, until } from '../../cli/services/processes.ts'

export interface WorkerPlace {
  temporalAddress: string
  databaseUrl: string
  home: string
  queuePrefix: string
  namespace?: string
  engines?: number
}

/** Engine processes of a worker whose place says nothing else. */
export const defaultEngines = 2

export const workerLog = (place: WorkerPlace): string => path.join(place.home, 'worker.log')

export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #log: string

  private constructor(child: ChildProcess, log: string) {
    this.#child = child
    this.#log = log
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()))
  }

  /** Starts a worker; returns when it polls, or rejects with its log when it ends first. */
  static async start(place: WorkerPlace): Promise<WorkerProcess> {
    const worker = WorkerProcess.spawn(place)
    let said = false
    worker.#child.once('message', () => (said = true))
    await until(() => said || worker.ended, 60_000)
    if (said) return worker
    await worker.kill()
    throw new Error(`the worker did not start:\n${worker.log}`)
  }

  /** Starts a worker without waiting: it may fail, for example while its services are still down. */
  static spawn(place: WorkerPlace): WorkerProcess {
    fs.mkdirSync(place.home, { recursive: true })
    const log = workerLog(place)
    const descriptor = fs.openSync(log, 'a')
    try {
      const child = fork(fileURLToPath(new URL('../../worker.ts', import.meta.url)), [], {
        execArgv: ['--import', 'tsx'],
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        env: {
          ...process.env,
          TEMPORAL_ADDRESS: place.temporalAddress,
          TEMPORAL_NAMESPACE: place.namespace ?? 'default',
          DATABASE_URL: place.databaseUrl,
          SPARRING_HOME: place.home,
          SPARRING_QUEUE_PREFIX: place.queuePrefix,
          SPARRING_ENGINES: String(place.engines ?? defaultEngines),
        },
        // A process group of its own: killed whole, it takes its engines with it.
        detached: true,
        stdio: ['ignore', descriptor, descriptor, 'ipc'],
      })
      return new WorkerProcess(child, log)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error('the worker process could not be started')
    return pid
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  get exitCode(): number | null {
    return this.#child.exitCode
  }

  get log(): string {
    return readIfThere(this.#log) ?? ''
  }

  /** The engine processes below this worker. */
  engines(): number[] {
    const children = readIfThere(`/proc/${this.pid}/task/${this.pid}/children`) ?? ''
    return children
      .split(' ')
      .filter((pid) => pid !== '')
      .map(Number)
      .filter((pid) => (readIfThere(`/proc/${pid}/cmdline`) ?? '').includes(path.join('engine', 'process', 'child.ts')))
  }

  /** SIGKILL to the worker alone; its engines notice and end by themselves. */
  async kill(): Promise<void> {
    const engines = this.engines()
    this.#child.kill('SIGKILL')
    await this.#exited
    if (!(await until(() => engines.every((pid) => handleOf(pid) === null), 20_000))) {
      throw new Error(`engines ${engines.join(', ')} outlived their worker`)
    }
  }

  /** SIGKILL to the worker and its engines at once. */
  async killGroup(): Promise<void> {
    if (!this.ended) process.kill(-this.pid, 'SIGKILL')
    await this.#exited
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    if (!this.ended) this.#child.kill('SIGTERM')
    if (await until(() => this.ended, 30_000)) return
    const log = this.log
    await this.killGroup()
    throw new Error(`the worker did not stop within 30 s:\n${log}`)
  }
}
