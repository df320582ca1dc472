/** Studies whose players also judge files, round by round: benchmarks that no run may train on. */
import { UserError } from '../shared/errors.ts'
import type { Data } from '../shared/recipe.ts'
import { type File, hashOf, type Judge, linesOf, readFile } from './evaluation.ts'
import { concludeUnreadable } from './evaluation-result.ts'
import { findPolicy } from './policy.ts'
import type { Session } from './session.ts'
import type { StudiedRun, StudyJudging } from './study.ts'

export interface Judging extends StudyJudging {
  file: File
}

type Round = StudiedRun['rounds'][number]

/**
 * The files that a study's players judge, read before anything is played. `given`: `FILE`, or `SUITE=FILE` where there are several.
 */
export function judgingsOf(name: string, wanted: readonly StudyJudging[], given: readonly string[]): Judging[] {
  if (wanted.length === 0 && given.length > 0) {
    throw new UserError(`study ${name} has no file judged`, 'leave --data out')
  }
  const files = new Map(given.map((text) => readGiven(name, wanted, text)))
  return wanted.map((judging) => {
    const file = files.get(judging.suite)
    if (file !== undefined) return { ...judging, file: readFile(file, judging.limit) }
    throw new UserError(
      `study ${name} has a file of ${judging.suite} judged, which is not in this repository`,
      `name it with --data ${wanted.length === 1 ? 'FILE' : `${judging.suite}=FILE`}`,
    )
  })
}

function readGiven(name: string, wanted: readonly StudyJudging[], text: string): [string, string] {
  const [, suite, file] = /^([a-z0-9-]+)=(.+)$/.exec(text) ?? []
  const [only, ...others] = wanted
  if (suite === undefined && only && others.length === 0) return [only.suite, text]
  if (suite !== undefined && file !== undefined && wanted.some((one) => one.suite === suite)) return [suite, file]
  const suites = wanted.map((one) => one.suite).join(', ')
  throw new UserError(`--data ${text} names no suite of study ${name}`, `use SUITE=FILE with one of: ${suites}`)
}

/** `FILE` or `SUITE=FILE`, without what is this machine's. */
export const withoutFolders = (text: string): string => text.replace(/[^=]*\//, '')

/** What a stored run says its judgements were made on. */
export const judgedName = ({ suite, file }: Judging): string => `${suite}/${hashOf(file)}`

/** A finished run with, among the numbers of each round, those of its players' judgements: `<suite>.<number>`. */
export async function judged(
  session: Session,
  judge: Judge,
  judgings: readonly Judging[],
  run: StudiedRun,
): Promise<StudiedRun> {
  const rounds: Round[] = []
  for (const round of run.rounds) {
    const numbers = { ...round.numbers }
    for (const judging of judgings)
      Object.assign(numbers, await judgements(session, judge, judging, run.run, round.round))
    rounds.push({ ...round, numbers })
  }
  return { ...run, judged: judgings.map(judgedName), rounds }
}

/** What is judged already is not judged again. */
async function judgements(
  session: Session,
  judge: Judge,
  { role, suite, file }: Judging,
  run: string,
  round: number,
): Promise<Round['numbers']> {
  const subject = await findPolicy(session, `${run}/${role}@${round}`)
  const lines = await linesOf(session, subject, suite, { file, limit: Infinity })
  const rows = await judge.judge(subject, lines, undefined)
  return flat({ ...lines.conclude(rows).numbers, unreadable: concludeUnreadable(rows).numbers }, suite)
}

/** Numbers of numbers by their path, `all.floors.no mistake`; what is neither is left out. */
export function flat(numbers: Data, prefix: string): Round['numbers'] {
  return Object.fromEntries(
    Object.entries(numbers).flatMap(([name, value]): [string, number | null][] => {
      const path = `${prefix}.${name}`
      if (typeof value === 'number' || value === null) return [[path, value]]
      return isData(value) ? Object.entries(flat(value, path)) : []
    }),
  )
}

const isData = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value)
