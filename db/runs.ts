import { and, asc, desc, eq, gte, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { SetField } from '../shared/contract.ts'
import { UserError } from '../shared/errors.ts'
import type { BaseConfig, Data, RoundSummary } from '../shared/recipe.ts'
import type { Database, Transaction } from './client.ts'
import { controlEvents, rounds, runs } from './schema.ts'

export type RunRow = typeof runs.$inferSelect
export type RoundRow = typeof rounds.$inferSelect

/** Registers a run. Doing so again with the same name is a no-op: the first configuration stands. */
export async function registerRun(
  database: Database | Transaction,
  run: { name: string; config: BaseConfig & Data; provenance: Data },
): Promise<void> {
  const { name, config, provenance } = run
  await database
    .insert(runs)
    .values({ name, recipe: config.recipe, seed: config.seed, config, provenance, state: 'running' })
    .onConflictDoNothing()
}

/** Keeps, in a run's provenance, what a round was opened on where that is not what the run began on. */
export async function noteMachine(database: Database, run: string, machines: Data): Promise<void> {
  const known = sql`coalesce(${runs.provenance} -> 'otherMachines', '{}'::jsonb) || ${JSON.stringify(machines)}::jsonb`
  const provenance = sql`${runs.provenance} || jsonb_build_object('otherMachines', ${known})`
  await database.update(runs).set({ provenance }).where(eq(runs.name, run))
}

export async function readRun(database: Database, name: string): Promise<RunRow | null> {
  const [row] = await database.select().from(runs).where(eq(runs.name, name))
  return row ?? null
}

export async function listRuns(database: Database): Promise<RunRow[]> {
  return database.select().from(runs).orderBy(desc(runs.createdAt))
}

export async function setRunState(database: Database, name: string, state: string): Promise<void> {
  // A failed run that goes on has not ended any more.
  const finishedAt = state === 'finished' || state === 'failed' ? new Date() : null
  await database.update(runs).set({ state, finishedAt }).where(eq(runs.name, name))
}

export async function openRound(
  database: Database,
  run: string,
  round: number,
  config: BaseConfig & Data,
): Promise<void> {
  await database.insert(rounds).values({ run, round, config }).onConflictDoNothing()
}

export async function readRound(database: Database, run: string, round: number): Promise<RoundRow> {
  const [row] = await database
    .select()
    .from(rounds)
    .where(and(eq(rounds.run, run), eq(rounds.round, round)))
  if (row) return row
  throw new UserError(
    `run ${run} has no round ${round} in the database`,
    'check that DATABASE_URL is the one the run was started with',
  )
}

export async function closeRound(database: Database, run: string, round: number, summary: RoundSummary): Promise<void> {
  await database
    .update(rounds)
    .set({ score: summary.score, numbers: summary.numbers, finishedAt: new Date() })
    .where(and(eq(rounds.run, run), eq(rounds.round, round)))
}

export async function listRounds(database: Database, run: string): Promise<RoundRow[]> {
  return database.select().from(rounds).where(eq(rounds.run, run)).orderBy(asc(rounds.round))
}

/** An order that was accepted: pause, resume, stop, set. */
export interface Order {
  run: string
  kind: string
  data: Data
  round: number
  /** One name for each order, so that recording it again changes nothing. */
  request: string
}

export async function recordControl(database: Database, order: Order): Promise<void> {
  await database.insert(controlEvents).values(order).onConflictDoNothing()
}

const change = z.object({ field: z.string(), value: z.union([z.string(), z.number(), z.boolean()]) })

/** What was set while `round` was played: no round was opened with it yet, if that is the newest one. */
export async function listChanges(database: Database, run: string, round: number): Promise<SetField[]> {
  const { kind, data, id } = controlEvents
  const isSet = and(eq(controlEvents.run, run), eq(kind, 'set'), gte(controlEvents.round, round))
  const rows = await database.select({ data }).from(controlEvents).where(isSet).orderBy(asc(id))
  return rows.map((row) => change.parse(row.data))
}
