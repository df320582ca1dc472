/** How a run stands: everything that status, watch and the live display show, from the tables and Temporal. */
import fs from 'node:fs'
import { parseConfig, type Pending, planRound, type PlannedPhase, type Retry, type UpdateStep } from '../client.ts'
import { listPolicies } from '../db/policies.ts'
import { readAccounts } from '../db/accounting.ts'
import { readPhaseCosts, readUpdateProgress, type PhaseCost, type UpdateProgress } from '../db/reading.ts'
import { listRounds, type RoundRow, type RunRow } from '../db/runs.ts'
import { type Account, busyEngines, busyShare, total } from '../shared/accounting.ts'
import { range } from '../shared/collections.ts'
import type { BaseConfig } from '../shared/recipe.ts'
import { estimate } from './estimate.ts'
import { failureOf } from './failure.ts'
import { reportPath, uiAddress, type Session } from './session.ts'

export interface RoundNumbers {
  round: number
  finished: boolean
  score: number | null
  correct: number | null
  wrong: number | null
  mean: number | null
  harmonic: number | null
  invalid: number | null
  attack_rate: number | null
  fooling_rate: number | null
  /** Every number of the recipe's own. */
  numbers: Record<string, number | null>
  /** Seconds of work by phase, summed over its shards (which may be played side by side). */
  seconds: Record<string, number>
  /** Seconds in which the round was worked on: shards side by side count once, pauses and interruptions not at all. */
  elapsed: number
  tokens: number
  /** Where the round's time went; null before its first shard is stored. */
  time: (Time & { phases: Record<string, Time> }) | null
}

/** An account (shared/accounting.ts) as it is written out; `engine_share` is of the seconds, `engines` are busy on the average. */
export interface Time {
  seconds: number
  engine: number
  storage: number
  worker: number
  between: number
  engine_seconds: number
  engine_share: number | null
  engines: number | null
}

export interface PhaseProgress {
  name: string
  done: number
  shards: number
  /** Optimizer steps of an update: as its last heartbeat says, or as far as a checkpoint is stored. */
  steps?: { done: number; of: number }
}

export interface Snapshot {
  run: string
  recipe: string
  state: string
  seed: number
  round: number
  rounds: number
  /** The phases that are played now, as one line; null when none is. */
  phase: string | null
  phases: PhaseProgress[]
  tokens: number
  tokens_per_second: number | null
  seconds_left: number | null
  error: string | null
  /** Steps that failed and are tried again; the run goes on when they succeed. */
  retries: Retry[]
  temporal_ui: string | null
  report: string | null
  per_round: RoundNumbers[]
  /** Where the time of all rounds went. */
  time: Time
  policies: { role: string; version: number; sha256: string; round: number; course: string; bytes: number }[]
}

/** The plans of a run's rounds, kept while it is watched: they depend on the configuration alone. */
export class Plans {
  readonly #plans = new Map<string, Promise<PlannedPhase[]>>()

  of(config: BaseConfig, round: number): Promise<PlannedPhase[]> {
    const key = `${round} ${JSON.stringify(config)}`
    let plan = this.#plans.get(key)
    if (!plan) this.#plans.set(key, (plan = planRound(config, round)))
    return plan
  }
}

export async function takeSnapshot(session: Session, run: RunRow, plans = new Plans()): Promise<Snapshot> {
  const { database, services } = session
  const [rounds, costs, accounts, updates, policies, { state, error, open }] = await Promise.all([
    listRounds(database, run.name),
    readPhaseCosts(database, run.name),
    readAccounts(database, run.name),
    readUpdateProgress(database, run.name),
    listPolicies(database, run.name),
    standing(session, run),
  ])
  const newest = rounds.at(-1)
  const { config } = parseConfig(newest?.config ?? run.config, `run ${run.name}`)
  const round = newest?.round ?? 0
  const planned = await Promise.all(range(0, config.rounds + 1).map((number) => plans.of(config, number)))
  const unfinished = newest?.finishedAt ? null : (planned[round] ?? [])
  const pending: Pending = open ? await session.client.pending(run.name, round) : { retries: [], updates: [] }
  const running = unfinished
    ? playing(
        unfinished,
        costs.filter((cost) => cost.round === round),
        updates,
        pending.updates,
      )
    : []
  const report = reportPath(services.home, run.name)
  const perRound = rounds.map((row) =>
    numbersOf(
      row,
      costs.filter((cost) => cost.round === row.round),
      accounts.filter((account) => account.round === row.round),
    ),
  )
  const current = perRound.at(-1)
  return {
    run: run.name,
    recipe: run.recipe,
    state,
    seed: run.seed,
    round,
    rounds: config.rounds,
    phase: running.length > 0 ? running.map(({ name }) => name).join(', ') : null,
    phases: running,
    tokens: tokensSoFar(costs, updates),
    tokens_per_second: current && current.elapsed > 0 ? current.tokens / current.elapsed : null,
    seconds_left:
      state === 'finished'
        ? 0
        : estimate({
            model: config.model,
            planned,
            costs,
            updates,
            underWay: pending.updates,
            finished: rounds.filter((row) => row.finishedAt).length,
          }),
    error,
    retries: pending.retries,
    temporal_ui: uiAddress(services, run.name),
    report: fs.existsSync(report) ? report : null,
    per_round: perRound,
    time: timeOf(total(accounts.filter(({ phase }) => phase === null))),
    policies: policies.map(({ role, version, sha256, round: madeIn, course, bytes }) => ({
      role,
      version,
      sha256,
      round: madeIn,
      course,
      bytes,
    })),
  }
}

/** Tokens sampled and trained on, the stored part of unfinished updates included. */
function tokensSoFar(costs: readonly PhaseCost[], updates: readonly UpdateProgress[]): number {
  const finished = costs.reduce((sum, cost) => sum + cost.tokens, 0)
  const open = updates.filter(
    ({ role, version }) => !costs.some(({ phase, round }) => phase === `update ${role}` && round === version),
  )
  return finished + open.reduce((sum, update) => sum + update.tokens, 0)
}

/**
 * The state in words. The table says what the run last said of itself; a run that ended without a word (terminated, or
 * Temporal's state lost) counts as stopped, as it can be gone on with behind its finished rounds.
 */
interface Standing {
  state: string
  error: string | null
  open: boolean
}

async function standing({ client }: Session, run: RunRow): Promise<Standing> {
  if (run.state === 'finished' || run.state === 'stopped') return { state: run.state, error: null, open: false }
  const execution = await client.execution(run.name)
  if (execution === 'RUNNING') {
    return { state: run.state === 'failed' ? 'running' : run.state, error: null, open: true }
  }
  if (execution === 'FAILED') return { state: 'failed', error: await failureOf(client, run.name), open: false }
  return { state: run.state === 'failed' ? 'failed' : 'stopped', error: null, open: false }
}

/** The phases of the first stage that is not done, less those that are. */
function playing(
  planned: readonly PlannedPhase[],
  costs: readonly PhaseCost[],
  updates: readonly UpdateProgress[],
  beats: readonly UpdateStep[],
): PhaseProgress[] {
  const doneOf = ({ name }: PlannedPhase): number => costs.find((cost) => cost.phase === name)?.shards ?? 0
  const open = planned.filter((phase) => doneOf(phase) < phase.shards)
  return open
    .filter(({ stage }) => stage === open[0]?.stage)
    .map((phase) => {
      const { name, shards, update } = phase
      const isIts = (row: { role: string; version: number }): boolean =>
        row.role === update?.role && row.version === update.version
      const [stored, beat] = [updates.find(isIts), beats.find(isIts)]
      const of = beat?.steps ?? update?.steps
      const steps = of ? { steps: { done: Math.max(stored?.step ?? 0, beat?.step ?? 0), of } } : {}
      return { name, done: doneOf(phase), shards, ...steps }
    })
}

function numbersOf(row: RoundRow, costs: readonly PhaseCost[], accounts: readonly Account[]): RoundNumbers {
  const numbers: Record<string, number | null> = {}
  for (const [name, value] of Object.entries(row.numbers ?? {})) {
    if (typeof value === 'number' || value === null) numbers[name] = value
  }
  const whole = accounts.find(({ phase }) => phase === null)
  const phases = accounts.flatMap((account): [string, Time][] =>
    account.phase === null ? [] : [[account.phase, timeOf(account)]],
  )
  return {
    round: row.round,
    finished: row.finishedAt !== null,
    score: row.score,
    correct: numbers['correct'] ?? null,
    wrong: numbers['wrong'] ?? null,
    mean: numbers['mean'] ?? null,
    harmonic: numbers['harmonic'] ?? null,
    invalid: numbers['invalid'] ?? null,
    attack_rate: numbers['attack_rate'] ?? null,
    fooling_rate: numbers['fooling_rate'] ?? null,
    numbers,
    seconds: Object.fromEntries(costs.map(({ phase, seconds }) => [phase, rounded(seconds)])),
    elapsed: whole ? rounded(whole.engine + whole.storage + whole.worker) : 0,
    tokens: costs.reduce((sum, cost) => sum + cost.tokens, 0),
    time: whole ? { ...timeOf(whole), phases: Object.fromEntries(phases) } : null,
  }
}

function timeOf(account: Omit<Account, 'round' | 'phase'>): Time {
  const { seconds, engine, storage, worker, between, engineSeconds } = account
  const [share, engines] = [busyShare(account), busyEngines(account)]
  return {
    seconds: rounded(seconds),
    engine: rounded(engine),
    storage: rounded(storage),
    worker: rounded(worker),
    between: rounded(between),
    engine_seconds: rounded(engineSeconds),
    engine_share: share && rounded(share, 4),
    engines: engines && rounded(engines),
  }
}

const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))
