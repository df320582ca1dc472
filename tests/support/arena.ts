/**
 * A home of its own with Temporal, Postgres and a worker in it, in which anything may be killed: what dies is started again as
 * a supervisor would, and nothing else on the machine notices.
 */
import fs from 'node:fs'
import path from 'node:path'
import { bringUp, type RunningServices } from '../../cli/services/index.ts'
import { handleOf, until } from '../../cli/services/processes.ts'
import { parseConfig, planRound } from '../../client.ts'
import { freePort } from '../../cli/services/ports.ts'
import { embeddedEnv, makeTestHome, removeTestHome } from '../services/test-home.ts'
import { fingerprint, type Fingerprint } from './fingerprint.ts'
import { artefactsOf, overStates, query, runName, stateOf, untilOver, withClient } from './run.ts'
import { type SmallRun, smallRun } from './small-run.ts'
import { type WorkerPlace, WorkerProcess } from './worker-process.ts'

export const victims = ['worker', 'engine', 'temporal', 'postgres', 'everything'] as const
export type Victim = (typeof victims)[number]

export class Arena {
  readonly run = runName('crash')
  /** Workers that ended by themselves after something else was killed, and were started again. */
  restarts = 0
  readonly #home: string
  readonly #env: NodeJS.ProcessEnv
  readonly #config: SmallRun
  #services: RunningServices
  #worker: WorkerProcess | null = null
  /** What is being started: who closes waits for it, so that nothing comes up in a home that is gone. */
  #starting: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(home: string, env: NodeJS.ProcessEnv, services: RunningServices, config: SmallRun) {
    this.#home = home
    this.#env = env
    this.#services = services
    this.#config = config
  }

  /** Brings up the services and a worker, and launches the small run. */
  static async open(config: SmallRun = smallRun): Promise<Arena> {
    const home = makeTestHome()
    const ports: number[] = []
    while (ports.length < 3) ports.push(await freePort(ports))
    const [temporal, ui, postgres] = ports.map(String)
    const env = embeddedEnv({
      SPARRING_TEMPORAL_PORT: temporal,
      SPARRING_UI_PORT: ui,
      SPARRING_POSTGRES_PORT: postgres,
    })
    const arena = new Arena(home, env, await bringUp({ home, env, what: 'crash tests' }), config)
    try {
      arena.#worker = await WorkerProcess.start(arena.place)
      await withClient(arena.place, (client) => client.launch({ name: arena.run, config }))
    } catch (error) {
      await arena.close()
      throw error
    }
    return arena
  }

  get place(): WorkerPlace {
    const { temporalAddress, databaseUrl } = this.#services
    return { temporalAddress, databaseUrl, home: this.#home, queuePrefix: 'crash' }
  }

  /** Rows of a table of this run; 0 before the table is there. */
  async count(table: 'shards' | 'checkpoints'): Promise<number> {
    const [row] = await query<{ count: string }>(
      this.place.databaseUrl,
      `select count(*) from ${table} where run = $1`,
      [this.run],
    )
    return Number(row?.count ?? 0)
  }

  async untilShards(count: number): Promise<void> {
    if (!(await until(async () => (await this.count('shards')) >= count, 180_000, 20))) {
      throw new Error(`fewer than ${count} shards after 180 s. The worker said:\n${this.#worker?.log ?? ''}`)
    }
  }

  /** What the run has stored so far: shards, and states of the optimizer inside updates. */
  async stored(): Promise<number> {
    return (await this.count('shards')) + (await this.count('checkpoints'))
  }

  async isOver(): Promise<boolean> {
    return overStates.includes(await stateOf(this.place, this.run))
  }

  /** The round under way and its phases that are played now. */
  async phase(): Promise<{ round: number; phases: string[] }> {
    const { databaseUrl } = this.place
    const [row] = await query<{ round: number }>(
      databaseUrl,
      'select coalesce(max(round), 0) as round from rounds where run = $1',
      [this.run],
    )
    const round = row?.round ?? 0
    const done = await query<{ phase: string; shards: string }>(
      databaseUrl,
      'select phase, count(*) as shards from shards where run = $1 and round = $2 group by phase',
      [this.run, round],
    )
    const { config } = parseConfig(this.#config, 'the small run')
    const open = (await planRound(config, round)).filter(
      ({ name, shards }) => Number(done.find(({ phase }) => phase === name)?.shards ?? 0) < shards,
    )
    return { round, phases: open.filter(({ stage }) => stage === open[0]?.stage).map(({ name }) => name) }
  }

  /** SIGKILL. Returns when the victim is gone; false when there was none (no engine had been started yet). */
  async kill(victim: Victim): Promise<boolean> {
    const { temporalPid, postgresPid } = this.#services
    if (victim === 'worker') await this.#worker?.kill()
    else if (victim === 'engine') return killFirst(this.#worker?.engines() ?? [])
    else if (victim === 'temporal') await kill9(temporalPid)
    else if (victim === 'postgres') await kill9(postgresPid)
    else await Promise.all([this.#worker?.killGroup(), kill9(temporalPid), kill9(postgresPid)])
    return true
  }

  /** Starts again what was killed. */
  async restore(): Promise<void> {
    await this.#start(async () => {
      this.#services = await bringUp({ home: this.#home, env: this.#env, what: 'crash tests' })
    })
    await this.supervise()
  }

  /** Starts a worker that ended by itself again. */
  async supervise(): Promise<void> {
    if (this.#worker && !this.#worker.ended) return
    this.restarts++
    await this.#start(async () => {
      this.#worker = await WorkerProcess.start(this.place)
    })
  }

  /** Waits for the end of the run, and compares nothing: that is for the caller. */
  async finish(withinMs = 240_000): Promise<Fingerprint> {
    let over = false
    const supervising = until(
      async () => {
        if (!over) await this.supervise()
        return over
      },
      withinMs,
      200,
    )
    const state = await untilOver(this.place, this.run, withinMs).finally(() => (over = true))
    await supervising
    if (state !== 'finished') throw new Error(`the run is ${state}. The worker said:\n${this.#worker?.log ?? ''}`)
    return fingerprint(this.place.databaseUrl, artefactsOf(this.place), this.run)
  }

  /** Which file, on disk, holds each checkpoint: a step that is computed again writes another one over it. */
  async checkpointFiles(): Promise<Record<string, number>> {
    const rows = await query<{ name: string; sha256: string }>(
      this.place.databaseUrl,
      `select role || '@' || version || ' step ' || step as name, sha256 from checkpoints where run = $1`,
      [this.run],
    )
    const inode = (sha256: string): number =>
      fs.statSync(path.join(artefactsOf(this.place), `${sha256}.safetensors`)).ino
    return Object.fromEntries(rows.map(({ name, sha256 }) => [name, inode(sha256)]))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#starting
    await this.#worker?.killGroup()
    await removeTestHome(this.#home)
  }

  async #start(work: () => Promise<void>): Promise<void> {
    if (this.#closed) throw new Error('the arena is closed')
    const started = work()
    this.#starting = started.catch(() => undefined)
    await started
  }
}

async function kill9(pid: number | null): Promise<void> {
  if (pid === null) throw new Error('there is no process to kill')
  process.kill(pid, 'SIGKILL')
  if (!(await until(() => handleOf(pid) === null, 10_000))) throw new Error(`process ${pid} survives SIGKILL`)
}

async function killFirst(pids: readonly number[]): Promise<boolean> {
  const [pid] = pids
  if (pid === undefined) return false
  await kill9(pid)
  return true
}
