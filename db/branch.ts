import { and, count, eq, isNotNull, lte, sql } from 'drizzle-orm'
import type { Branch } from '../shared/contract.ts'
import { firstDifference } from '../shared/differences.ts'
import { UserError } from '../shared/errors.ts'
import type { BaseConfig, Data } from '../shared/recipe.ts'
import type { Database } from './client.ts'
import { listRounds, readRun, registerRun } from './runs.ts'
import { rounds } from './schema.ts'

/** Why a run of this configuration cannot go on behind another run's round; null when it can. */
export async function whyNoBranch(
  database: Database,
  { run, round }: Branch,
  config: BaseConfig & Data,
  later: readonly string[],
): Promise<UserError | null> {
  const source = await readRun(database, run)
  if (!source) return new UserError(`there is no run ${run} to branch off`, '`sparring runs` lists the runs')
  const [finished] = await database
    .select({ rounds: count() })
    .from(rounds)
    .where(and(eq(rounds.run, run), lte(rounds.round, round), isNotNull(rounds.finishedAt)))
  if (finished?.rounds !== round + 1) {
    return new UserError(
      `round ${round} of run ${run} is not finished`,
      `\`sparring status ${run}\` shows its rounds; branch off one that is`,
    )
  }
  const field = firstDifference(source.config, config, later)
  if (field === null) return null
  return new UserError(
    `a run that branches off ${run} cannot have another ${field}: its rounds were made with it`,
    `change only ${later.join(', ')}, or play the run from the beginning`,
  )
}

/**
 * Copies what a run made up to and with a round into a new run of another name, which goes on from there: rows alone, for
 * weights are shared by their hash. Where the configurations differ in later fields only, these are the very rows that
 * the new run would have made itself in round 0. Doing so again changes nothing. Returns the scores of the copied rounds.
 */
export async function adoptRounds(
  database: Database,
  input: { run: string; config: BaseConfig & Data; provenance: Data; branch: Branch },
): Promise<(number | null)[]> {
  const { run, config, provenance, branch } = input
  const copied = (table: string, columns: string, which = sql`round <= ${branch.round}`) => sql`
    insert into ${sql.identifier(table)} (run, ${sql.raw(columns)})
    select ${run}, ${sql.raw(columns)} from ${sql.identifier(table)} source
    where run = ${branch.run} and ${which} on conflict do nothing`
  const ofPolicy = sql`exists (select from policies where policies.run = source.run and policies.role = source.role
    and policies.version = source.version and policies.round <= ${branch.round})`
  // What a command had judged counts to round 0, whoever judged it: critics of later rounds too, which this run has yet to make.
  const ofRound = sql`round <= ${branch.round} and (phase not like 'evaluate %' or exists (select from policies
    where policies.run = source.run and policies.round <= ${branch.round}
    and source.phase like '% ' || policies.role || '@' || policies.version))`
  const ofShard = sql`exists (select from shards where shards.run = source.run and shards.round <= ${branch.round}
    and shards.phase = 'evaluate ' || source.suite || ' ' || source.role || '@' || source.version)`
  await database.transaction(async (transaction) => {
    await registerRun(transaction, { name: run, config, provenance: { ...provenance, branch: { ...branch } } })
    for (const statement of [
      copied('rounds', 'round, config, score, numbers, started_at, finished_at'),
      copied(
        'shards',
        'round, phase, shard, tokens, rows, seconds, engine_times, storage_times, worker, finished_at',
        ofRound,
      ),
      copied('items', 'round, "set", item, data'),
      copied('episodes', 'round, episode, item, data, outcome'),
      copied('turns', 'round, episode, turn, role, version, prompt, text, tokens, seed, template, verdict, reward'),
      copied('policies', 'role, version, round, course, sha256, bytes, lesson, published_at'),
      copied('checkpoints', 'role, version, step, sha256, bytes', ofPolicy),
      copied('metrics', 'role, version, step, name, value', ofPolicy),
      copied('consumptions', 'role, version, round, episode, turn', ofPolicy),
      copied(
        'evaluations',
        'suite, role, version, item, kind, label, verdict, text, share, votes',
        sql`${ofPolicy} and ${ofShard}`,
      ),
    ]) {
      await transaction.execute(statement)
    }
  })
  return (await listRounds(database, run)).slice(0, branch.round + 1).map(({ score }) => score)
}
