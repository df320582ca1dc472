import { sql, type SQLWrapper } from 'drizzle-orm'
import type { Account } from '../shared/accounting.ts'
import type { Database } from './client.ts'

/** How long stretches of time are together, in seconds. */
export const length = (spans: SQLWrapper) =>
  sql`(select coalesce(sum(extract(epoch from upper(part) - lower(part))), 0)::float8 from unnest(${spans}) as part)`

/**
 * Where a run's time went: an account for each round, and one for each of its phases, in the order of their first results.
 * Stretches of time are united before they are measured. docs/sql.md explains the same query.
 */
export async function readAccounts(database: Database, run: string): Promise<Account[]> {
  const { rows } = await database.execute<Omit<Account, 'between'>>(sql`
    with windows as (
      -- Rounds that were copied from another run (db/branch.ts) end before this one begins.
      select round, started_at as opened, coalesce(
        case when rounds.finished_at < created_at then rounds.finished_at end,
        lead(started_at) over (order by round), runs.finished_at, rounds.finished_at) as ended
      from rounds join runs on name = run where run = ${run}
    ), ledger as (
      select shards.*, tstzrange(finished_at - make_interval(secs => seconds), finished_at) as worked, opened, ended,
        case when phase like 'evaluate %' then 'evaluate ' || split_part(split_part(phase, ' ', 2), '/', 1) else phase end as part
      from shards join windows using (round) where run = ${run} and (ended is null or finished_at <= ended)
    ), counted as (
      select round, part, count(*)::int as shards, sum(rows)::int as rows, sum(tokens)::float8 as tokens,
        case when grouping(part) = 1 then coalesce(min(ended), max(finished_at)) - min(opened)
          else max(finished_at) - min(lower(worked)) end as clock,
        min(finished_at) as first
      from ledger group by grouping sets ((round, part), (round))
    ), spans as (
      select round, part, 'worked' as kind, worked as span from ledger
      union all select round, part, 'engine', span from ledger, unnest(engine_times) as span
      union all select round, part, 'storage', span from ledger, unnest(storage_times) as span
    ), united as (
      select round, part,
        coalesce(range_agg(span) filter (where kind = 'worked'), '{}') as worked,
        coalesce(range_agg(span) filter (where kind = 'engine'), '{}') as engine,
        coalesce(range_agg(span) filter (where kind = 'storage'), '{}') as storage,
        coalesce(sum(extract(epoch from upper(span) - lower(span))) filter (where kind = 'engine'), 0)::float8 as engine_seconds
      from spans group by grouping sets ((round, part), (round))
    )
    select round, counted.part as phase, shards, rows, tokens, extract(epoch from clock)::float8 as seconds,
      ${length(sql`engine`)} as engine, ${length(sql`storage - engine`)} as storage,
      ${length(sql`worked - engine - storage`)} as worker, engine_seconds as "engineSeconds"
    from counted join united using (round) where counted.part is not distinct from united.part
    order by round, counted.part is not null, first, counted.part`)
  return rows.map((row) => ({ ...row, between: Math.max(0, row.seconds - row.engine - row.storage - row.worker) }))
}
