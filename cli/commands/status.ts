import type { Command } from 'commander'
import { listRuns, type RunRow } from '../../db/runs.ts'
import { UserError } from '../../shared/errors.ts'
import { watch } from '../foreground.ts'
import { openDisplay, silent } from '../live.ts'
import { sayResult, sayStatus } from '../result.ts'
import { findRun, withSession } from '../session.ts'
import { Plans, takeSnapshot, type Snapshot } from '../snapshot.ts'
import { clock, say, sayJson, share, table } from '../terminal.ts'

interface Options {
  json?: boolean
}

/** runs, status and watch: three ways to look. */
export function addStatus(program: Command): void {
  program
    .command('runs')
    .description('list the runs, newest first')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExamples:\n  sparring runs\n  sparring runs --json')
    .action(async ({ json = false }: Options) => {
      await withSession('sparring runs', async (session) => {
        const plans = new Plans()
        const listed: Listed[] = []
        for (const run of await listRuns(session.database)) {
          listed.push(await takeSnapshot(session, run, plans).then(brief, (error: unknown) => unreadable(run, error)))
        }
        if (json) return sayJson(listed)
        if (listed.length === 0) return say('There are no runs yet: `sparring start` begins the first one.')
        const columns = [
          { title: 'run' },
          { title: 'recipe' },
          { title: 'state' },
          { title: 'round' },
          { title: 'score' },
          { title: 'left' },
        ]
        for (const line of table(columns, listed.map(cells))) say(line)
        // It names the run and the field.
        for (const { state, error } of listed) if (state === UNREADABLE && error !== null) say(error)
      })
    })

  program
    .command('status')
    .description('show how a run stands: the newest one, unless named')
    .argument('[run]')
    .option('--json', 'every number, as JSON')
    .addHelpText('after', '\nExamples:\n  sparring status\n  sparring status spc --json | jq .per_round')
    .action(async (name: string | undefined, { json = false }: Options) => {
      await withSession('sparring status', async (session) => {
        const run = name === undefined ? (await listRuns(session.database))[0] : await findRun(session, name)
        if (!run) throw new UserError('there are no runs yet', '`sparring start` begins the first one')
        const snapshot = await takeSnapshot(session, run)
        if (json) sayJson(snapshot)
        else sayStatus(snapshot)
      })
    })

  program
    .command('watch')
    .description('watch a run until it ends; Ctrl-C leaves the run alone')
    .argument('<run>')
    .option('--json', 'wait silently, then answer as JSON')
    .addHelpText('after', '\nExamples:\n  sparring watch spc')
    .action(async (name: string, { json = false }: Options) => {
      await withSession('sparring watch', async (session) => {
        if ((await session.client.execution(name)) !== 'RUNNING') await findRun(session, name)
        const display = json ? silent : openDisplay()
        await watch(session, name, display)
        display.end()
        const snapshot = await takeSnapshot(session, await findRun(session, name))
        if (json) sayJson(snapshot)
        else sayResult(snapshot)
        process.exitCode = snapshot.state === 'failed' ? 1 : 0
      })
    })
}

/** A line of `sparring runs`. */
interface Listed extends Pick<Snapshot, 'run' | 'recipe' | 'state' | 'seed' | 'seconds_left' | 'error'> {
  round: number | null
  rounds: number | null
  score: number | null
}

/** The state of a run whose configuration this version does not know: the others are listed all the same. */
const UNREADABLE = 'unreadable'

const lastScore = ({ per_round: rounds }: Snapshot): number | null =>
  rounds.filter((row) => row.finished).at(-1)?.score ?? null

function brief(snapshot: Snapshot): Listed {
  const { run, recipe, state, seed, round, rounds, seconds_left, error } = snapshot
  return { run, recipe, state, seed, round, rounds, score: lastScore(snapshot), seconds_left, error }
}

function unreadable({ name: run, recipe, seed }: RunRow, error: unknown): Listed {
  if (!(error instanceof UserError)) throw error
  const none = { round: null, rounds: null, score: null, seconds_left: null }
  return { run, recipe, state: UNREADABLE, seed, ...none, error: error.message }
}

function cells({ run, recipe, state, round, rounds, score, seconds_left: left }: Listed): string[] {
  const time = left === null || state !== 'running' ? '' : clock(left)
  return [run, recipe, state, round === null ? '' : `${round} of ${rounds}`, share(score), time]
}
