import path from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { Document } from 'yaml'
import { whyNoBranch } from '../../db/branch.ts'
import { listRounds, readRun } from '../../db/runs.ts'
import { readPhaseCosts } from '../../db/reading.ts'
import { UserError } from '../../shared/errors.ts'
import { parseConfig, plainJson } from '../../client.ts'
import { recipeOf } from '../../recipes/registry.ts'
import { groupBy, range, sum } from '../../shared/collections.ts'
import { Judge } from '../evaluation.ts'
import { failureOf } from '../failure.ts'
import { goOn } from '../launch.ts'
import { openDisplay, openLines } from '../live.ts'
import { wholeNumber } from '../numbers.ts'
import { located, type RunFile } from '../run-file.ts'
import { withSession, type Session } from '../session.ts'
import { commit, fillMarks, machine } from '../results-file.ts'
import { drawCharts } from '../study-chart.ts'
import { judged, judgedName, judgingsOf, withoutFolders } from '../study-judging.ts'
import { studyTable } from '../study-table.ts'
import * as studies from '../study.ts'
import { say, sayJson } from '../terminal.ts'
import { watch } from '../foreground.ts'
import { SupervisedWorker } from '../worker-process.ts'

interface Options {
  seeds: number[]
  atOnce: number
  table?: boolean
  again?: boolean
  data: string[]
  json?: boolean
}

export function addStudy(program: Command): void {
  program
    .command('study')
    .description('run a recipe under several configurations and seeds, and write the table')
    .argument('<name>', 'a study of examples/studies, e.g. spc-arms, or a file of your own: my-study.yaml')
    .option('--seeds <n>', 'seeds 1 to n, or m-n', readSeeds, [1, 2, 3])
    .option('--at-once <n>', 'seeds that are played side by side', wholeNumber, 1)
    .addOption(
      new Option('--data <file>', 'a file that the players of the study judge; SUITE=FILE where there are several')
        .argParser((text: string, others: string[]) => [...others, text])
        .default([], 'none')
        .conflicts('table'),
    )
    .option('--table', 'only write the table of the stored results')
    .option('--again', 'play also the runs that results files hold already')
    .option('--json', 'the results, as JSON')
    .addHelpText(
      'after',
      `
Every (arm, seed) is a run of its own, one after the other, seed by seed; arms that would make the same round 0 share it.
With --at-once 2 another seed is played beside it: what one leaves idle of the cores the other uses.
Ctrl-C and the same command again go on where it was. Results go to results/<name>.json after every run, the table into docs/ at
the end; of a file of your own, results and charts lie beside it, and the table is printed. A run that its results or those of a study
of examples/studies hold with the same configuration, perhaps from another machine, is not played again.

Examples:
  npm run study -- spc-arms --seeds 3
  npm run study -- spc-multistep --data multistep_arithmetic.jsonl
  npm run study -- my-study.yaml --seeds 2`,
    )
    .action(async (given: string, { seeds, atOnce, table = false, again = false, data, json = false }: Options) => {
      const files = studies.findStudy(given)
      const { name } = files
      const study = studies.readStudy(files)
      const played = studies.readResults(files)
      if (table) {
        if (!played) throw new UserError(`there are no results of study ${name}`, 'leave --table out to play it')
        return show(files, { ...played, ...shownOf(study) }, json)
      }
      const shown = path.relative(process.cwd(), files.file)
      const judgings = judgingsOf(name, parseConfig(study.run, shown).recipe, study.judging, data)
      const stored = again ? [] : studies.readAllResults(files)
      const here = again ? [] : (played?.runs ?? [])
      /** Seeds that are not asked for stay in the file as far as they are there. */
      const every = [...new Set([...seeds, ...here.map(({ seed }) => seed)])]
        .toSorted((a, b) => a - b)
        .flatMap((seed) =>
          Object.entries(study.arms).map(([arm, over]): Place => {
            const run = studies.runName(name, arm, seed)
            const source = `arm ${arm} of ${shown}`
            const fields = studies.configOf(study.run, over, seed)
            const { config } = parseConfig(fields, source)
            const by = judgings.map(judgedName)
            const place = { arm, seed, run, config: { ...config } }
            const known = studies.storedRun(stored, arm, place.config, by)
            // What is stored names no folder of a machine, and needs none of its files.
            const file = {
              name: run,
              source,
              ...(known ? { given: fields, config } : located(new Document(fields), source)),
            }
            return { ...place, file, stored: known }
          }),
        )
      const places = every.filter((place) => seeds.includes(place.seed) || place.stored !== null)
      const about = {
        study: name,
        title: study.title,
        command: `${files.command} --seeds ${writeSeeds(places.map(({ seed }) => seed))}${data.map((text) => ` --data ${withoutFolders(text)}`).join('')}`,
        ...shownOf(study),
      }
      const replaced = here.filter(({ run }) => every.every(({ stored: kept }) => kept?.run !== run)).length
      if (replaced > 0)
        say(`${path.relative(process.cwd(), files.results)}: ${replaced} runs of another configuration, to be replaced`)
      await withSession('sparring study', async (session) => {
        const worker = workerFor(session, places)
        // Beside the lines of runs that are played meanwhile it would be noise.
        const judge = new Judge(session, !json && atOnce === 1 ? say : null, worker)
        const complete = async (run: studies.StudiedRun): Promise<studies.StudiedRun> =>
          judgings.length > 0 ? judged(session, judge, judgings, run) : run
        const store = async (): Promise<studies.StudyResults> => {
          const found = { ...about, runs: await finishedRuns(session, places, complete) }
          // What the file holds is better than nothing, though it be of an earlier configuration.
          if (found.runs.length > 0) studies.writeResults(files, found)
          return found
        }
        if (worker) await playAll(session, places, { atOnce, store, worker })
        const found = await store()
        await worker?.stop()
        show(files, found, json)
      })
    })
}

/** How results are shown, as the study says now. */
const shownOf = ({ columns, match, charts, paired }: studies.Study) => ({ columns, match, charts, paired })

interface Place {
  arm: string
  seed: number
  run: string
  /** As the study has it. */
  config: Record<string, unknown>
  /** With the files that it names where they are. */
  file: RunFile
  /** What results files hold of it. */
  stored: studies.StudiedRun | null
}

/** Puts the table into the pages that have a place for it, and on the screen; draws the charts. */
function show(files: studies.StudyFiles, found: studies.StudyResults, json: boolean): void {
  const text = studyTable(found)
  for (const page of files.pages) fillMarks(page, files.name, text)
  drawCharts(files, found)
  if (json) sayJson(found)
  else say(`\n${text}\n\nfrom ${path.relative(process.cwd(), files.results)}`)
}

async function finishedRuns(
  session: Session,
  places: readonly Place[],
  complete: (run: studies.StudiedRun) => Promise<studies.StudiedRun>,
): Promise<studies.StudiedRun[]> {
  const finished: studies.StudiedRun[] = []
  const provenance = { commit: commit(), machine: machine() }
  for (const { arm, seed, run, config, stored } of places) {
    if (stored) {
      finished.push(stored)
      continue
    }
    if ((await readRun(session.database, run))?.state !== 'finished') continue
    const rounds = await listRounds(session.database, run)
    const updates = (await readPhaseCosts(session.database, run)).filter(({ phase }) => phase.startsWith('update '))
    const told = rounds.map(({ round, numbers }) => ({
      round,
      numbers: numbersOf(numbers),
      trained: sum(updates.filter((update) => update.round === round).map(({ tokens }) => tokens)),
    }))
    finished.push(await complete({ arm, seed, run, ...provenance, config, rounds: told }))
  }
  return finished
}

/** One worker plays and judges all; null where results files hold every run. */
function workerFor(session: Session, places: readonly Place[]): SupervisedWorker | null {
  const known = places.filter(({ stored }) => stored !== null).length
  if (known > 0) say(`${known} of ${places.length} runs are in results files`)
  if (known === places.length) return null
  const worker = new SupervisedWorker(session.services, { onReady: () => undefined, onRestart: say })
  session.defer(() => worker.stop())
  return worker
}

interface Manner {
  /** Seeds side by side. */
  atOnce: number
  store(): Promise<unknown>
  worker: SupervisedWorker
}

/** Plays what is not finished, the arms of a seed one after the other; results are stored after each run. */
async function playAll(session: Session, places: readonly Place[], { atOnce, store, worker }: Manner): Promise<void> {
  const left = places.filter(({ stored }) => stored === null)
  let begun = 0
  const play = async (file: RunFile): Promise<void> => {
    const launch = await goOn(session, { name: file.name, file })
    begun++
    say(`run ${begun} of ${left.length}: ${file.name}${launch.kind === 'finished' ? ' (finished before)' : ''}`)
    if (launch.kind === 'finished') return
    const display = atOnce === 1 ? openDisplay() : openLines(file.name)
    await Promise.race([watch(session, file.name, display), worker.finished])
    display.end()
    // Ctrl-C ends the watching of a run, not the run: no other begins then, and nothing is written of what is not finished.
    session.closing.throwIfAborted()
    if ((await endOf(session, file.name)) === 'stopped')
      say(`run ${file.name} was stopped, and the results are without it; the same command goes on with it`)
    await store()
  }
  const seeds = [...groupBy(await playedHereOrLeft(session, places), ({ seed }) => seed).values()].map(
    studies.sharingRoundZero,
  )
  const lane = async (): Promise<void> => {
    for (let arms = seeds.shift(); arms; arms = seeds.shift()) for (const file of arms) await play(file)
  }
  await Promise.all(range(0, atOnce).map(lane))
}

/** How a run ended. A study is a comparison: it ends where one of its runs cannot be played. */
async function endOf({ client, database }: Session, run: string): Promise<string | undefined> {
  const state = (await readRun(database, run))?.state
  if (state !== 'failed') return state
  throw new UserError(
    `run ${run} of the study failed: ${await failureOf(client, run)}`,
    'mend what it names; the same command then goes on',
  )
}

/** Runs of the study that are to be played, or whose round 0 lies in this home: others may begin behind it. */
async function playedHereOrLeft({ database }: Session, places: readonly Place[]): Promise<Place[]> {
  const kept = places.map(async ({ run, stored, file: { config } }) => {
    const { later } = recipeOf(config.recipe)
    return stored === null || (await whyNoBranch(database, { run, round: 0 }, plainJson(config), later)) === null
  })
  const keeps = await Promise.all(kept)
  return places.filter((_, index) => keeps[index])
}

function numbersOf(stored: Record<string, unknown> | null): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(stored ?? {}).map(([name, value]) => [name, typeof value === 'number' ? value : null]),
  )
}

/** `5`: seeds 1 to 5. `3-5`: 3, 4 and 5. */
function readSeeds(text: string): number[] {
  const [, from = '1', to] = /^(?:([1-9]\d*)-)?([1-9]\d*)$/.exec(text) ?? []
  if (to === undefined || Number(from) > Number(to))
    throw new InvalidArgumentError('It must be a whole number above 0, or two of them, such as 3-5.')
  return range(Number(from), Number(to) + 1)
}

const writeSeeds = (seeds: readonly number[]): string => {
  const [from, to] = [Math.min(...seeds), Math.max(...seeds)]
  return from === 1 ? `${to}` : `${from}-${to}`
}
