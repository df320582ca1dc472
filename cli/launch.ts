/** Launching, or going on: a run of this name may be new, under way, stopped, failed or finished. */
import { plainJson } from '../client.ts'
import { whyNoBranch } from '../db/branch.ts'
import { listChanges, listRounds, readRun, type RoundRow, type RunRow } from '../db/runs.ts'
import { recipeOf } from '../recipes/registry.ts'
import { firstDifference } from '../shared/differences.ts'
import { UserError } from '../shared/errors.ts'
import { withChanges } from '../shared/settings.ts'
import type { RunFile } from './run-file.ts'
import { findRun, type Session } from './session.ts'

export type Launch =
  { kind: 'launched' | 'goes on' | 'finished'; name: string } | { kind: 'relaunched'; name: string; finished: number }

/** What a run is to be: as a file says, or as what a session can look up; null takes the configuration that the run has. */
export type Wish = RunFile | ((session: Session) => Promise<RunFile>) | null

/** Makes sure that the run's workflow is open, unless the run is finished. Nothing is played until a worker comes. */
export async function goOn(session: Session, wanted: { name: string; file: Wish }): Promise<Launch> {
  const { client, database } = session
  const { name } = wanted
  const file = typeof wanted.file === 'function' ? await wanted.file(session) : wanted.file
  const run = file ? await readRun(database, name) : await findRun(session, name)
  if (!run) {
    if ((await client.execution(name)) === 'RUNNING') return { kind: 'goes on', name }
    if (!file) throw new Error(`run ${name} has no configuration`)
    await launchNew(session, file, name)
    return { kind: 'launched', name }
  }
  const rounds = await listRounds(database, name)
  const { config, changes } = await standing(session, run, rounds)
  if (file) refuseOther(run, withChanges(config, changes), file)
  if ((await client.execution(name)) === 'RUNNING') return { kind: 'goes on', name }
  if (run.state === 'finished') return { kind: 'finished', name }
  const scores = rounds.filter((row) => row.finishedAt).map((row) => row.score)
  await client.launch({ name, config, source: `run ${name}`, finished: { scores }, changes })
  return scores.length > 0 ? { kind: 'relaunched', name, finished: scores.length } : { kind: 'launched', name }
}

async function launchNew({ client, database }: Session, file: RunFile, name: string): Promise<void> {
  const { given, config, source, branch } = file
  if (branch) {
    const why = await whyNoBranch(database, branch, plainJson(config), recipeOf(config.recipe).later)
    if (why) throw why
  }
  await client.launch({ name, config: given, source, ...(branch ? { branch } : {}) })
}

/**
 * The configuration that the run goes on under, and the changes that hold only from the round after that. What was set during the
 * newest round is in no round's configuration yet: it belongs to the next one, which is the round to go on with if the newest is over.
 */
async function standing({ database }: Session, run: RunRow, rounds: readonly RoundRow[]) {
  const newest = rounds.at(-1)
  const config = newest?.config ?? run.config
  const changes = await listChanges(database, run.name, newest?.round ?? 0)
  return newest?.finishedAt ? { config: withChanges(config, changes), changes: [] } : { config, changes }
}

/** One name, one configuration, as it was at first or as it is by now: a run's rows must never come from a third. */
function refuseOther(run: RunRow, now: unknown, file: RunFile): void {
  const wanted = plainJson(file.config)
  const field = firstDifference(run.config, wanted)
  if (field === null || firstDifference(now, wanted) === null) return
  throw new UserError(
    `a run ${run.name} exists with another configuration (${field} differs from ${file.source})`,
    `choose another name with --name, or go on with its own configuration: \`sparring status ${run.name} --json\` shows how it stands`,
  )
}
