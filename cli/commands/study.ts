import path from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { listRounds, readRun } from '../../db/runs.ts'
import { UserError } from '../../shared/errors.ts'
import { parseConfig } from '../../client.ts'
import { recipeOf } from '../../recipes/registry.ts'
import { firstDifference } from '../../shared/differences.ts'
import { goOn } from '../launch.ts'
import { openDisplay } from '../live.ts'
import type { RunFile } from '../run-file.ts'
import { withSession, type Session } from '../session.ts'
import * as studies from '../study.ts'
import { say, sayJson } from '../terminal.ts'
import { watch } from '../foreground.ts'
import { SupervisedWorker } from '../worker-process.ts'

interface Options {
  seeds: number
  table?: boolean
  json?: boolean
}

export function addStudy(program: Command): void {
  program
    .command('study')
    .description('run a recipe under several configurations and seeds, and write the table')
    .argument('<name>', 'a file of examples/studies, e.g. spc-arms')
    .option('--seeds <n>', 'seeds 1 to n', wholeNumber, 3)
    .option('--table', 'only write the table of the stored results')
    .option('--json', 'the results, as JSON')
    .addHelpText(
      'after',
      `
Every (arm, seed) is a run of its own, one after the other, seed by seed; arms that would make the same round 0 share it.
Ctrl-C and the same command again go on where it was. Results go to results/<name>.json after every run, the table into docs/ at
the end.

Example:
  npm run study -- spc-arms --seeds 3`,
    )
    .action(async (name: string, { seeds, table = false, json = false }: Options) => {
      const study = studies.readStudy(name)
      if (table) {
        const stored = studies.readResults(name)
        if (!stored) throw new UserError(`there are no results of study ${name}`, 'leave --table out to play it')
        return show(name, stored, json)
      }
      const places = Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed) =>
        Object.entries(study.arms).map(([arm, over]) => ({ arm, over, seed, run: studies.runName(name, arm, seed) })),
      )
      const about = {
        study: name,
        title: study.title,
        command: `npm run study -- ${name} --seeds ${seeds}`,
        commit: studies.commit(),
        machine: studies.machine(),
        columns: study.columns,
        ...(study.match ? { match: study.match } : {}),
      }
      await withSession('sparring study', async (session) => {
        const store = async (): Promise<studies.StudyResults> => {
          const found = { ...about, runs: await finishedRuns(session, places) }
          studies.writeResults(name, found)
          return found
        }
        await playAll(session, study, places, store)
        show(name, await store(), json)
      })
    })
}

/** Puts the table into the pages that have a place for it, and on the screen. */
function show(name: string, found: studies.StudyResults, json: boolean): void {
  const text = studies.studyTable(found)
  for (const page of studies.pages()) studies.fillMarks(page, name, text)
  if (json) sayJson(found)
  else say(`\n${text}\n\nfrom ${path.relative(process.cwd(), studies.resultsFile(name))}`)
}

async function finishedRuns(session: Session, places: readonly Place[]): Promise<studies.StudyResults['runs']> {
  const finished: studies.StudyResults['runs'] = []
  for (const { arm, seed, run } of places) {
    if ((await readRun(session.database, run))?.state !== 'finished') continue
    const rounds = await listRounds(session.database, run)
    const told = rounds.map(({ round, numbers }) => ({ round, numbers: numbersOf(numbers) }))
    finished.push({ arm, seed, run, rounds: told })
  }
  return finished
}

interface Place {
  arm: string
  over: Record<string, unknown>
  seed: number
  run: string
}

/** Plays what is not finished, one run at a time, with one worker for all; results are stored after each. */
async function playAll(
  session: Session,
  study: studies.Study,
  places: readonly Place[],
  store: () => Promise<unknown>,
): Promise<void> {
  const files = places.map(({ arm, over, seed, run }) => {
    const given = studies.configOf(study.run, over, seed)
    const source = `arm ${arm} of the study`
    return { name: run, source, given, config: parseConfig(given, source).config }
  })
  const shared = files.map((file, index): RunFile => {
    const { later } = recipeOf(file.config.recipe)
    const first = files.slice(0, index).find((other) => firstDifference(other.config, file.config, later) === null)
    return first ? { ...file, branch: { run: first.name, round: 0 } } : file
  })
  const worker = new SupervisedWorker(session.services, { onReady: () => undefined, onRestart: say })
  session.defer(() => worker.stop())
  try {
    for (const [index, file] of shared.entries()) {
      const launch = await goOn(session, { name: file.name, file })
      say(`run ${index + 1} of ${files.length}: ${file.name}${launch.kind === 'finished' ? ' (finished before)' : ''}`)
      if (launch.kind === 'finished') continue
      const display = openDisplay()
      await Promise.race([watch(session, file.name, display), worker.finished])
      display.end()
      await store()
    }
  } finally {
    await worker.stop()
  }
}

function numbersOf(stored: Record<string, unknown> | null): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(stored ?? {}).map(([name, value]) => [name, typeof value === 'number' ? value : null]),
  )
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}
