/** Every query of docs/sql.md gives the numbers that the report computes from the same rows. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { gameSource, readReportData } from '../../activities/report.ts'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { digest, type RoundDigest } from '../../recipes/spc/report/digest.ts'
import * as numbers from '../../recipes/spc/report/numbers.ts'
import { precisionOf, recallOf } from '../../recipes/spc/report/validity.ts'
import { choose } from '../../recipes/spc/report/choice.ts'
import type { ItemCount, ReportData } from '../../report/data.ts'
import { difference, type Estimate } from '../../report/estimates.ts'
import { progressOf } from '../../report/frame.ts'
import { phaseLines, wallSeconds } from '../../report/time.ts'
import { bucketLines } from '../../report/updates.ts'
import { freshDatabase } from '../services/fresh-database.ts'
import { run, seedRun } from './report-seed.ts'

type Row = Record<string, unknown>
const document = readFileSync(new URL('../../docs/sql.md', import.meta.url), 'utf8')
const queries = new Map(
  [...document.matchAll(/```sql (\w+)\n(.*?)```/gs)].map(([, name = '', sql = '']) => [name, sql]),
)
const asked = new Set<string>()

let drop: () => Promise<void>
let opened: OpenDatabase
let client: pg.Client
let data: ReportData
let items: ItemCount[]
let digests: RoundDigest[]

beforeAll(async () => {
  const fresh = await freshDatabase(inject('databaseUrl'))
  drop = fresh.drop
  opened = await openDatabase(fresh.url)
  await seedRun(opened.database)
  // A second run in the same tables: no query may count its rows.
  await seedRun(opened.database, 'other', 1)
  client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  for (const definitions of ['helpers', 'time']) {
    await client.query(queries.get(definitions) ?? '')
    asked.add(definitions)
  }
  data = await readReportData(opened.database, run)
  const source = gameSource(opened.database, run)
  items = await source.countItems(['label', 'difficulty', 'kept'])
  digests = (await Promise.all(data.rounds.map(({ round }) => source.games(round)))).map(digest)
})
afterAll(async () => {
  await client.end()
  await opened.close()
  await drop()
})

/** The rows of a query, with counts (bigint comes as text) as numbers. */
async function ask(name: string, variables: Record<string, number> = {}): Promise<Row[]> {
  asked.add(name)
  let sql = queries.get(name)
  if (!sql) throw new Error(`docs/sql.md has no query ${name}`)
  for (const [variable, value] of Object.entries(variables)) sql = sql.replaceAll(`:${variable}`, String(value))
  const { rows } = await client.query<Row>(sql.replaceAll(":'run'", `'${run}'`))
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [
        key,
        typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value,
      ]),
    ),
  )
}

/** The same rows, numbers to twelve digits. */
function expectEqual(found: Row[], wanted: Row[]): void {
  const rounded = (rows: Row[]): Row[] =>
    rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, value]) => [
          key,
          typeof value === 'number' ? Number(value.toPrecision(12)) : value,
        ]),
      ),
    )
  expect(wanted.length).toBeGreaterThan(0)
  expect(rounded(found)).toEqual(rounded(wanted))
}

const bounds = (name: string, value: Estimate | null | undefined, middle = name): Row => ({
  [middle]: value?.value ?? null,
  [name === '' ? 'low' : `${name}_low`]: value?.low ?? null,
  [name === '' ? 'high' : `${name}_high`]: value?.high ?? null,
})

const suites = ['natural/test', 'synthetic/test']

test('what ran', async () => {
  const [row] = await ask('run')
  const { finished, wanted } = progressOf(data)
  const { name, recipe, state, seed, createdAt, provenance } = data.run
  expect(row).toEqual({
    name,
    recipe,
    state,
    seed,
    created_at: createdAt,
    provenance,
    rounds_wanted: wanted,
    rounds_finished: finished,
    seconds: data.rounds.reduce((sum, round) => sum + (wallSeconds(round) ?? 0), 0),
  })
})

test('the headline', async () => {
  const ends = numbers.firstAndLast(data)
  const [before, after] = [ends?.first.harmonic, ends?.last.harmonic]
  if (!before || !after) throw new Error('the seeded run has scores')
  const change = difference(after, before)
  const version = ends?.last.version
  expectEqual(await ask('headline'), [
    { ...bounds('before', before), version, ...bounds('after', after), ...bounds('change', change) },
  ])
})

test('curves: scores and outcomes', async () => {
  expectEqual(
    await ask('scores'),
    suites.flatMap((suite) =>
      numbers.scores(data.tallies, suite).map(({ version, correct, wrong, mean, harmonic, invalid }) => ({
        suite,
        version,
        right_steps: correct?.of,
        wrong_steps: wrong?.of,
        ...bounds('correct', correct),
        ...bounds('wrong', wrong),
        ...bounds('mean', mean),
        ...bounds('harmonic', harmonic),
        ...bounds('invalid', invalid),
      })),
    ),
  )
  expectEqual(
    await ask('outcomes'),
    digests.flatMap(({ outcomes: { attack, foolingRate, ...row } }) =>
      attack ? [{ ...row, ...bounds('attack', attack), ...bounds('fools', foolingRate) }] : [],
    ),
  )
})

test('confusion and error types', async () => {
  expectEqual(
    await ask('confusion'),
    suites.flatMap((suite) =>
      numbers.confusions(data.tallies, suite).flatMap(({ version, right, wrong }) =>
        [
          { label: 'Correct', said: right },
          { label: 'Incorrect', said: wrong },
        ].map(({ label, said: [said_correct, said_incorrect, unreadable] }) => ({
          suite,
          version,
          label,
          said_correct,
          said_incorrect,
          unreadable,
        })),
      ),
    ),
  )
  expectEqual(
    await ask('kinds'),
    numbers
      .kindRecalls(data.tallies, 'synthetic/test')
      .map(({ kind, version, recall }) => ({ kind, version, steps: recall.of, ...bounds('', recall, 'recall') }))
      .toSorted((a, b) => a.kind.localeCompare(b.kind) || a.version - b.version),
  )
})

test('the cross table', async () => {
  const { generators, critics, attack, fooling } = numbers.crossTable(data.tallies, items)
  expectEqual(
    await ask('attack'),
    generators.map((generator) => ({
      generator,
      items: attack.get(generator)?.of,
      ...bounds('', attack.get(generator), 'attack'),
    })),
  )
  expectEqual(
    await ask('fooling'),
    generators.flatMap((generator) =>
      critics.map((critic) => {
        const rate = fooling.get(`${generator}/${critic}`)
        return { generator, critic, steps: rate?.of, ...bounds('', rate, 'fooling') }
      }),
    ),
  )
})

test('validity, reasons and difficulty', async () => {
  const played = digests.filter(({ outcomes }) => outcomes.attack)
  expectEqual(
    await ask('validity'),
    played.map(({ round, rule }) => ({
      round,
      both_valid: rule.both,
      rule_alone: rule.ruleOnly,
      checker_alone: rule.oracleOnly,
      neither: rule.neither,
      missed_by_right: rule.missedByRight,
      missed_by_sneaky: rule.missedBySneaky,
      ...bounds('precision', precisionOf(rule)),
      ...bounds('recall', recallOf(rule)),
    })),
  )
  expectEqual(
    await ask('reasons'),
    played.flatMap(({ round, reasons }) =>
      Object.entries(reasons)
        .map(([reason, games]) => ({ round, reason, games }))
        .toSorted((a, b) => a.reason.localeCompare(b.reason)),
    ),
  )
  const problems = (round: number, field: number, value: string): number =>
    items
      .filter((row) => row.set === 'problems' && row.round === round && row.values[field] === value)
      .reduce((sum, { count }) => sum + count, 0)
  expectEqual(
    await ask('difficulty'),
    played.map(({ round }) => ({
      round,
      ...Object.fromEntries(['easy', 'medium', 'never'].map((name) => [name, problems(round, 1, name)])),
      kept: problems(round, 2, 'true'),
    })),
  )
})

test('games: how many are alike, and all that was said in one', async () => {
  const none = {
    deception: 0,
    catch: 0,
    falseAlarm: 0,
    divided: 0,
    nearMiss: 0,
    caughtByRollouts: 0,
    letThrough: 0,
    thrownOut: 0,
  }
  const rows = digests
    .filter(({ outcomes }) => outcomes.attack)
    .map(({ round, shortlist }) => ({ round, ...none, ...shortlist.counts }))
  expect(rows.every((row) => Object.values(row).every((value) => value > 0))).toBe(true)
  expectEqual(await ask('alike'), rows)
  const { chosen, missing } = choose(new Map(digests.map(({ round, shortlist }) => [round, shortlist])))
  expect(missing).toEqual([])
  expect(chosen).toHaveLength(10)
  expect(new Set(chosen.map(({ game }) => game.problem)).size).toBe(10)
  const source = gameSource(opened.database, run)
  for (const { game } of chosen) {
    const { round, episode } = game
    const turns = await source.turns([game])
    const consumptions = await source.consumptions([game])
    expectEqual(
      await ask('game', { round, episode }),
      turns.map(({ turn, role, version, text, verdict, reward }) => {
        const learners = consumptions.filter((row) => row.turn === turn).map((row) => `${row.role}@${row.version}`)
        const policy = `${role}@${version}`
        return { turn, policy, text, verdict, reward, learners: learners.length > 0 ? learners : null }
      }),
    )
  }
})

test('updates: buckets and curves', async () => {
  expectEqual(
    await ask('buckets'),
    bucketLines(data.policies)
      .map((line) => ({ ...line }))
      .toSorted((a, b) => a.role.localeCompare(b.role) || a.version - b.version || a.bucket.localeCompare(b.bucket)),
  )
  expectEqual(
    await ask('curves'),
    data.metrics.map((point) => ({ ...point })),
  )
})

test('time', async () => {
  const [rounds, phases] = [true, false].map((whole) => data.accounts.filter(({ phase }) => (phase === null) === whole))
  expect(rounds).toHaveLength(3)
  expectEqual(
    await ask('clock'),
    (rounds ?? []).map(({ round, seconds, engine, storage, worker, engineSeconds }) => ({
      round,
      seconds,
      engine,
      storage,
      worker,
      engine_seconds: engineSeconds,
      workers: data.workers,
    })),
  )
  expectEqual(
    await ask('phases'),
    (phases ?? [])
      .map(({ round, phase, shards, tokens, seconds, engine, engineSeconds }) => ({
        round,
        part: phase ?? '',
        shards,
        tokens,
        seconds,
        engine,
        engine_seconds: engineSeconds,
      }))
      .toSorted((a, b) => a.round - b.round || a.part.localeCompare(b.part)),
  )
  expect(phaseLines(data.accounts).map(({ name }) => name)).toContain('evaluate natural')
})

test('provenance', async () => {
  expectEqual(
    await ask('policies'),
    data.policies.map(({ role, version, course, bytes, sha256 }) => ({ role, version, course, bytes, sha256 })),
  )
  expectEqual(
    await ask('controls'),
    data.controls.map((control) => ({ ...control })),
  )
})

test('no query of the page goes untested', () => {
  expect([...queries.keys()].toSorted()).toEqual([...asked].toSorted())
})
