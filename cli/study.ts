/** Studies: one recipe under several configurations (arms) and seeds, each a run of its own, and the table they add up to. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { parse } from 'yaml'
import { UserError } from '../shared/errors.ts'
import { meanInterval } from '../shared/statistics.ts'
import { readText } from './run-file.ts'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

const fields = z.record(z.string(), z.unknown())
const study = z.strictObject({
  title: z.string(),
  run: fields,
  arms: z.record(z.string(), fields),
  columns: z.array(z.string()).min(1),
})
export type Study = z.infer<typeof study>

const numbers = z.record(z.string(), z.number().nullable())
const results = z.object({
  study: z.string(),
  title: z.string(),
  command: z.string(),
  commit: z.string(),
  machine: z.string(),
  columns: z.array(z.string()),
  runs: z.array(
    z.object({
      arm: z.string(),
      seed: z.number(),
      run: z.string(),
      rounds: z.array(z.object({ round: z.number(), numbers })),
    }),
  ),
})
export type StudyResults = z.infer<typeof results>

export function readStudy(name: string): Study {
  const file = path.join(root, 'examples', 'studies', `${name}.yaml`)
  const known = fs.readdirSync(path.dirname(file)).map((entry) => entry.replace(/\.yaml$/, ''))
  if (!known.includes(name)) throw new UserError(`there is no study ${name}`, `use one of: ${known.join(', ')}`)
  const parsed = study.safeParse(parse(readText(file)))
  if (parsed.success) return parsed.data
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

/** The table of a study's results, in Markdown: each arm's last round, mean over seeds with a 95 % interval. */
export function studyTable({ columns, runs, commit: at, machine: on, command }: StudyResults): string {
  const arms = [...new Set(runs.map(({ arm }) => arm))]
  const cell = (arm: string, column: string): string => {
    const values = runs.filter((run) => run.arm === arm).flatMap((run) => run.rounds.at(-1)?.numbers[column] ?? [])
    if (values.length === 0) return '–'
    const { mean, half } = meanInterval(values)
    return half === null ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${half.toFixed(3)}`
  }
  const start = (column: string): string => {
    const values = runs.filter((run) => run.arm === arms[0]).flatMap((run) => run.rounds[0]?.numbers[column] ?? [])
    return values.length === 0 ? '–' : meanInterval(values).mean.toFixed(3)
  }
  const seeds = (arm: string): number => runs.filter((run) => run.arm === arm).length
  return [
    `| arm | seeds | ${columns.join(' | ')} |`,
    `|---|---|${columns.map(() => '---').join('|')}|`,
    `| round 0 (all arms) | ${seeds(arms[0] ?? '')} | ${columns.map(start).join(' | ')} |`,
    ...arms.map((arm) => `| ${arm} | ${seeds(arm)} | ${columns.map((column) => cell(arm, column)).join(' | ')} |`),
    '',
    `Last round of each run; mean ± half of the 95 % interval over seeds. \`${command}\`, commit ${at}, ${on}.`,
  ].join('\n')
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

export function readResults(name: string): StudyResults | null {
  return fs.existsSync(resultsFile(name)) ? results.parse(JSON.parse(readText(resultsFile(name)))) : null
}
