/** Studies: one recipe under several configurations (arms) and seeds, each a run of its own. */
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { parseConfig, recipeOf } from '../recipes/registry.ts'
import { firstDifference } from '../shared/differences.ts'
import { messageOf, UserError } from '../shared/errors.ts'
import { pages, resultsFile, root } from './results-file.ts'
import { readDocument, readText, type RunFile } from './run-file.ts'

const fields = z.record(z.string(), z.unknown())
/** Compare the arms not at their last round, but where this number first reaches each of these values (see `compared`). */
const match = z.strictObject({ column: z.string(), at: z.array(z.number()).min(1) })
/** A number of every round, one line for each arm: over the rounds, or over the work of the updates until then. */
const chart = z.strictObject({
  title: z.string(),
  column: z.string(),
  along: z.enum(['rounds', 'training']).default('rounds'),
  /** Top of the vertical axis. */
  top: z.number().optional(),
})
export type StudyChart = z.infer<typeof chart>
/**
 * Who judges what, after every round: a role of the recipe, in one of its suites, or the first so many lines of it. A suite may read a
 * file, which `--data` names; then it is the first so many of the file's solutions. `baseline`: a role that judges the same, once.
 * `pooledWith`: another suite of the run's own; what the role says of the lines of both is counted together, too.
 */
const judging = z.strictObject({
  role: z.string(),
  suite: z.string(),
  limit: z.int().min(1).optional(),
  baseline: z.string().optional(),
  pooledWith: z.string().optional(),
})
export type StudyJudging = z.infer<typeof judging>
/** What is shown of a study's runs. */
const shown = {
  columns: z.array(z.string()).min(1),
  match: match.optional(),
  charts: z.array(chart).default([]),
  /** Arms that the first one is compared with, seed by seed; all others unless given. Those that answer other questions are no rivals. */
  paired: z.array(z.string()).optional(),
}
const study = z.strictObject({
  title: z.string(),
  /** A run file, by its path from the study's folder, that `run` is laid over. */
  from: z.string().optional(),
  run: fields,
  arms: z.record(z.string(), fields),
  ...shown,
  judging: z.array(judging).default([]),
})
export type Study = Omit<z.infer<typeof study>, 'from'>

const numbers = z.record(z.string(), z.number().nullable())
const interval = z.object({ value: z.number(), low: z.number(), high: z.number() })
const share = interval.extend({ of: z.number() })
export type Share = z.infer<typeof share>
/** How often a policy was right about what is right and about what is wrong, with 95 % intervals over the lines of a suite. */
const judgement = z.object({
  suite: z.string(),
  policy: z.string(),
  correct: share.nullable(),
  wrong: share.nullable(),
  mean: interval.nullable(),
  /** Over another policy, on the same lines. */
  gain: z
    .object({
      over: z.string(),
      correct: interval.nullable(),
      wrong: interval.nullable(),
      mean: interval.nullable(),
    })
    .nullable(),
})
export type Judgement = z.infer<typeof judgement>
/** A finished run: what was played, on which commit and machine, and what came out. */
const studiedRun = z.object({
  arm: z.string(),
  seed: z.number(),
  run: z.string(),
  commit: z.string(),
  machine: z.string(),
  /** The whole configuration, with its defaults as they were. */
  config: fields,
  /** Who judged which suites and files. */
  judged: z.array(z.string()).optional(),
  judgements: z.array(judgement).optional(),
  /** `trained`: the tokens of the round's updates. */
  rounds: z.array(z.object({ round: z.number(), numbers, trained: z.number().optional() })),
})
export type StudiedRun = z.infer<typeof studiedRun>
const results = z.object({
  study: z.string(),
  title: z.string(),
  command: z.string(),
  ...shown,
  runs: z.array(studiedRun),
})
export type StudyResults = z.infer<typeof results>

/** Where a study stands, and where what it comes to goes. */
export interface StudyFiles {
  name: string
  /** What a user types to play it. */
  command: string
  file: string
  results: string
  charts: string
  /** Pages that may have a place for its table. */
  pages: readonly string[]
}

const folder = path.join(root, 'examples', 'studies')
const studyNames = (): string[] => fs.readdirSync(folder).map((entry) => entry.replace(/\.yaml$/, ''))

const shipped = (name: string): StudyFiles => ({
  name,
  command: `npm run study -- ${name}`,
  file: path.join(folder, `${name}.yaml`),
  results: resultsFile(name),
  charts: path.join(root, 'docs', 'charts'),
  pages: pages(),
})

/** A study of examples/studies by its name, or one of the user's own by its file: what that comes to is kept beside it. */
export function findStudy(given: string): StudyFiles {
  const known = studyNames()
  if (known.includes(given)) return shipped(given)
  const remedy = `use one of: ${known.join(', ')}; or name a file of your own, my-study.yaml`
  const [, name] = /^(.+)\.ya?ml$/.exec(path.basename(given)) ?? []
  if (name === undefined) throw new UserError(`there is no study ${given}`, remedy)
  if (!fs.existsSync(given)) throw new UserError(`there is no file ${given}`, remedy)
  const file = path.resolve(given)
  if (path.dirname(file) === folder) return shipped(name)
  return {
    name: partOfRunName(name),
    command: `npx sparring study ${path.basename(given)}`,
    file: given,
    results: path.join(path.dirname(file), `${name}.results.json`),
    charts: path.join(path.dirname(file), 'charts'),
    pages: [],
  }
}

/** The study, its fields laid over those of the run file that it begins from. */
export function readStudy({ file }: Pick<StudyFiles, 'file'>): Study {
  const parsed = study.safeParse(readDocument(file, 'examples/studies/spc-arms.yaml').toJS())
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new UserError(`${file}: ${issue?.path.join('.')}: ${issue?.message}`, 'mend that field of the study')
  }
  const { from, ...rest } = parsed.data
  const unknown = rest.paired?.find((arm) => !Object.keys(rest.arms).slice(1).includes(arm))
  if (unknown !== undefined)
    throw new UserError(
      `${file}: paired: ${unknown} is no arm behind the first one`,
      'use names of arms as they stand there',
    )
  if (from === undefined) return rest
  const base = path.resolve(path.dirname(file), from)
  if (!fs.existsSync(base)) {
    throw new UserError(`${file}: from: there is no ${base}`, "name a run file by its path from the study's own folder")
  }
  return { ...rest, run: layOver(fields.parse(readDocument(base, 'examples/spc.yaml').toJS()), rest.run) }
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

const partOfRunName = (text: string): string => text.replace(/[^a-z0-9]+/gi, '-').toLowerCase()

export const runName = (name: string, arm: string, seed: number): string => `${name}.${partOfRunName(arm)}.${seed}`

/** Whole or not at all, whatever becomes of the process. */
export function writeResults({ results: file }: StudyFiles, found: StudyResults): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(found, null, 2)}\n`)
  fs.renameSync(`${file}.new`, file)
}

/**
 * A run of any of these studies' results, perhaps from another machine, that was played under this very configuration, seed and all, and
 * whose players judged these very files.
 */
export function storedRun(
  studies: readonly StudyResults[],
  arm: string,
  config: Readonly<Record<string, unknown>>,
  judged: readonly string[] = [],
): StudiedRun | null {
  const found = studies
    .flatMap(({ runs }) => runs)
    .find((run) => {
      const by = run.judged ?? []
      const isSame = by.length === judged.length && judged.every((name) => by.includes(name))
      return isSame && firstDifference(readAnew(run), config) === null
    })
  return found ? { ...found, arm } : null
}

/**
 * The configuration of a stored run as this version reads it: a field that came after the run stands at its default, which is what was
 * done before there was a choice. One that can no longer be read stays as it is, and is like no other.
 */
function readAnew({ run, config }: StudiedRun): Record<string, unknown> {
  try {
    return { ...parseConfig(config, run).config }
  } catch (error) {
    if (error instanceof UserError) return config
    throw error
  }
}

/** The stored results of a study and behind them those of all others of examples/studies. */
export function readAllResults(study: StudyFiles): StudyResults[] {
  const others = studyNames()
    .map(shipped)
    .filter(({ results: file }) => file !== study.results)
  return [study, ...others].flatMap((one) => readResults(one) ?? [])
}

export function readResults({ results: file }: Pick<StudyFiles, 'results'>): StudyResults | null {
  if (!fs.existsSync(file)) return null
  const text = readText(file)
  const told = (why: string): UserError =>
    new UserError(`${file} holds no results of a study: ${why}`, 'move it away, and the study is played again')
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch (error) {
    throw told(messageOf(error))
  }
  const read = results.safeParse(written)
  if (!read.success)
    throw told(read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
  return read.data
}

/**
 * What is to be played of a seed's arms. Those that would make the same round 0 begin behind that of the first of them, which may
 * have been played before: then it is given with what is stored of it.
 */
export function sharingRoundZero(arms: readonly { file: RunFile; stored: StudiedRun | null }[]): RunFile[] {
  return arms.flatMap(({ file, stored }, index) => {
    if (stored !== null) return []
    const { later } = recipeOf(file.config.recipe)
    const first = arms.slice(0, index).find((other) => firstDifference(other.file.config, file.config, later) === null)
    return [first ? { ...file, branch: { run: first.file.name, round: 0 } } : file]
  })
}
