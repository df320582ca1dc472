/** Where the time went: stretches side by side count once, and four parts add up to the clock. */
import { beforeEach, expect, test } from 'vitest'
import { readAccounts } from '../../db/accounting.ts'
import { readPhaseCosts } from '../../db/reading.ts'
import { setRunState } from '../../db/runs.ts'
import * as tables from '../../db/schema.ts'
import { busyEngines, busyShare } from '../../shared/accounting.ts'
import { newRun, smallConfig, useDatabase } from './support.ts'

const opened = useDatabase()
let run: string
beforeEach(async () => {
  run = await newRun(opened())
})

/** Seconds after some moment that is later than the run's row. */
const start = Date.now() + 3_600_000
const at = (seconds: number): Date => new Date(start + seconds * 1000)
const multirange = (...spans: [number, number][]): string =>
  `{${spans.map(([from, to]) => `[${at(from).toISOString()},${at(to).toISOString()})`).join(',')}}`

type Spans = [number, number][]
async function shard(
  place: { round?: number; phase: string; shard?: number },
  [from, to]: [number, number],
  { engine = [], storage = [] }: { engine?: Spans; storage?: Spans },
): Promise<void> {
  const counted = { tokens: 10, rows: 2, seconds: to - from, worker: 'test', finishedAt: at(to) }
  const times = { engineTimes: multirange(...engine), storageTimes: multirange(...storage) }
  await opened()
    .database.insert(tables.shards)
    .values({ run, round: 0, shard: 0, ...place, ...counted, ...times })
}
const round = (number: number, from: number, to: number | null) =>
  opened()
    .database.insert(tables.rounds)
    .values({ run, round: number, config: smallConfig(), startedAt: at(from), finishedAt: to === null ? null : at(to) })

test('two engines side by side, storage under and beside them, and the rest', async () => {
  await round(0, 0, 19)
  await round(1, 20, null)
  await shard({ phase: 'update a' }, [1, 10], { storage: [[1, 2], [9, 10]], engine: [[3, 9]] }) // prettier-ignore
  await shard({ phase: 'update b' }, [1, 12], { storage: [[1, 3], [11, 12]], engine: [[4, 8], [8, 11]] }) // prettier-ignore
  await shard({ phase: 'evaluate x/1 critic@0' }, [13, 14], { engine: [[13, 14]] })
  await shard({ phase: 'evaluate x/2 critic@0' }, [15, 16], { engine: [[15, 16]] })
  // Somebody judges a suite with the run's policy, long after the round.
  await shard({ phase: 'evaluate y/1 critic@0' }, [500, 600], { engine: [[500, 600]] })
  const accounts = await readAccounts(opened().database, run)
  expect(accounts.map(({ round: of, phase, shards }) => [of, phase, shards])).toEqual([
    [0, null, 4],
    [0, 'update a', 1],
    [0, 'update b', 1],
    [0, 'evaluate x', 2],
  ])
  const [whole, a, , x] = accounts
  // 20 s until round 1 opens: engines 3–11, 13–14, 15–16; storage alone 1–3 and 11–12; shards under way 1–12, 13–14, 15–16.
  expect(whole).toMatchObject({ seconds: 20, engine: 10, storage: 3, worker: 0, between: 7, engineSeconds: 15 })
  expect(a).toMatchObject({ seconds: 9, engine: 6, storage: 2, worker: 1, between: 0, tokens: 10, rows: 2 })
  expect(x).toMatchObject({ seconds: 3, engine: 2, between: 1 })
  expect(whole && [busyShare(whole), busyEngines(whole)]).toEqual([0.5, 0.75])
})

test('the last round lasts until the run ends; copied rounds ended before it began; an open one, until its last shard', async () => {
  await round(0, -9000, -8990)
  await round(1, 0, 10)
  await shard({ phase: 'copied' }, [-8999, -8991], { engine: [[-8999, -8991]] })
  await shard({ round: 1, phase: 'played' }, [1, 9], { engine: [[2, 9]] })
  const seconds = async (): Promise<number[]> =>
    (await readAccounts(opened().database, run)).filter(({ phase }) => phase === null).map((row) => row.seconds)
  expect(await seconds()).toEqual([10, 10])
  await opened()
    .database.update(tables.runs)
    .set({ finishedAt: at(11) })
  expect(await seconds()).toEqual([10, 11])
  await round(2, 20, null)
  await setRunState(opened().database, run, 'running')
  await shard({ round: 2, phase: 'played' }, [20, 25], {})
  expect(await seconds()).toEqual([10, 20, 5])
})

test('a run that has stored nothing has no accounts', async () => {
  expect(await readAccounts(opened().database, run)).toEqual([])
  await round(0, 0, null)
  expect(await readAccounts(opened().database, run)).toEqual([])
})

test('what is left is guessed from work, not from waits for a free engine', async () => {
  await round(0, 0, null)
  await shard({ phase: 'asked', shard: 0 }, [0, 2], { storage: [[0, 1]], engine: [[1, 2]] }) // prettier-ignore
  await shard({ phase: 'asked', shard: 1 }, [0, 600], { storage: [[0, 1]], engine: [[597, 599]] }) // prettier-ignore
  await shard({ phase: 'computed here' }, [0, 4], { storage: [[0, 1]] })
  const costs = await readPhaseCosts(opened().database, run)
  expect(costs.map(({ phase, seconds }) => [phase, seconds])).toEqual([
    ['asked', 5],
    ['computed here', 4],
  ])
})
