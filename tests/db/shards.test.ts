/** Rows go in by shards and come out in one order, whatever order they went in. */
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { commitShard, countShards, isShardDone, readRows, readSet, writeRows } from '../../db/shards.ts'
import type { Rows } from '../../shared/recipe.ts'
import { query } from '../support/run.ts'
import { episodeRow, itemRow, newRun, turnRow, useDatabase } from './support.ts'

const opened = useDatabase()
const cost = { tokens: 10, rows: 1, worker: 'test', spent: () => ({ seconds: 0.5, engine: [], storage: [] }) }
let run: string

beforeEach(async () => {
  run = await newRun(opened())
})

const write = (rows: Parameters<typeof writeRows>[2]): Promise<void> =>
  opened().database.transaction((transaction) => writeRows(transaction, run, rows))

test('rows come back by round, item, episode and turn, in the order of bytes', async () => {
  const items = [0, 1, 2, 3].flatMap((item) => [1, 2].map((round) => itemRow(round, item)))
  const episodes = items.flatMap(({ round, item }) => [0, 1].map((index) => episodeRow(round, item * 2 + index, item)))
  // In the order of bytes capitals come first, and 10 before 2; no collation of a language says both.
  const names = ['B/0', 'a/0', 'criticise/right/1', 'criticise/right/10', 'criticise/right/2', 'é']
  const turns = episodes.flatMap(({ round, episode }) => names.map((name) => turnRow(round, episode, name)))
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(items, { minLength: items.length }),
      fc.shuffledSubarray(episodes, { minLength: episodes.length }),
      fc.shuffledSubarray(turns, { minLength: turns.length }),
      async (someItems, someEpisodes, someTurns) => {
        run = await newRun(opened())
        await write({ items: someItems, episodes: someEpisodes, turns: someTurns })
        const read = await readRows(opened().database, { run, rounds: [2, 1] })
        expect(read.items.map(({ round, item }) => [round, item])).toEqual(
          [1, 2].flatMap((round) => [0, 1, 2, 3].map((item) => [round, item])),
        )
        const places = (rows: Rows['turns']): string[] =>
          rows.map(({ round, episode, turn }) => `${round} ${episode} ${turn}`)
        expect(read.episodes.map(({ episode }) => episode)).toEqual([...Array(8).keys(), ...Array(8).keys()])
        expect(places(read.turns)).toEqual(
          [1, 2].flatMap((round) =>
            [...Array(8).keys()].flatMap((episode) => names.map((name) => `${round} ${episode} ${name}`)),
          ),
        )
      },
    ),
    { numRuns: 10 },
  )
})

test('a range holds its items, and the episodes and turns of those alone', async () => {
  await write({
    items: [0, 1, 2, 3].map((item) => itemRow(1, item)).concat(itemRow(1, 1, {}, 'natural/test')),
    episodes: [0, 1, 2, 3].map((item) => episodeRow(1, item * 10, item)).concat(episodeRow(2, 10, 1)),
    turns: [0, 1, 2, 3].map((item) => turnRow(1, item * 10, 'deceive/0')).concat(turnRow(2, 10, 'deceive/0')),
  })
  const read = await readRows(opened().database, { run, rounds: [1], range: { from: 1, to: 3 } })
  expect(read.items.map(({ set, item }) => [set, item])).toEqual([
    ['problems', 1],
    ['problems', 2],
  ])
  expect(read.episodes.map(({ round, episode }) => [round, episode])).toEqual([
    [1, 10],
    [1, 20],
  ])
  expect(read.turns.map(({ round, episode }) => [round, episode])).toEqual([
    [1, 10],
    [1, 20],
  ])
  expect(await readRows(opened().database, { run, rounds: [] })).toEqual({ items: [], episodes: [], turns: [] })
  const other = await newRun(opened())
  expect((await readRows(opened().database, { run: other, rounds: [1, 2] })).turns).toEqual([])
})

test('writing again replaces what a later phase may change, and nothing that was said', async () => {
  const turn = turnRow(1, 0, 'criticise/right/0')
  await write({ items: [itemRow(1, 0, { solved: 1 })], episodes: [episodeRow(1, 0, 0)], turns: [turn] })
  await write({
    items: [itemRow(1, 0, { solved: 2 })],
    episodes: [{ ...episodeRow(1, 0, 0), data: { sneaky: '1+1=3' }, outcome: 'fooling' }],
    turns: [{ ...turn, text: 'something else', prompt: 'forged', tokens: 99, verdict: 'Correct', reward: -1 }],
  })
  const { items, episodes, turns } = await readRows(opened().database, { run, rounds: [1] })
  expect(items).toEqual([itemRow(1, 0, { solved: 2 })])
  expect(episodes).toMatchObject([{ data: { sneaky: '1+1=3' }, outcome: 'fooling' }])
  expect(turns).toMatchObject([{ text: 'yes', prompt: turn.prompt, tokens: 3, verdict: 'Correct', reward: -1 }])
})

test('what is stored is what was given: quotes, line ends, other alphabets, small fractions', async () => {
  const text = `"it's" \\ 象 ∑\n\t{"a": 1} $1 ; drop table turns`
  const turn = { ...turnRow(1, 0, 'deceive/0'), text, reward: 0.1 + 0.2 }
  await write({ items: [itemRow(1, 0, { text, deep: [{ x: null }] })], episodes: [episodeRow(1, 0, 0)], turns: [turn] })
  const read = await readRows(opened().database, { run, rounds: [1] })
  expect(read.turns[0]).toMatchObject({ text, reward: 0.1 + 0.2 })
  expect(read.items[0]?.data).toEqual({ text, deep: [{ x: null }] })
})

test('thousands of rows are one shard', async () => {
  const many = Array.from({ length: 5000 }, (_, index) => index)
  await write({
    items: many.map((item) => itemRow(1, item)),
    episodes: many.map((item) => episodeRow(1, item, item)),
    turns: many.map((item) => turnRow(1, item, 'deceive/0')),
  })
  const read = await readRows(opened().database, { run, rounds: [1], range: { from: 4000, to: 9000 } })
  expect([read.items.length, read.episodes.length, read.turns.length]).toEqual([1000, 1000, 1000])
})

test('lines of an evaluation set by their range', async () => {
  await write({
    items: [2, 0, 1].map((item) => itemRow(0, item, { item }, 'natural/test')),
    episodes: [],
    turns: [],
  })
  const place = { run, round: 0, set: 'natural/test', from: 1, to: 3 }
  expect((await readSet(opened().database, place)).map(({ item }) => item)).toEqual([1, 2])
  expect(await readSet(opened().database, { ...place, set: 'natural/validation' })).toEqual([])
})

test('a shard is there whole or not at all', async () => {
  const place = { run, round: 1, phase: 'solve', shard: 3 }
  const { database } = opened()
  const half = commitShard(database, place, cost, async (transaction) => {
    await writeRows(transaction, run, { items: [itemRow(1, 0)], episodes: [], turns: [] })
    await transaction.execute(sql`select 1 / 0`)
  })
  await expect(half).rejects.toThrow()
  expect(await isShardDone(database, place)).toBe(false)
  expect((await readRows(database, { run, rounds: [1] })).items).toEqual([])
  const whole = commitShard(database, place, cost, (transaction) =>
    writeRows(transaction, run, { items: [itemRow(1, 0)], episodes: [], turns: [] }),
  )
  expect(await whole).toBe(true)
  expect(await isShardDone(database, place)).toBe(true)
  expect(await isShardDone(database, { ...place, shard: 4 })).toBe(false)
})

test('what is done of a phase is counted in the round that has most of it, up to where it is asked for', async () => {
  const { database } = opened()
  const phase = 'evaluate natural/test critic@1'
  for (const [round, shard] of [
    [0, 0],
    [1, 0],
    [1, 1],
    [1, 4],
  ] as const) {
    await commitShard(database, { run, round, phase, shard }, cost, () => Promise.resolve())
  }
  expect(await countShards(database, { run, phase }, 9)).toBe(3)
  expect(await countShards(database, { run, phase }, 2)).toBe(2)
  expect(await countShards(database, { run, phase: 'another' }, 9)).toBe(0)
})

test('a connection that is cut inside a transaction fails that shard, and neither the process nor the next one', async () => {
  const { database, url } = opened()
  const place = { run, round: 1, phase: 'cut', shard: 0 }
  const cut = commitShard(database, place, cost, async (transaction) => {
    const { rows } = await transaction.execute(sql`select pg_backend_pid() as pid`)
    await query(url, 'select pg_terminate_backend($1)', [rows[0]?.['pid']])
    await transaction.execute(sql`select pg_sleep(10)`)
  })
  await expect(cut).rejects.toThrow()
  expect(await isShardDone(database, place)).toBe(false)
  expect(await commitShard(database, place, cost, () => Promise.resolve())).toBe(true)
})
