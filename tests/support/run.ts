/** Small runs from beginning to end, and the unbroken one that the others are compared with. */
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import pg from 'pg'
import { z } from 'zod'
import { tailOf, until } from '../../cli/services/processes.ts'
import { SparringClient } from '../../client.ts'
import { freshDatabase } from '../services/fresh-database.ts'
import { makeTestHome, removeTestHome } from '../services/test-home.ts'
import { fingerprint, type Fingerprint } from './fingerprint.ts'
import { type SmallRun, smallRun } from './small-run.ts'
import { workerLog, WorkerProcess, type WorkerPlace } from './worker-process.ts'

export interface SessionServers {
  temporalAddress: string
  databaseUrl: string
}

/** How often the conditions of these tests are looked at. */
const POLL_MS = 100

export const artefactsOf = (place: WorkerPlace): string => path.join(place.home, 'artefacts')

/** A place of one test's own: database, folder of weights and task queues, on the servers that all tests share. */
export async function openPlace(servers: SessionServers): Promise<WorkerPlace & { close: () => Promise<void> }> {
  const home = makeTestHome()
  const { url, drop } = await freshDatabase(servers.databaseUrl)
  const close = async (): Promise<void> => {
    await drop()
    await removeTestHome(home)
  }
  return { temporalAddress: servers.temporalAddress, databaseUrl: url, home, queuePrefix: randomUUID(), close }
}

export async function withClient<T>(place: WorkerPlace, use: (client: SparringClient) => Promise<T>): Promise<T> {
  const client = await SparringClient.connect({ address: place.temporalAddress, queuePrefix: place.queuePrefix })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  // A server that is killed breaks the connection beside the query; the query says so.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end()
  }
}

/** A run of other later settings is ended after round 0, and the small run branches off there. */
export async function playBranch(servers: SessionServers): Promise<Fingerprint> {
  const place = await openPlace(servers)
  const worker = await WorkerProcess.start({ ...place, engines: 2 })
  try {
    return await withClient(place, async (client) => {
      const [trunk, run] = [runName('trunk'), runName('branch')]
      await client.launch({ name: trunk, config: { ...smallRun, rounds: 0, play: { problems: 7 } } })
      await client.result(trunk)
      await client.launch({ name: run, config: smallRun, branch: { run: trunk, round: 0 } })
      await client.result(run)
      return fingerprint(place.databaseUrl, artefactsOf(place), run)
    })
  } finally {
    await worker.stop()
    await place.close()
  }
}

/** A name for a run that no other test uses. */
export const runName = (what: string): string => `${what}-${randomUUID().slice(0, 8)}`

interface Play {
  run?: string
  config?: SmallRun
  /** What happens to the run while it is played. */
  meddle?: (place: WorkerPlace, run: string) => Promise<void>
}

/** A small run on the given numbers of engines, one worker for each number, without any mishap. */
export async function playThrough(
  servers: SessionServers,
  engines: readonly number[],
  { run = runName('small'), config = smallRun, meddle }: Play = {},
): Promise<Fingerprint> {
  const place = await openPlace(servers)
  const workers: WorkerProcess[] = []
  try {
    for (const count of engines) workers.push(await WorkerProcess.start({ ...place, engines: count }))
    await withClient(place, async (client) => {
      await client.launch({ name: run, config })
      await meddle?.(place, run)
      await client.result(run)
    })
    return await fingerprint(place.databaseUrl, artefactsOf(place), run)
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()))
    await place.close()
  }
}

const referenceSchema = z.object({
  run: z.string(),
  print: z.object({
    tables: z.record(z.string(), z.string()),
    rows: z.record(z.string(), z.number()),
    files: z.record(z.string(), z.string()),
    games: z.record(z.string(), z.number()),
  }),
})
/** Any fixed number: test files that want the reference at the same time wait for the one that makes it. */
const REFERENCE_LOCK = 7_346_202

/** The unbroken run: one worker, two engines. Made once in a test session, by whoever asks first; its histories stay in Temporal. */
export async function unbrokenRun(servers: SessionServers): Promise<{ run: string; print: Fingerprint }> {
  const client = new pg.Client({ connectionString: servers.databaseUrl })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [REFERENCE_LOCK])
    await client.query('create table if not exists reference (made jsonb)')
    const { rows } = await client.query<{ made: unknown }>('select made from reference')
    if (rows[0]) return referenceSchema.parse(rows[0].made)
    const run = runName('unbroken')
    const made = { run, print: await playThrough(servers, [2], { run }) }
    await client.query('insert into reference values ($1)', [JSON.stringify(made)])
    return made
  } finally {
    await client.end()
  }
}

export const overStates: readonly string[] = ['finished', 'failed', 'stopped']

/** What the database says of a run; 'unknown' while the server is down, or does not have the tables yet. */
export async function stateOf(place: WorkerPlace, run: string): Promise<string> {
  try {
    const rows = await query<{ state: string }>(place.databaseUrl, 'select state from runs where name = $1', [run])
    return rows[0]?.state ?? 'unknown'
  } catch (error) {
    if (error instanceof Error) return 'unknown'
    throw error
  }
}

/** Waits until the run is over, whatever dies meanwhile; fails with the worker's last words. */
export async function untilOver(place: WorkerPlace, run: string, withinMs: number): Promise<string> {
  let state = 'unknown'
  const over = await until(
    async () => {
      state = await stateOf(place, run)
      return overStates.includes(state)
    },
    withinMs,
    POLL_MS,
  )
  if (over) return state
  throw new Error(
    `run ${run} is ${state} after ${withinMs / 1000} s. The worker said:\n${tailOf(workerLog(place), 40)}`,
  )
}
