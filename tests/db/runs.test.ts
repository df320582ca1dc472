/** Runs, rounds, orders, policies, checkpoints and judgements: stored once, read in order. */
import { beforeEach, expect, test } from 'vitest'
import { countOutcomes, readEvaluations, writeEvaluations } from '../../db/evaluations.ts'
import {
  listCheckpoints,
  listPolicies,
  publishPolicy,
  readPolicy,
  storeCheckpoint,
  sumMetric,
} from '../../db/policies.ts'
import {
  closeRound,
  listRounds,
  openRound,
  readRound,
  readRun,
  recordControl,
  registerRun,
  setRunState,
} from '../../db/runs.ts'
import { writeRows } from '../../db/shards.ts'
import { UserError } from '../../shared/errors.ts'
import type { EvaluationRow } from '../../shared/recipe.ts'
import { withField } from '../../shared/settings.ts'
import { smallConfig } from '../support/activities.ts'
import { query } from '../support/run.ts'
import { episodeRow, newRun, useDatabase } from './support.ts'

const opened = useDatabase()
let run: string

beforeEach(async () => {
  run = await newRun(opened())
})

test('the first configuration of a run, and of a round, stands', async () => {
  const { database } = opened()
  await registerRun(database, {
    name: run,
    config: withField(smallConfig(), 'seed', 99),
    provenance: { node: 'other' },
  })
  expect(await readRun(database, run)).toMatchObject({ seed: 7, provenance: {}, state: 'running' })
  await openRound(database, run, 1, smallConfig())
  await openRound(database, run, 1, withField(smallConfig(), 'shard', 1))
  expect((await readRound(database, run, 1)).config).toMatchObject({ shard: 16 })
  await expect(readRound(database, run, 2)).rejects.toThrow(UserError)
  expect(await readRun(database, 'nobody')).toBeNull()
})

test('a run that ended and goes on has not ended any more', async () => {
  const { database } = opened()
  await setRunState(database, run, 'failed')
  expect((await readRun(database, run))?.finishedAt).toBeInstanceOf(Date)
  await setRunState(database, run, 'running')
  expect(await readRun(database, run)).toMatchObject({ state: 'running', finishedAt: null })
})

test('rounds come in order, with their sums', async () => {
  const { database } = opened()
  for (const round of [2, 0, 1]) await openRound(database, run, round, smallConfig())
  await closeRound(database, run, 1, { score: 0.5, numbers: { mean: 0.25, attack_rate: null } })
  const rounds = await listRounds(database, run)
  expect(rounds.map(({ round, score }) => [round, score])).toEqual([
    [0, null],
    [1, 0.5],
    [2, null],
  ])
  expect(rounds[1]?.numbers).toEqual({ mean: 0.25, attack_rate: null })
})

test('an order that is recorded twice is one order', async () => {
  const order = { run, kind: 'pause', data: {}, round: 1, request: 'execution/1' }
  for (const each of [order, order, { ...order, request: 'execution/2' }]) {
    await recordControl(opened().database, each)
  }
  expect(
    await query(opened().url, 'select kind, request from control_events where run = $1 order by id', [run]),
  ).toEqual([
    { kind: 'pause', request: 'execution/1' },
    { kind: 'pause', request: 'execution/2' },
  ])
})

test('policies: found, listed, and missed with a remedy', async () => {
  const { database } = opened()
  const policy = { run, round: 0, course: 'base', sha256: 'a'.repeat(64), bytes: 1, lesson: {} }
  await database.transaction(async (transaction) => {
    for (const [role, version] of [
      ['solver', 0],
      ['critic', 1],
      ['critic', 0],
    ] as const) {
      await publishPolicy(transaction, { ...policy, role, version }, [{ round: 1, episode: version, turn: 'a/0' }])
    }
  })
  expect((await listPolicies(database, run)).map(({ role, version }) => `${role}@${version}`)).toEqual([
    'critic@0',
    'critic@1',
    'solver@0',
  ])
  expect(await readPolicy(database, run, { role: 'solver', version: 0 })).toMatchObject({ sha256: policy.sha256 })
  await expect(readPolicy(database, run, { role: 'solver', version: 1 })).rejects.toThrow(
    `run ${run} has no policy solver@1`,
  )
  const sql = 'select episode from consumptions where run = $1 and role = $2 and version = $3'
  expect(await query(opened().url, sql, [run, 'critic', 1])).toEqual([{ episode: 1 }])
})

test('checkpoints: the newest first, with the metrics of the steps before them', async () => {
  const { database } = opened()
  const place = { run, role: 'critic', version: 1 }
  const metric = (step: number, value: number) => ({ step, name: 'tokens', value })
  const store = (step: number, value: number): Promise<void> =>
    storeCheckpoint(database, { ...place, step, sha256: String(step).repeat(64).slice(0, 64), bytes: 1 }, [
      metric(step - 1, value),
      metric(step, value),
    ])
  await store(2, 10)
  await store(4, 100)
  // A second attempt that was slower.
  await store(2, 7)
  expect((await listCheckpoints(database, run, place)).map(({ step }) => step)).toEqual([4, 2])
  expect(await sumMetric(database, place, 'tokens', 0)).toBe(0)
  expect(await sumMetric(database, place, 'tokens', 2)).toBe(20)
  expect(await sumMetric(database, place, 'tokens', 4)).toBe(220)
  expect(await sumMetric(database, place, 'loss', 4)).toBe(0)
})

test('judgements: one for each line and policy, the first stands', async () => {
  const { database } = opened()
  const row = (version: number, item: number, verdict: string | null): EvaluationRow => ({
    suite: 'natural/test',
    role: 'critic',
    version,
    item,
    kind: 'natural',
    label: 'Incorrect',
    verdict,
    text: 'it is wrong',
  })
  const write = (rows: EvaluationRow[]): Promise<void> =>
    database.transaction((transaction) => writeEvaluations(transaction, run, rows))
  await write([row(1, 2, 'Incorrect'), row(1, 1, null), row(0, 1, 'Correct')])
  await write([row(1, 1, 'Correct')])
  await write([])
  expect(await readEvaluations(database, run, 1)).toEqual([row(1, 1, null), row(1, 2, 'Incorrect')])
  expect((await readEvaluations(database, run)).map(({ version, item }) => [version, item])).toEqual([
    [0, 1],
    [1, 1],
    [1, 2],
  ])
})

test('outcomes are counted by round, the undecided too', async () => {
  const { database } = opened()
  const decided = (round: number, episode: number, outcome: string | null) => ({
    ...episodeRow(round, episode, 0),
    outcome,
  })
  const episodes = [decided(1, 0, 'fooling'), decided(1, 1, 'fooling'), decided(1, 2, null), decided(2, 0, 'invalid')]
  await database.transaction((transaction) => writeRows(transaction, run, { items: [], episodes, turns: [] }))
  expect(await countOutcomes(database, run, 1)).toEqual({ fooling: 2, undecided: 1 })
})
