import { and, asc, count, eq, sql } from 'drizzle-orm'
import type { EvaluationRow } from '../shared/recipe.ts'
import type { Database, Transaction } from './client.ts'
import { episodes, evaluations } from './schema.ts'

export async function writeEvaluations(transaction: Transaction, run: string, rows: EvaluationRow[]): Promise<void> {
  if (rows.length === 0) return
  await transaction.execute(sql`
    insert into evaluations (run, suite, role, version, item, kind, label, verdict, text)
    select ${run}, suite, role, version, item, kind, label, verdict, text
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row(suite text, role text, version int, item int, kind text, label text, verdict text, text text)
    on conflict do nothing`)
}

export async function readEvaluations(database: Database, run: string, version?: number): Promise<EvaluationRow[]> {
  return database
    .select({
      suite: evaluations.suite,
      role: evaluations.role,
      version: evaluations.version,
      item: evaluations.item,
      kind: evaluations.kind,
      label: evaluations.label,
      verdict: evaluations.verdict,
      text: evaluations.text,
    })
    .from(evaluations)
    .where(and(eq(evaluations.run, run), ...(version === undefined ? [] : [eq(evaluations.version, version)])))
    .orderBy(asc(evaluations.suite), asc(evaluations.role), asc(evaluations.version), asc(evaluations.item))
}

/** How many of a round's games ended in each way. */
export async function countOutcomes(database: Database, run: string, round: number): Promise<Record<string, number>> {
  const rows = await database
    .select({ outcome: episodes.outcome, games: count() })
    .from(episodes)
    .where(and(eq(episodes.run, run), eq(episodes.round, round)))
    .groupBy(episodes.outcome)
  return Object.fromEntries(rows.map(({ outcome, games }) => [outcome ?? 'undecided', games]))
}
