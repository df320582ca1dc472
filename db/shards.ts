import { and, asc, count, eq, gte, inArray, lt, sql } from 'drizzle-orm'
import { groupBy } from '../shared/collections.ts'
import type { Span } from '../shared/contract.ts'
import type { Data, EpisodeRow, ItemRow, Rows, TurnRow } from '../shared/recipe.ts'
import type { Database, Transaction } from './client.ts'
import { episodes, items, shards, turnColumns, turns } from './schema.ts'

/** The place of a shard in the plan, and what its one execution cost. */
export interface ShardPlace {
  run: string
  round: number
  phase: string
  shard: number
}
export interface ShardCost {
  tokens: number
  rows: number
  worker: string
  /** Asked when everything is written. */
  spent(): Spent
}
/** What a shard took, and when in it an engine computed and rows or files were read and written. */
export interface Spent {
  seconds: number
  engine: readonly Span[]
  storage: readonly Span[]
}
export type StoredTurn = TurnRow & { seed: string; template: string }

export async function isShardDone(database: Database, place: ShardPlace): Promise<boolean> {
  const found = await database.select({ shard: shards.shard }).from(shards).where(at(place))
  return found.length > 0
}

/** How many of a phase's first `below` shards are done, in the round that has most of them: what a round has judged is judged. */
export async function countShards(
  database: Database,
  { run, phase }: Pick<ShardPlace, 'run' | 'phase'>,
  below: number,
): Promise<number> {
  const rounds = await database
    .select({ done: count() })
    .from(shards)
    .where(and(eq(shards.run, run), eq(shards.phase, phase), lt(shards.shard, below)))
    .groupBy(shards.round)
  return Math.max(0, ...rounds.map(({ done }) => done))
}

/**
 * Stores a shard's results and its ledger row in one transaction. When the ledger already holds the shard, nothing is
 * written: a second attempt, or a zombie beside its successor, changes nothing. Says whether this call stored it.
 */
export async function commitShard(
  database: Database,
  place: ShardPlace,
  cost: ShardCost,
  write: (transaction: Transaction) => Promise<void>,
): Promise<boolean> {
  const { spent, ...counted } = cost
  return database.transaction(async (transaction) => {
    const claimed = await transaction
      .insert(shards)
      .values({ ...place, ...counted, seconds: 0 })
      .onConflictDoNothing()
      .returning({ shard: shards.shard })
    if (claimed.length === 0) return false
    await write(transaction)
    const { seconds, engine, storage } = spent()
    await transaction
      .update(shards)
      .set({
        seconds,
        engineTimes: multirange(engine),
        storageTimes: multirange(storage),
        finishedAt: sql`clock_timestamp()`,
      })
      .where(at(place))
    return true
  })
}

/** `{[…,…),[…,…)}`; Postgres drops the empty ones and joins those that touch. */
const multirange = (spans: readonly Span[]): string =>
  `{${spans.map(({ from, to }) => `[${new Date(from).toISOString()},${new Date(to).toISOString()})`).join(',')}}`

export interface ReadRows {
  run: string
  rounds: readonly number[]
  /** Sets of items; `problems` alone when left out. */
  sets?: readonly string[]
  /** Only items [from, to) and their episodes and turns. */
  range?: { from: number; to: number }
}

/** The items of some rounds with their games and turns, in a fixed order. */
export async function readRows(database: Database, reading: ReadRows): Promise<Rows> {
  const { run, rounds, sets = ['problems'], range } = reading
  if (rounds.length === 0) return { items: [], episodes: [], turns: [] }
  const wanted = [...rounds]
  const itemRows = await readItems(database, { ...reading, sets })
  const inRange = and(
    eq(episodes.run, run),
    inArray(episodes.round, wanted),
    ...(range ? [gte(episodes.item, range.from), lt(episodes.item, range.to)] : []),
  )
  const episodeRows = await database
    .select({
      round: episodes.round,
      episode: episodes.episode,
      item: episodes.item,
      data: episodes.data,
      outcome: episodes.outcome,
    })
    .from(episodes)
    .where(inRange)
    .orderBy(asc(episodes.round), asc(episodes.episode))
  const turnRows: TurnRow[] = []
  for (const [round, games] of groupBy(episodeRows, (row) => row.round)) {
    const numbers = games.map((row) => row.episode)
    // No join: for a run that is newer than its statistics the planner expects one row, and takes a quadratic plan.
    const ofGames = range ? inArray(turns.episode, numbers) : undefined
    const rows = await database
      .select(turnColumns)
      .from(turns)
      .where(and(eq(turns.run, run), eq(turns.round, round), ofGames))
      .orderBy(asc(turns.episode), sql`${turns.turn} collate "C"`)
    turnRows.push(...rows)
  }
  return { items: itemRows, episodes: episodeRows, turns: turnRows }
}

/** The items alone, by round, set and number. */
export async function readItems(
  database: Database,
  { run, rounds, sets, range }: ReadRows & { sets: readonly string[] },
): Promise<ItemRow[]> {
  if (sets.length === 0) return []
  return database
    .select({ round: items.round, set: items.set, item: items.item, data: items.data })
    .from(items)
    .where(
      and(
        eq(items.run, run),
        inArray(items.round, [...rounds]),
        inArray(items.set, [...sets]),
        ...(range ? [gte(items.item, range.from), lt(items.item, range.to)] : []),
      ),
    )
    .orderBy(asc(items.round), sql`${items.set} collate "C"`, asc(items.item))
}

/** The lines [from, to) of an evaluation set. */
export async function readSet(
  database: Database,
  place: { run: string; round: number; set: string; from: number; to: number },
): Promise<ItemRow[]> {
  return database
    .select({ round: items.round, set: items.set, item: items.item, data: items.data })
    .from(items)
    .where(
      and(
        eq(items.run, place.run),
        eq(items.round, place.round),
        eq(items.set, place.set),
        gte(items.item, place.from),
        lt(items.item, place.to),
      ),
    )
    .orderBy(asc(items.item))
}

/** Stores the lines of a user's file as an evaluation set of round 0. Its name holds the file's hash: again is a no-op. */
export async function importSet(database: Database, run: string, set: string, lines: readonly Data[]): Promise<void> {
  if (lines.length === 0) return
  const rows = lines.map((data, item) => ({ run, round: 0, set, item, data }))
  await database.insert(items).values(rows).onConflictDoNothing()
}

/** Inserts rows, or replaces what may change in them. Sent as one JSON parameter each: thousands of rows, one statement. */
export async function writeRows(
  transaction: Transaction,
  run: string,
  rows: { items: ItemRow[]; episodes: EpisodeRow[]; turns: StoredTurn[] },
): Promise<void> {
  if (rows.items.length > 0) {
    await transaction.execute(sql`
      insert into items (run, round, "set", item, data)
      select ${run}, round, "set", item, data
      from jsonb_to_recordset(${JSON.stringify(rows.items)}::jsonb) as row(round int, "set" text, item int, data jsonb)
      on conflict (run, round, "set", item) do update set data = excluded.data`)
  }
  if (rows.episodes.length > 0) {
    await transaction.execute(sql`
      insert into episodes (run, round, episode, item, data, outcome)
      select ${run}, round, episode, item, data, outcome
      from jsonb_to_recordset(${JSON.stringify(rows.episodes)}::jsonb)
        as row(round int, episode int, item int, data jsonb, outcome text)
      on conflict (run, round, episode) do update set data = excluded.data, outcome = excluded.outcome`)
  }
  if (rows.turns.length > 0) {
    await transaction.execute(sql`
      insert into turns (run, round, episode, turn, role, version, prompt, text, tokens, seed, template, verdict, reward)
      select ${run}, round, episode, turn, role, version, prompt, text, tokens, seed, template, verdict, reward
      from jsonb_to_recordset(${JSON.stringify(rows.turns)}::jsonb)
        as row(round int, episode int, turn text, role text, version int, prompt text, text text, tokens int,
               seed text, template text, verdict text, reward double precision)
      on conflict (run, round, episode, turn) do update set verdict = excluded.verdict, reward = excluded.reward`)
  }
}

const at = (place: ShardPlace) =>
  and(
    eq(shards.run, place.run),
    eq(shards.round, place.round),
    eq(shards.phase, place.phase),
    eq(shards.shard, place.shard),
  )
