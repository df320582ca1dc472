/** Studies whose players also judge, round by round: what the run itself holds out, or benchmarks that no run may train on. */
import type { AnyRecipe } from '../recipes/registry.ts'
import { UserError } from '../shared/errors.ts'
import { policyName } from '../shared/ids.ts'
import type { Data, Outcome } from '../shared/recipe.ts'
import { type Estimate, share } from '../report/estimates.ts'
import { meanOfTwo } from '../shared/statistics.ts'
import { type File, hashOf, type Judge, linesOf, readFile } from './evaluation.ts'
import { concludeUnreadable, differenceOf } from './evaluation-result.ts'
import { findPolicy } from './policy.ts'
import type { Session } from './session.ts'
import type { Judgement, StudiedRun, StudyJudging } from './study.ts'

export interface Judging extends StudyJudging {
  /** Null where the run itself made what is judged. */
  file: File | null
}

type Round = StudiedRun['rounds'][number]

/**
 * What a study's players judge, its files read before anything is played. `given`: `FILE`, or `SUITE=FILE` where there are several.
 */
export function judgingsOf(
  name: string,
  { importers }: Pick<AnyRecipe, 'importers'>,
  judged: readonly StudyJudging[],
  given: readonly string[],
): Judging[] {
  const wanted = judged.filter(({ suite }) => suite in importers)
  if (wanted.length === 0 && given.length > 0) {
    throw new UserError(`study ${name} has no file judged`, 'leave --data out')
  }
  const files = new Map(given.map((text) => readGiven(name, wanted, text)))
  return judged.map((judging) => {
    if (!wanted.includes(judging)) return { ...judging, file: null }
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

/** What a stored run says who judged what. */
export function judgedName({ role, baseline, suite, pooledWith, file, limit }: Judging): string {
  const who = baseline === undefined ? role : `${role} and ${baseline}`
  // The hash of a file is that of as many records as are judged.
  const part = file ? `/${hashOf(file)}` : limit === undefined ? '' : `, ${limit} lines`
  return `${who} on ${pooledWith === undefined ? '' : `${pooledWith} and `}${suite}${part}`
}

/** A finished run with what its players judged, and, among the numbers of each round, what that came to: `<suite>.<number>`. */
export async function judged(
  session: Session,
  judge: Judge,
  judgings: readonly Judging[],
  run: StudiedRun,
): Promise<StudiedRun> {
  const rounds: Round[] = run.rounds.map((round) => ({ ...round, numbers: { ...round.numbers } }))
  const judgements: Judgement[] = []
  for (const judging of judgings) {
    const { role, baseline, suite, pooledWith } = judging
    const ask = (policy: string, of = judging) => answers(session, judge, of, `${run.run}/${policy}`)
    const versions: Answers[] = []
    for (const { round, numbers } of rounds) {
      const answered = await ask(`${role}@${round}`)
      Object.assign(numbers, flat(answered.numbers, suite))
      versions.push(answered)
    }
    const all = baseline === undefined ? versions : [await ask(`${baseline}@0`), ...versions]
    judgements.push(...all.map((one) => judgementOf(suite, one, versions[0] ?? one)))
    if (pooledWith === undefined) continue
    const others: Answers[] = []
    for (const { policy } of versions) others.push(await ask(policy, { ...judging, suite: pooledWith, file: null }))
    judgements.push(...pooled(`${pooledWith} + ${suite}`, others, versions))
  }
  return { ...run, judged: judgings.map(judgedName), judgements, rounds }
}

interface Answers {
  policy: string
  numbers: Data
  outcomes: Outcome[]
}

/** What is judged already is not judged again. */
async function answers(session: Session, judge: Judge, judging: Judging, policy: string): Promise<Answers> {
  const { suite, file, limit = Infinity } = judging
  const subject = await findPolicy(session, policy)
  const lines = await linesOf(session, subject, suite, { file, limit })
  const rows = await judge.judge(subject, lines, undefined)
  return {
    policy: policyName(subject.policy),
    numbers: { ...lines.conclude(rows).numbers, unreadable: concludeUnreadable(rows).numbers },
    outcomes: lines.outcomes(rows),
  }
}

/** Of each version, what it said of two suites counted as one. */
export function pooled(
  suite: string,
  one: readonly Omit<Answers, 'numbers'>[],
  other: readonly Omit<Answers, 'numbers'>[],
): Judgement[] {
  const both = one.map(({ policy, outcomes }, version) => ({
    policy,
    outcomes: [...outcomes, ...(other[version]?.outcomes ?? [])],
  }))
  return both.map((version) => judgementOf(suite, version, both[0] ?? version))
}

/** How often a policy was right, and how much more often than the first version about the very same lines. */
export function judgementOf(
  suite: string,
  { policy, outcomes }: Omit<Answers, 'numbers'>,
  first: Omit<Answers, 'numbers'>,
): Judgement {
  const rightOf = (label: Outcome['label']): Estimate | null => {
    const labelled = outcomes.filter((outcome) => outcome.label === label)
    return share(labelled.filter(({ right }) => right).length, labelled.length)
  }
  const [correct, wrong] = [rightOf('Correct'), rightOf('Incorrect')]
  const difference = policy === first.policy ? null : differenceOf(outcomes, first.outcomes)
  return {
    suite,
    policy,
    correct,
    wrong,
    mean: correct && wrong && meanOfTwo(correct, wrong),
    gain: difference && {
      over: first.policy,
      correct: difference.correct,
      wrong: difference.wrong,
      mean: difference.mean,
    },
  }
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
