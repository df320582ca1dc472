import { and, asc, count, eq, lt, sql } from 'drizzle-orm'
import type { PlayedBy } from '../shared/ids.ts'
import type { EvaluationRow } from '../shared/recipe.ts'
import type { Database, Transaction } from './client.ts'
import { episodes, evaluations } from './schema.ts'

export async function writeEvaluations(transaction: Transaction, run: string, rows: EvaluationRow[]): Promise<void> {
  if (rows.length === 0) return
  await transaction.execute(sql`
    insert into evaluations (run, suite, role, version, item, kind, label, verdict, text, share, votes)
    select ${run}, suite, role, version, item, kind, label, verdict, text, share, votes
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row(suite text, role text, version int, item int, kind text, label text, verdict text, text text,
             share double precision, votes jsonb)
    on conflict do nothing`)
}

const judged = {
  suite: evaluations.suite,
  role: evaluations.role,
  version: evaluations.version,
  item: evaluations.item,
  kind: evaluations.kind,
  label: evaluations.label,
  verdict: evaluations.verdict,
  text: evaluations.text,
}

export async function readEvaluations(database: Database, run: string, version?: number): Promise<EvaluationRow[]> {
  return database
    .select(judged)
    .from(evaluations)
    .where(and(eq(evaluations.run, run), ...(version === undefined ? [] : [eq(evaluations.version, version)])))
    .orderBy(asc(evaluations.suite), asc(evaluations.role), asc(evaluations.version), asc(evaluations.item))
}

/** One evaluation: a policy on a suite, or on votes on it (see evaluationName). */
export interface EvaluationPlace {
  run: string
  evaluation: string
  policy: PlayedBy
}

/** An evaluation's rows of the items below `items`, with their votes, in order. */
export async function readEvaluation(
  database: Database,
  place: EvaluationPlace,
  items: number,
): Promise<EvaluationRow[]> {
  return database
    .select({ ...judged, share: evaluations.share, votes: evaluations.votes })
    .from(evaluations)
    .where(and(of(place), lt(evaluations.item, items)))
    .orderBy(asc(evaluations.item))
}

const of = ({ run, evaluation, policy }: EvaluationPlace) =>
  and(
    eq(evaluations.run, run),
    eq(evaluations.suite, evaluation),
    eq(evaluations.role, policy.role),
    eq(evaluations.version, policy.version),
  )

/** How many of a round's games ended in each way. */
export async function countOutcomes(database: Database, run: string, round: number): Promise<Record<string, number>> {
  const rows = await database
    .select({ outcome: episodes.outcome, games: count() })
    .from(episodes)
    .where(and(eq(episodes.run, run), eq(episodes.round, round)))
    .groupBy(episodes.outcome)
  return Object.fromEntries(rows.map(({ outcome, games }) => [outcome ?? 'undecided', games]))
}
