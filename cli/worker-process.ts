/**
 * The worker as a child of the command: started, started again when it dies, stopped. It runs in a process group of its
 * own, so that Ctrl-C reaches it through us alone, and so that a hard stop takes its engine processes along.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rotateLog } from './services/home.ts'
import type { RunningServices } from './services/index.ts'
import { hasCode, tailOf } from './services/processes.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
/** A worker lets go of its shards at once; what it has not done after this long will not be done. */
const patienceMs = 20_000
/** More deaths than this within the window are no accident. */
const mostDeaths = 5
const windowMs = 5 * 60_000

export const workerLog = (home: string): string => path.join(home, 'logs', 'worker.log')

export interface WorkerEvents {
  onReady(pid: number): void
  /** The worker died and is being started again. */
  onRestart(message: string): void
}

export class SupervisedWorker {
  /** Resolves when the worker was stopped; rejects when it died too often. */
  readonly finished: Promise<void>
  readonly #services: RunningServices
  readonly #events: WorkerEvents
  #child: ChildProcess | null = null
  #stopping = false
  #deaths: number[] = []
  #resolve: () => void = () => undefined
  #reject: (error: Error) => void = () => undefined

  constructor(services: RunningServices, events: WorkerEvents) {
    this.#services = services
    this.#events = events
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever waits for the end of the run hears of it; until then nobody needs to.
    this.finished.catch(() => undefined)
    this.#start()
  }

  /** Lets the worker give back what it is at, and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (!child) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), patienceMs)
    await this.finished.finally(() => clearTimeout(timer))
  }

  /** Ends the worker and its engines at once. Nothing is lost but the shards under way. */
  kill(): void {
    this.#stopping = true
    if (this.#child?.pid !== undefined) killGroup(this.#child.pid)
  }

  #start(): void {
    const { home, temporalAddress, temporalNamespace, databaseUrl } = this.#services
    const log = workerLog(home)
    rotateLog(log)
    const out = fs.openSync(log, 'a')
    const child = spawn(process.execPath, ['--import', 'tsx', path.join(root, 'worker.ts')], {
      cwd: root,
      detached: true,
      env: {
        ...process.env,
        TEMPORAL_ADDRESS: temporalAddress,
        TEMPORAL_NAMESPACE: temporalNamespace,
        DATABASE_URL: databaseUrl,
        SPARRING_HOME: home,
      },
      stdio: ['ignore', out, out, 'ipc'],
    })
    fs.closeSync(out)
    this.#child = child
    child.on('message', (message) => {
      if (message === 'ready') this.#events.onReady(child.pid ?? 0)
    })
    // A spawn that fails has no exit; one that ran has both codes below.
    child.once('error', (error) => this.#ended(child, error.message))
    child.once('exit', (code, signal) => this.#ended(child, signal ?? `exit code ${code}`))
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return
    this.#child = null
    // Engines whose worker was killed would end by themselves; they must not compute beside the next worker's.
    if (child.pid !== undefined) killGroup(child.pid)
    if (this.#stopping) return this.#resolve()
    const now = Date.now()
    this.#deaths = [...this.#deaths.filter((death) => now - death < windowMs), now]
    const said = tailOf(workerLog(this.#services.home), 3)
    if (this.#deaths.length > mostDeaths) {
      this.#reject(
        new Error(`the worker died ${this.#deaths.length} times within 5 minutes (${how}). It said:\n${said}`),
      )
      return
    }
    this.#events.onRestart(`the worker died (${how}); starting it again. It goes on where it was.`)
    setTimeout(() => (this.#stopping ? this.#resolve() : this.#start()), 1000 * (this.#deaths.length - 1))
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error // the whole group is gone already
  }
}
