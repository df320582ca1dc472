/** Attempts that come twice, late or to broken files (DESIGN section 4, rules 2, 3, 7 and 8). */
import fs from 'node:fs'
import path from 'node:path'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { listCheckpoints, publishPolicy, readPolicy } from '../../db/policies.ts'
import { commitShard } from '../../db/shards.ts'
import type { UpdatePlace } from '../../shared/contract.ts'
import { DirectWorker, MeddledEngine, smallConfig } from '../support/activities.ts'
import { fingerprint, type Fingerprint } from '../support/fingerprint.ts'
import { artefactsOf, openPlace, query, unbrokenRun } from '../support/run.ts'

const servers = { temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }
const run = 'small'
const solver = { role: 'solver', version: 0 }
const generator = { role: 'generator', version: 0 }
const base: UpdatePlace = { run, round: 0, ...solver, course: 'base' }
const phase = (name: string, player: { role: string; version: number } | null, shard = 0) => ({
  run,
  round: 1,
  phase: name,
  shard,
  player,
})

let unbroken: Fingerprint
let place: Awaited<ReturnType<typeof openPlace>>
let opened: OpenDatabase
let worker: DirectWorker
const others: DirectWorker[] = []

/** Another worker beside the first, with an engine that the test can meddle with. */
function another(): { engine: MeddledEngine; worker: DirectWorker } {
  const engine = new MeddledEngine()
  const second = new DirectWorker(place, opened, engine)
  others.push(second)
  return { engine, worker: second }
}

const stored = (): Promise<Fingerprint> => fingerprint(place.databaseUrl, artefactsOf(place), run)
const fileOf = (sha256: string): string => path.join(artefactsOf(place), `${sha256}.safetensors`)

beforeAll(async () => {
  unbroken = (await unbrokenRun(servers)).print
  place = await openPlace(servers)
  opened = await openDatabase(place.databaseUrl)
  worker = new DirectWorker(place, opened)
  const round = { run, recipe: 'spc', config: smallConfig(), state: 'running' } as const
  await worker.attempt(({ openRound }) => openRound({ ...round, round: 0 }))
  await worker.attempt(({ openRound }) => openRound({ ...round, round: 1 }))
}, 240_000)

afterEach(() => Promise.all(others.splice(0).map((other) => other.close())))
afterAll(async () => {
  await worker.close()
  await opened.close()
  await place.close()
})

test('an update whose engine dies goes on from the last checkpoint that is whole, with equal bytes', async () => {
  const first = another()
  first.engine.dieAt = 400
  await expect(first.worker.attempt(({ update }) => update(base))).rejects.toThrow('the engine process ended: SIGKILL')
  const checkpoints = await listCheckpoints(opened.database, run, solver)
  expect(checkpoints.map(({ step }) => step)).toEqual([320, 160])

  // Storage that lost the end of a file.
  fs.truncateSync(fileOf(checkpoints[0]?.sha256 ?? ''), 1000)
  const second = another()
  second.engine.dieAt = 600
  await expect(second.worker.attempt(({ update }) => update(base))).rejects.toThrow('the engine process ended')
  expect(second.engine.steps[0]).toBe(161)
  const third = another()
  await third.worker.attempt(({ update }) => update(base))
  expect([third.engine.steps[0], third.engine.steps.at(-1)]).toEqual([481, 640])

  const { files } = await stored()
  for (const name of ['solver@0', 'solver@0 step 160', 'solver@0 step 320', 'solver@0 step 480']) {
    expect(files[name], name).toBe(unbroken.files[name])
  }
  // The ledger counts the steps of all attempts, as the unbroken run's does.
  const steps = await query<{ count: string; tokens: string }>(
    place.databaseUrl,
    `select count(*), (select tokens from shards where run = $1 and phase = 'update solver') as tokens
     from metrics where run = $1 and role = 'solver' and name = 'tokens'
     having sum(value) = (select tokens from shards where run = $1 and phase = 'update solver')`,
    [run],
  )
  expect(steps[0]?.count).toBe('640')
}, 120_000)

test('an update run twice at once, and again: one policy, one ledger row', async () => {
  const place2: UpdatePlace = { run, round: 0, ...generator, course: 'supervise generator' }
  const second = another()
  await Promise.all([
    worker.attempt(({ update }) => update(place2)),
    second.worker.attempt(({ update }) => update(place2)),
  ])
  const before = await stored()
  expect(before.files['generator@0']).toBe(unbroken.files['generator@0'])
  await worker.attempt(({ update }) => update(place2))
  expect(await stored()).toEqual(before)
}, 120_000)

test('a shard run twice at once: its rows are there once', async () => {
  const second = another()
  const shards = [0, 1, 2].map((shard) => phase('presolve', solver, shard))
  await Promise.all(
    [worker, second.worker].flatMap((each) => shards.map((shard) => each.attempt(({ play }) => play(shard)))),
  )
  const { rows } = await stored()
  expect(rows).toMatchObject({ shards: 2 + 3, items: 48 })
}, 120_000)

test('an attempt that wakes up after its successor and the next phase are done changes nothing', async () => {
  const zombie = another()
  let release: () => void = () => undefined
  zombie.engine.gate = new Promise((resolve) => (release = resolve))
  const late = zombie.worker.attempt(({ play }) => play(phase('solve', solver)))
  await zombie.engine.reached
  await worker.attempt(({ play }) => play(phase('solve', solver)))
  await worker.attempt(({ play }) => play(phase('deceive', generator)))
  const before = await stored()
  expect(before.rows['turns']).toBeGreaterThan(10)
  release()
  await late
  // Written by the zombie, the games would be back where they were before the generator's turn.
  expect(await stored()).toEqual(before)
  for (const again of [phase('presolve', solver), phase('solve', solver), phase('deceive', generator)]) {
    await worker.attempt(({ play }) => play(again))
  }
  expect(await stored()).toEqual(before)
}, 120_000)

test('an attempt that waits for an engine ends when it is cancelled, and leaves the engine to others', async () => {
  const busy = another()
  let release: () => void = () => undefined
  busy.engine.gate = new Promise((resolve) => (release = resolve))
  const first = busy.worker.attempt(({ play }) => play(phase('solve', solver, 1)))
  await busy.engine.reached
  const waiting = busy.worker.begin(({ play }) => play(phase('solve', solver, 2)))
  const third = busy.worker.attempt(({ play }) => play(phase('deceive', generator, 0)))
  waiting.cancel()
  await expect(waiting.ended).rejects.toThrow('WORKER_SHUTDOWN')
  release()
  await Promise.all([first, third])
  const phases = await query<{ shard: number }>(
    place.databaseUrl,
    `select shard from shards where run = $1 and phase = 'solve' order by shard`,
    [run],
  )
  expect(phases.map(({ shard }) => shard)).toEqual([0, 1])
}, 120_000)

test('the ledger admits one of many: the others write nothing', async () => {
  const ledger = { run, round: 1, phase: 'exclusive', shard: 0 }
  const cost = { tokens: 1, rows: 1, worker: 'test', spent: () => ({ seconds: 1, engine: [], storage: [] }) }
  let writers = 0
  const won = await Promise.all(
    Array.from({ length: 8 }, () => commitShard(opened.database, ledger, cost, async () => void writers++)),
  )
  expect(won.filter(Boolean)).toHaveLength(1)
  expect(writers).toBe(1)
  // Whoever fails while writing leaves no ledger row behind: the shard is computed again.
  const broken = { ...ledger, shard: 1 }
  const fails = commitShard(opened.database, broken, cost, () => Promise.reject(new Error('disk full')))
  await expect(fails).rejects.toThrow('disk full')
  expect(await commitShard(opened.database, broken, cost, () => Promise.resolve())).toBe(true)
})

test('a policy is published once: other bytes and other games change nothing', async () => {
  const before = await stored()
  const consumed = [{ round: 1, episode: 1, turn: 'deceive/0' }]
  const other = { run, ...generator, round: 0, course: 'forged', sha256: 'f'.repeat(64), bytes: 1, lesson: {} }
  await opened.database.transaction((transaction) => publishPolicy(transaction, other, consumed))
  expect(await stored()).toEqual(before)
})

test('weights that are cut short or gone are refused at once, not again and again', async () => {
  const { sha256 } = await readPolicy(opened.database, run, solver)
  const whole = fs.readFileSync(fileOf(sha256))
  const refusal = async (): Promise<unknown> =>
    another()
      .worker.attempt(({ play }) => play(phase('solve', solver, 2)))
      .catch((error: unknown) => error)
  try {
    fs.truncateSync(fileOf(sha256), whole.length - 1)
    const cut = await refusal()
    expect(cut).toBeInstanceOf(ApplicationFailure)
    expect(cut).toMatchObject({ type: 'CorruptWeightsError', nonRetryable: true })
    fs.rmSync(fileOf(sha256))
    expect(await refusal()).toMatchObject({ type: 'MissingWeightsError', nonRetryable: true })
  } finally {
    fs.writeFileSync(fileOf(sha256), whole)
  }
}, 60_000)
