import { and, asc, desc, eq, lte, sql, sum } from 'drizzle-orm'
import type { PlayedBy } from '../shared/ids.ts'
import { policyName } from '../shared/ids.ts'
import { UserError } from '../shared/errors.ts'
import type { Data, Lesson } from '../shared/recipe.ts'
import type { Database, Transaction } from './client.ts'
import { checkpoints, metrics, policies } from './schema.ts'

export type PolicyRow = typeof policies.$inferSelect

export async function findPolicy(database: Database, run: string, policy: PlayedBy): Promise<PolicyRow | null> {
  const [row] = await database
    .select()
    .from(policies)
    .where(and(eq(policies.run, run), eq(policies.role, policy.role), eq(policies.version, policy.version)))
  return row ?? null
}

export async function readPolicy(database: Database, run: string, policy: PlayedBy): Promise<PolicyRow> {
  const row = await findPolicy(database, run, policy)
  if (row) return row
  throw new UserError(
    `run ${run} has no policy ${policyName(policy)}`,
    `\`sparring status ${run}\` lists its policies; they appear as the rounds finish`,
  )
}

export async function listPolicies(database: Database, run: string): Promise<PolicyRow[]> {
  return database
    .select()
    .from(policies)
    .where(eq(policies.run, run))
    .orderBy(asc(policies.role), asc(policies.version))
}

/** Publishes a policy once: a second insert of (run, role, version) changes nothing. */
export async function publishPolicy(
  transaction: Transaction,
  policy: {
    run: string
    role: string
    version: number
    round: number
    course: string
    sha256: string
    bytes: number
    lesson: Data
  },
  consumed: Lesson['consumed'],
): Promise<void> {
  const published = await transaction
    .insert(policies)
    .values(policy)
    .onConflictDoNothing()
    .returning({ sha256: policies.sha256 })
  if (published.length === 0 || consumed.length === 0) return
  await transaction.execute(sql`
    insert into consumptions (run, role, version, round, episode, turn)
    select ${policy.run}, ${policy.role}, ${policy.version}::int, round, episode, turn
    from jsonb_to_recordset(${JSON.stringify(consumed)}::jsonb) as row(round int, episode int, turn text)
    on conflict do nothing`)
}

export interface StoredCheckpoint {
  run: string
  role: string
  version: number
  step: number
  sha256: string
  bytes: number
}

export interface Metric {
  step: number
  name: string
  value: number
}

/** Stores a checkpoint's pointer with the metrics of the steps it covers. */
export async function storeCheckpoint(database: Database, checkpoint: StoredCheckpoint, rows: Metric[]): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.insert(checkpoints).values(checkpoint).onConflictDoNothing()
    await storeMetrics(transaction, checkpoint, rows)
  })
}

export async function storeMetrics(
  transaction: Transaction,
  { run, role, version }: { run: string; role: string; version: number },
  rows: Metric[],
): Promise<void> {
  if (rows.length === 0) return
  await transaction.execute(sql`
    insert into metrics (run, role, version, step, name, value)
    select ${run}, ${role}, ${version}::int, step, name, value
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row(step int, name text, value double precision)
    on conflict do nothing`)
}

/** The sum of a metric over an update's steps up to and including `until`. */
export async function sumMetric(
  database: Database,
  { run, role, version }: { run: string; role: string; version: number },
  name: string,
  until: number,
): Promise<number> {
  const [row] = await database
    .select({ total: sum(metrics.value) })
    .from(metrics)
    .where(
      and(
        eq(metrics.run, run),
        eq(metrics.role, role),
        eq(metrics.version, version),
        eq(metrics.name, name),
        lte(metrics.step, until),
      ),
    )
  return Number(row?.total ?? 0)
}

/** Checkpoints of an unfinished update, newest first. */
export async function listCheckpoints(database: Database, run: string, policy: PlayedBy): Promise<StoredCheckpoint[]> {
  return database
    .select()
    .from(checkpoints)
    .where(and(eq(checkpoints.run, run), eq(checkpoints.role, policy.role), eq(checkpoints.version, policy.version)))
    .orderBy(desc(checkpoints.step))
}
