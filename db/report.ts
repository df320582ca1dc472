import { and, asc, eq, inArray, isNotNull, or, sql } from 'drizzle-orm'
import type { Database } from './client.ts'
import {
  consumptions,
  controlEvents,
  episodes,
  evaluations,
  items,
  metrics,
  shards,
  turnColumns,
  turns,
} from './schema.ts'

/** The report's queries: counted and summed in the database, so that a report of a long run stays small. */

export async function countWorkers(database: Database, run: string): Promise<number> {
  const [row] = await database
    .select({ workers: sql`count(distinct ${shards.worker})`.mapWith(Number) })
    .from(shards)
    .where(eq(shards.run, run))
  return row?.workers ?? 0
}

/** Equal judgements counted. */
export async function tallyEvaluations(database: Database, run: string) {
  return database
    .select({
      suite: evaluations.suite,
      role: evaluations.role,
      version: evaluations.version,
      kind: evaluations.kind,
      label: evaluations.label,
      verdict: evaluations.verdict,
      count: sql`count(*)`.mapWith(Number),
    })
    .from(evaluations)
    .where(eq(evaluations.run, run))
    .groupBy(
      evaluations.suite,
      evaluations.role,
      evaluations.version,
      evaluations.kind,
      evaluations.label,
      evaluations.verdict,
    )
    .orderBy(
      asc(evaluations.suite),
      asc(evaluations.role),
      asc(evaluations.version),
      asc(evaluations.kind),
      asc(evaluations.label),
      asc(evaluations.verdict),
    )
}

/** Items counted by fields of their data. */
export async function countItems(database: Database, run: string, fields: readonly string[]) {
  const values = sql<(string | null)[]>`jsonb_build_array(${sql.join(
    fields.map((field) => sql`${items.data}->>${field}::text`),
    sql`, `,
  )})`
  return database
    .select({
      round: items.round,
      set: items.set,
      values: values.as('grouped_values'),
      count: sql`count(*)`.mapWith(Number),
    })
    .from(items)
    .where(eq(items.run, run))
    .groupBy(items.round, items.set, sql`grouped_values`)
    .orderBy(asc(items.round), asc(items.set), sql`grouped_values`)
}

/**
 * Training curves as means over equal stretches of each update, at most `most` of them. A window and no join: for a run
 * younger than its statistics Postgres chose to work the widths out again for every row.
 */
export async function readCurves(database: Database, run: string, names: readonly string[], most: number) {
  const last = sql`max(${metrics.step}) over (partition by ${metrics.role}, ${metrics.version})`
  const points = database
    .select({
      role: metrics.role,
      version: metrics.version,
      name: metrics.name,
      step: metrics.step,
      value: metrics.value,
      width: sql<number>`greatest(1, ceil(${last} / ${most}::float))::int`.as('width'),
    })
    .from(metrics)
    .where(and(eq(metrics.run, run), inArray(metrics.name, [...names])))
    .as('points')
  return database
    .select({
      role: points.role,
      version: points.version,
      name: points.name,
      step: sql`max(${points.step})`.mapWith(Number),
      value: sql`avg(${points.value})`.mapWith(Number),
    })
    .from(points)
    .groupBy(points.role, points.version, points.name, sql`(${points.step} - 1) / ${points.width}`)
    .orderBy(asc(points.role), asc(points.version), asc(points.name), sql`max(${points.step})`)
}

export async function listControls(database: Database, run: string) {
  return database
    .select({
      kind: controlEvents.kind,
      data: controlEvents.data,
      round: controlEvents.round,
      at: controlEvents.at,
    })
    .from(controlEvents)
    .where(eq(controlEvents.run, run))
    .orderBy(asc(controlEvents.id))
}

/** A round's games, with the turns that got a verdict or a reward, without their texts. */
export async function readGames(database: Database, run: string, round: number) {
  const played = await database
    .select({
      round: episodes.round,
      episode: episodes.episode,
      item: episodes.item,
      data: episodes.data,
      outcome: episodes.outcome,
    })
    .from(episodes)
    .where(and(eq(episodes.run, run), eq(episodes.round, round)))
    .orderBy(asc(episodes.episode))
  const judged = await database
    .select({
      round: turns.round,
      episode: turns.episode,
      turn: turns.turn,
      role: turns.role,
      version: turns.version,
      verdict: turns.verdict,
      reward: turns.reward,
    })
    .from(turns)
    .where(and(eq(turns.run, run), eq(turns.round, round), or(isNotNull(turns.verdict), isNotNull(turns.reward))))
    .orderBy(asc(turns.episode), sql`${turns.turn} collate "C"`)
  return { round, episodes: played, turns: judged }
}

interface EpisodeKey {
  round: number
  episode: number
}

/** Everything said in a few games. */
export async function readTurnsOf(database: Database, run: string, wanted: readonly EpisodeKey[]) {
  if (wanted.length === 0) return []
  return database
    .select(turnColumns)
    .from(turns)
    .where(and(eq(turns.run, run), among(turns, wanted)))
    .orderBy(asc(turns.round), asc(turns.episode), sql`${turns.turn} collate "C"`)
}

/** Which updates learned from a few games. */
export async function readConsumptionsOf(database: Database, run: string, wanted: readonly EpisodeKey[]) {
  if (wanted.length === 0) return []
  return database
    .select({
      round: consumptions.round,
      episode: consumptions.episode,
      turn: consumptions.turn,
      role: consumptions.role,
      version: consumptions.version,
    })
    .from(consumptions)
    .where(and(eq(consumptions.run, run), among(consumptions, wanted)))
    .orderBy(asc(consumptions.role), asc(consumptions.version), sql`${consumptions.turn} collate "C"`)
}

const among = (table: typeof turns | typeof consumptions, wanted: readonly EpisodeKey[]) =>
  or(...wanted.map(({ round, episode }) => and(eq(table.round, round), eq(table.episode, episode))))
