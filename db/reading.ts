import { and, asc, desc, eq, inArray, isNotNull, max, sql, sum, min, count } from 'drizzle-orm'
import type { Data } from '../shared/recipe.ts'
import { length } from './accounting.ts'
import type { Database } from './client.ts'
import { checkpoints, consumptions, episodes, metrics, runs, shards, turns } from './schema.ts'

/** Questions that a person asks of the tables; nothing here writes. */

/** What a phase of a round has cost so far: the sum over its finished shards, and when the first began and the last ended. */
export interface PhaseCost {
  round: number
  phase: string
  shards: number
  tokens: number
  /** At work. Where an engine computed, the waits for a free one are left out: they say nothing of the work that is left. */
  seconds: number
  began: Date
  ended: Date
}

const atWork = sql<number>`case when ${shards.engineTimes} = '{}' then ${shards.seconds}
  else ${length(shards.engineTimes)} + ${length(shards.storageTimes)} end`

export async function readPhaseCosts(database: Database, run: string): Promise<PhaseCost[]> {
  const began = sql<number>`extract(epoch from min(${shards.finishedAt} - make_interval(secs => ${shards.seconds})))`
  const rows = await database
    .select({
      round: shards.round,
      phase: shards.phase,
      shards: count(),
      tokens: sum(shards.tokens),
      seconds: sum(atWork),
      began: began.mapWith(Number),
      ended: max(shards.finishedAt),
    })
    .from(shards)
    .where(eq(shards.run, run))
    .groupBy(shards.round, shards.phase)
    .orderBy(asc(shards.round), asc(min(shards.finishedAt)))
  return rows.map(({ tokens, seconds, began: from, ended: to, ...row }) => ({
    ...row,
    tokens: Number(tokens),
    seconds: Number(seconds),
    began: new Date(from * 1000),
    ended: to ?? new Date(0),
  }))
}

/** How far the updates that are not finished have come, as far as it is stored: the newest checkpoint of each. */
export interface UpdateProgress {
  role: string
  version: number
  step: number
  tokens: number
}

export async function readUpdateProgress(database: Database, run: string): Promise<UpdateProgress[]> {
  const newest = await database
    .select({ role: checkpoints.role, version: checkpoints.version, step: max(checkpoints.step) })
    .from(checkpoints)
    .where(eq(checkpoints.run, run))
    .groupBy(checkpoints.role, checkpoints.version)
  const totals = await database
    .select({ role: metrics.role, version: metrics.version, tokens: sum(metrics.value) })
    .from(metrics)
    .where(and(eq(metrics.run, run), eq(metrics.name, 'tokens')))
    .groupBy(metrics.role, metrics.version)
  return newest.map(({ role, version, step }) => {
    const total = totals.find((row) => row.role === role && row.version === version)
    return { role, version, step: step ?? 0, tokens: Number(total?.tokens ?? 0) }
  })
}

export async function listRunNames(database: Database): Promise<string[]> {
  const rows = await database.select({ name: runs.name }).from(runs).orderBy(asc(runs.name))
  return rows.map(({ name }) => name)
}

export interface PlayedTurn {
  turn: string
  role: string
  version: number
  prompt: string
  text: string
  verdict: string | null
  reward: number | null
  /** The updates that learned from this turn, as role@version. */
  consumedBy: string[]
}

export interface PlayedEpisode {
  round: number
  episode: number
  item: number
  outcome: string | null
  data: Data
  turns: PlayedTurn[]
}

/** Games with all that was said in them: the newest round's first, in the order of the plan within a round. */
export async function readEpisodes(
  database: Database,
  wanted: { run: string; round?: number; outcome?: string; limit: number },
): Promise<PlayedEpisode[]> {
  const { run, round, outcome, limit } = wanted
  const games = await database
    .select()
    .from(episodes)
    .where(
      and(
        eq(episodes.run, run),
        ...(round === undefined ? [] : [eq(episodes.round, round)]),
        ...(outcome === undefined ? [isNotNull(episodes.outcome)] : [eq(episodes.outcome, outcome)]),
      ),
    )
    .orderBy(desc(episodes.round), asc(episodes.episode))
    .limit(limit)
  if (games.length === 0) return []
  const rounds = [...new Set(games.map((game) => game.round))]
  const numbers = games.map((game) => game.episode)
  const said = await database
    .select()
    .from(turns)
    .where(and(eq(turns.run, run), inArray(turns.round, rounds), inArray(turns.episode, numbers)))
    .orderBy(sql`${turns.turn} collate "C"`)
  const learned = await database
    .select()
    .from(consumptions)
    .where(and(eq(consumptions.run, run), inArray(consumptions.round, rounds), inArray(consumptions.episode, numbers)))
    .orderBy(asc(consumptions.version))
  return games.map(({ run: _run, ...game }) => {
    const here = (row: { round: number; episode: number }): boolean =>
      row.round === game.round && row.episode === game.episode
    const consumers = learned.filter(here)
    return {
      ...game,
      turns: said.filter(here).map(({ turn, role, version, prompt, text, verdict, reward }) => ({
        turn,
        role,
        version,
        prompt,
        text,
        verdict,
        reward,
        consumedBy: consumers.filter((row) => row.turn === turn).map((row) => `${row.role}@${row.version}`),
      })),
    }
  })
}
