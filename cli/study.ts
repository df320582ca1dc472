/** Studies: one recipe under several configurations (arms) and seeds, each a run of its own, and the table they add up to. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { parse } from 'yaml'
import { firstDifference } from '../shared/differences.ts'
import { UserError } from '../shared/errors.ts'
import { meanInterval } from '../shared/statistics.ts'
import { readText } from './run-file.ts'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

const fields = z.record(z.string(), z.unknown())
/** Compare the arms not at their last round, but where this number first reaches each of these values (see `compared`). */
const match = z.strictObject({ column: z.string(), at: z.array(z.number()).min(1) })
const study = z.strictObject({
  title: z.string(),
  /** A run file of examples/ that `run` is laid over. */
  from: z.string().optional(),
  run: fields,
  arms: z.record(z.string(), fields),
  columns: z.array(z.string()).min(1),
  match: match.optional(),
})
export type Study = Omit<z.infer<typeof study>, 'from'>

const numbers = z.record(z.string(), z.number().nullable())
/** A finished run: what was played, on which commit and machine, and what came out. */
const studiedRun = z.object({
  arm: z.string(),
  seed: z.number(),
  run: z.string(),
  commit: z.string(),
  machine: z.string(),
  /** The whole configuration, with its defaults as they were. */
  config: fields,
  rounds: z.array(z.object({ round: z.number(), numbers })),
})
export type StudiedRun = z.infer<typeof studiedRun>
const results = z.object({
  study: z.string(),
  title: z.string(),
  command: z.string(),
  columns: z.array(z.string()),
  match: match.optional(),
  runs: z.array(studiedRun),
})
export type StudyResults = z.infer<typeof results>
type Round = StudiedRun['rounds'][number]

export function readStudy(name: string): Study {
  const file = path.join(root, 'examples', 'studies', `${name}.yaml`)
  const known = fs.readdirSync(path.dirname(file)).map((entry) => entry.replace(/\.yaml$/, ''))
  if (!known.includes(name)) throw new UserError(`there is no study ${name}`, `use one of: ${known.join(', ')}`)
  const parsed = study.safeParse(parse(readText(file)))
  if (parsed.success) {
    const { from, ...rest } = parsed.data
    if (from === undefined) return rest
    const base = fields.parse(parse(readText(path.join(root, 'examples', from))))
    return { ...rest, run: layOver(base, rest.run) }
  }
  const [issue] = parsed.error.issues
  throw new UserError(`${file}: ${issue?.path.join('.')}: ${issue?.message}`, 'mend that field of the study')
}

/** A run's configuration with an arm's fields laid over it, group by group. */
export function layOver(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const laid = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const [one, other] = [fields.safeParse(laid[key]), fields.safeParse(value)]
    laid[key] = one.success && other.success ? layOver(one.data, other.data) : value
  }
  return laid
}

/** The configuration of an arm's run. `{seed}` in a text stands for the seed: so an arm can take up runs of another study. */
export function configOf(
  run: Record<string, unknown>,
  over: Record<string, unknown>,
  seed: number,
): Record<string, unknown> {
  const text = JSON.stringify({ ...layOver(run, over), seed }).replaceAll('{seed}', String(seed))
  return fields.parse(JSON.parse(text))
}

export const runName = (name: string, arm: string, seed: number): string =>
  `${name}.${arm.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.${seed}`

export const resultsFile = (name: string): string => path.join(root, 'results', `${name}.json`)

export function machine(): string {
  const [first] = cpus()
  return `${first?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`
}

export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'not a git checkout'
  }
}

export function writeResults(name: string, found: StudyResults): void {
  fs.mkdirSync(path.dirname(resultsFile(name)), { recursive: true })
  fs.writeFileSync(resultsFile(name), `${JSON.stringify(found, null, 2)}\n`)
}

/** A place in a run: where a number first reaches a value. */
export interface Place {
  column: string
  value: number
}

/**
 * A number of a run as its study compares it: that of the last round, or that of the place between two rounds where
 * another number first reaches a value, on a straight line. Null where it never does.
 */
export function compared(rounds: readonly Round[], column: string, place: Place | null): number | null {
  const read = (index: number, name: string): number | null => rounds[index]?.numbers[name] ?? null
  if (!place) return read(rounds.length - 1, column)
  const reached = rounds.findIndex((_, index) => (read(index, place.column) ?? -Infinity) >= place.value)
  const [before, after] = [read(reached - 1, place.column), read(reached, place.column)]
  const [from, to] = [read(reached - 1, column), read(reached, column)]
  if (before === null || after === null || from === null || to === null) return to
  return from + ((place.value - before) / (after - before)) * (to - from)
}

/** The tables of a study's results, in Markdown: each arm, mean over seeds with a 95 % interval. */
export function studyTable(found: StudyResults): string {
  const { columns, runs, match: matched, command } = found
  const arms = [...new Set(runs.map(({ arm }) => arm))]
  const row = (name: string, seeds: string, cells: string[]): string => `| ${[name, seeds, ...cells].join(' | ')} |`
  const first = runs.filter((run) => run.arm === arms[0])
  const start = (column: string): string => {
    const values = first.flatMap((run) => run.rounds[0]?.numbers[column] ?? [])
    return values.length === 0 ? '–' : meanInterval(values).mean.toFixed(3)
  }
  const armRow = (arm: string, place: Place | null): string => {
    const mine = runs.filter((run) => run.arm === arm)
    const values = (column: string): number[] => mine.flatMap((run) => compared(run.rounds, column, place) ?? [])
    const reached = place ? values(place.column).length : mine.length
    const cells = columns.map((column) => written(values(column)))
    return row(arm, reached === mine.length ? `${reached}` : `${reached} of ${mine.length}`, cells)
  }
  /** An arm's seeds share their round 0 with those of the first arm: what is left between them is the arm. */
  const differenceRow = (arm: string, place: Place | null): string => {
    const differences = (column: string): number[] =>
      first.flatMap((one) => {
        const other = runs.find((run) => run.arm === arm && run.seed === one.seed)
        const [mine, theirs] = [one, other].map((run) => run && compared(run.rounds, column, place))
        return typeof mine === 'number' && typeof theirs === 'number' ? [mine - theirs] : []
      })
    return row(
      `${arms[0]} − ${arm}`,
      String(differences(columns[0] ?? '').length),
      columns.map((column) => written(differences(column))),
    )
  }
  const heading = (what: string): string[] => [
    row(what, 'seeds', columns),
    `|---|---|${columns.map(() => '---').join('|')}|`,
  ]
  const table = (place: Place | null): string[] => [
    ...(place ? [`Where ${place.column} first reaches ${place.value}:`, ''] : []),
    ...heading('arm'),
    row('round 0 (all arms)', String(first.length), columns.map(start)),
    ...arms.map((arm) => armRow(arm, place)),
    '',
    ...(arms.length > 1
      ? [...heading('paired by seed'), ...arms.slice(1).map((arm) => differenceRow(arm, place)), '']
      : []),
  ]
  const places = matched?.at.map((value) => ({ column: matched.column, value }))
  const what = matched
    ? 'On a straight line between rounds; runs that never get there are left out'
    : 'Last round of each run'
  const all = (values: string[]): string => [...new Set(values)].join('; ')
  const provenance = `commit ${all(runs.map((run) => run.commit))}, ${all(runs.map((run) => run.machine))}`
  return [
    ...(places ?? [null]).flatMap(table),
    `${what}; mean ± half of the 95 % interval over seeds. \`${command}\`, ${provenance}.`,
  ].join('\n')
}

function written(values: readonly number[]): string {
  if (values.length === 0) return '–'
  const { mean, half } = meanInterval(values)
  return half === null ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${half.toFixed(3)}`
}

/** The pages of docs/. */
export const pages = (): string[] => {
  const folder = path.join(root, 'docs')
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join(folder, file))
}

/** Puts a table between its marks in a docs page; says whether the page has such marks. */
export function fillMarks(page: string, name: string, table: string): boolean {
  const text = fs.readFileSync(page, 'utf8')
  const [open, close] = [`<!-- results:${name} -->`, '<!-- /results -->']
  const from = text.indexOf(open)
  const to = text.indexOf(close, from)
  if (from < 0 || to < 0) return false
  fs.writeFileSync(page, `${text.slice(0, from + open.length)}\n\n${table}\n\n${text.slice(to)}`)
  return true
}

/** The run as it was stored, perhaps on another machine, if it was played under this very configuration. */
export function storedRun(
  stored: StudyResults | null,
  place: { arm: string; seed: number },
  config: Readonly<Record<string, unknown>>,
): StudiedRun | null {
  const found = stored?.runs.find(({ arm, seed }) => arm === place.arm && seed === place.seed)
  return found && firstDifference(found.config, config) === null ? found : null
}

export function readResults(name: string): StudyResults | null {
  return fs.existsSync(resultsFile(name)) ? results.parse(JSON.parse(readText(resultsFile(name)))) : null
}
