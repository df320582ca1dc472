/** Having a policy judge lines: which they are, the judging itself, with progress, and the rows that come of it. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import fs from 'node:fs'
import { cursorTo, clearLine } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'
import { readEvaluation } from '../db/evaluations.ts'
import { readRound } from '../db/runs.ts'
import { countShards, importSet, readSet } from '../db/shards.ts'
import type { AnyRecipe } from '../recipes/registry.ts'
import { messageOf, UserError } from '../shared/errors.ts'
import { policyName } from '../shared/ids.ts'
import type { Data, EvaluationRow, Outcome } from '../shared/recipe.ts'
import { evaluationName, type Voting } from '../shared/votes.ts'
import { firstRecords } from '../tasks/json-lines.ts'
import { type Conclusion, concludeSteps, outcomesOfLines } from './evaluation-result.ts'
import type { NamedPolicy } from './policy.ts'
import type { Session } from './session.ts'
import { clock, closeNames, note } from './terminal.ts'
import { SupervisedWorker } from './worker-process.ts'

export type Subject = Pick<NamedPolicy, 'run' | 'recipe' | 'config' | 'policy'>

export const nameOf = ({ run, policy }: Subject): string => `${run}/${policyName(policy)}`

export interface File {
  text: string
  source: string
}

/** The file of a suite that reads one, or its first `limit` records; `-` is standard input. */
export function readFile(data: string, limit?: number): File {
  const source = data === '-' ? 'standard input' : data
  try {
    const text = fs.readFileSync(data === '-' ? 0 : data, 'utf8')
    return { source, text: limit === undefined ? text : firstRecords(text, limit) }
  } catch (error) {
    throw new UserError(
      `cannot read ${source}: ${messageOf(error)}`,
      'name a file that exists, or - for standard input',
    )
  }
}

/** Lines that a policy can be asked about, and what its judgements of them add up to. */
export interface Lines {
  /** The suite as activities know it: that of a file is called after the file's hash. */
  suite: string
  summary: string
  /** Items are numbered below this; the lines are those that exist. */
  items: number
  lines: { item: number; data: Data }[]
  conclude(rows: EvaluationRow[]): Conclusion
  outcomes(rows: EvaluationRow[]): Outcome[]
}

/** The lines of a suite of the run's own, or of a file; the first `limit` of them. */
export async function linesOf(
  session: Session,
  subject: Subject,
  suite: string,
  { file, limit }: { file: File | null; limit: number },
): Promise<Lines> {
  const { recipe } = subject
  if (recipe.importers[suite]) {
    if (file) return linesOfFile(session, subject, suite, file)
    throw new UserError(`suite ${suite} reads a file, and none was given`, 'name it with --data FILE')
  }
  const files = Object.keys(recipe.importers).filter((name) => name !== 'critique')
  if (!recipe.suite(suite)) throw unknownSuite(recipe, suite, files)
  if (file) {
    const remedy = files.length === 0 ? '' : `, or use one of: ${files.join(', ')}`
    throw new UserError(`suite ${suite} reads no file`, `leave --data out${remedy}`)
  }
  return linesOfRun(session, subject, suite, limit)
}

function unknownSuite({ name, suites }: AnyRecipe, suite: string, files: readonly string[]): UserError {
  const known = [...suites, ...files]
  const close = closeNames(suite, known)
  const all = [
    ...(suites.length > 0 ? [`its own: ${suites.join(', ')}`] : []),
    ...(files.length > 0 ? [`with --data: ${files.join(', ')}`] : []),
  ]
  const remedy = all.length === 0 ? 'it has none; choose a policy of another recipe' : all.join('; ')
  const meant = close.length > 0 ? `did you mean ${close.join(' or ')}? ` : ''
  return new UserError(`recipe ${name} has no suite ${suite}`, `${meant}${remedy}`)
}

/** What a file is known by, wherever it lies. */
export const hashOf = ({ text }: File): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

async function linesOfFile({ database }: Session, subject: Subject, suite: string, file: File): Promise<Lines> {
  const { run, recipe, config } = subject
  const { text, source } = file
  const importer = recipe.importers[suite]
  if (!importer) throw new UserError(`recipe ${recipe.name} has no suite ${suite}`, 'compare policies of one recipe')
  const data = importer.read(config, text, source)
  const set = `${suite}/${hashOf(file)}`
  await importSet(database, run, set, data)
  return {
    suite: set,
    summary: importer.summary,
    items: data.length,
    lines: data.map((one, item) => ({ item, data: one })),
    conclude: (rows) => importer.conclude(config, text, source, rows),
    outcomes: (rows) => importer.outcomes?.(config, text, source, rows) ?? outcomesOfLines(rows),
  }
}

async function linesOfRun({ database }: Session, subject: Subject, suite: string, limit: number): Promise<Lines> {
  const { run, recipe, config } = subject
  const definition = recipe.suite(suite)
  if (!definition) throw new UserError(`recipe ${recipe.name} has no suite ${suite}`, 'compare policies of one recipe')
  const { round, name } = definition.set
  // What is judged before its lines are all there would stay judged.
  if ((await readRound(database, run, round)).finishedAt === null) {
    throw new UserError(
      `run ${run} has not finished round ${round}, which makes suite ${suite}`,
      `\`sparring start ${run}\` goes on with it`,
    )
  }
  const all = await readSet(database, { run, round, set: name, from: 0, to: definition.items(config) })
  const lines = all.slice(0, limit)
  const last = lines.at(-1)
  if (!last) throw new UserError(`suite ${suite} of run ${run} has no lines`, 'choose another suite')
  return {
    suite,
    summary: definition.summary,
    items: last.item + 1,
    lines,
    conclude: concludeSteps,
    outcomes: outcomesOfLines,
  }
}

/** Refuses to compare policies on lines that differ. */
export function checkSameLines(first: Subject, lines: Lines, other: Subject, otherLines: Lines): void {
  const contents = ({ lines: all }: Lines) => all.map(({ item, data }) => [item, data])
  if (isDeepStrictEqual(contents(lines), contents(otherLines))) return
  throw new UserError(
    `${nameOf(other)} would judge other lines than ${nameOf(first)}: run ${other.run} has another suite ${lines.suite}`,
    'compare policies of one run, or of runs with the same recipe, task and seed',
  )
}

/** Has policies judge lines. Its worker is started when there is something left to judge, beside any other, unless it is given one. */
export class Judge {
  readonly #session: Session
  readonly #tell: ((line: string) => void) | null
  readonly #given: SupervisedWorker | null
  #own: SupervisedWorker | null = null

  /** `tell`: hears what is judged; a terminal then shows how far it is, too. `worker`: whose owner stops it. */
  constructor(session: Session, tell: ((line: string) => void) | null, worker: SupervisedWorker | null = null) {
    this.#session = session
    this.#given = worker
    // The client polls for the end about every 20 seconds, each time with a listener of its own: that is no leak.
    setMaxListeners(0, session.closing)
    this.#tell = tell
  }

  /** Makes sure that every line is judged, and reads the judgements. What is judged already is not judged again. */
  async judge(subject: Subject, { suite, items, lines }: Lines, voting: Voting | undefined): Promise<EvaluationRow[]> {
    const { client, database, closing } = this.#session
    const { run, config, policy } = subject
    const evaluation = evaluationName(suite, voting)
    const place = { run, evaluation, policy }
    const shards = Math.ceil(items / config.shard)
    const phase = `evaluate ${evaluation} ${policyName(policy)}`
    const countDone = (): Promise<number> => countShards(database, { run, phase }, shards)
    const isDone = async (): Promise<boolean> => (await countDone()) === shards
    const input = { run, suite, policy, shards, ...(voting ? { voting } : {}) }
    if (!(await isDone())) {
      this.#tell?.(`judging ${nameOf(subject)} on ${evaluation}; Ctrl-C loses nothing, the same command goes on`)
      // Lines that need no answer any more are done, too.
      const linesDone = async (): Promise<number> => Math.round((lines.length * (await countDone())) / shards)
      const progress = this.#tell && process.stderr.isTTY ? new Progress(lines.length, linesDone) : null
      const judged = async (): Promise<void> => {
        await client.evaluate(input, closing)
        // The first may have joined the same evaluation of fewer lines, begun elsewhere.
        if (!(await isDone())) await client.evaluate(input, closing)
      }
      try {
        await Promise.race([judged(), this.#work()])
      } finally {
        progress?.end()
      }
    }
    return readEvaluation(database, place, items)
  }

  async end(): Promise<void> {
    await this.#own?.stop()
  }

  /** Rejects when the worker ends, by our own hand (Ctrl-C) or for good. */
  async #work(): Promise<never> {
    const worker = this.#given ?? (this.#own ??= this.#start())
    await worker.finished
    throw new Error('the worker was stopped before every line was judged')
  }

  #start(): SupervisedWorker {
    const worker = new SupervisedWorker(this.#session.services, { onReady: () => undefined, onRestart: note })
    this.#session.defer(() => worker.stop())
    return worker
  }
}

/** How many of the lines are done with, on one line of the error stream, rewritten about once a second. */
class Progress {
  readonly #lines: number
  readonly #count: () => Promise<number>
  /** The first count that shows the judging under way: before it a worker starts. */
  #first: { count: number; at: number } | null = null
  #before: number | null = null
  #ended = false

  constructor(lines: number, count: () => Promise<number>) {
    this.#lines = lines
    this.#count = count
    void this.#watch()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#rewrite('')
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      try {
        const count = await this.#count()
        this.#before ??= count
        if (count > this.#before) this.#first ??= { count, at: performance.now() }
        if (!this.#ended) this.#rewrite(this.#text(count))
      } catch {
        return // a service that does not answer is told of by whoever waits for the judgements
      }
      await new Promise((resolve) => setTimeout(resolve, 1000).unref())
    }
  }

  #text(count: number): string {
    const { count: first, at } = this.#first ?? { count, at: 0 }
    const each = (performance.now() - at) / 1000 / (count - first)
    const left = count > first ? ` · about ${clock((this.#lines - count) * each)} left` : ''
    return `  ${count} of ${this.#lines} lines${left}`
  }

  #rewrite(text: string): void {
    cursorTo(process.stderr, 0)
    process.stderr.write(text.slice(0, (process.stderr.columns || 80) - 1))
    clearLine(process.stderr, 1)
  }
}
