/** Studies whose players also judge a file, round by round: a benchmark that no run may train on. */
import type { Data } from '../shared/recipe.ts'
import { type File, hashOf, type Judge, linesOf } from './evaluation.ts'
import { concludeUnreadable } from './evaluation-result.ts'
import { findPolicy } from './policy.ts'
import type { Session } from './session.ts'
import type { StudiedRun, StudyJudging } from './study.ts'

export interface Judging extends StudyJudging {
  file: File
}

type Round = StudiedRun['rounds'][number]

/** What a stored run says its judgements were made on. */
export const judgedName = ({ suite, file }: Judging): string => `${suite}/${hashOf(file)}`

/** A finished run with, among the numbers of each round, those of its player's judgements: `<suite>.<number>`. */
export async function judged(session: Session, judge: Judge, judging: Judging, run: StudiedRun): Promise<StudiedRun> {
  const rounds: Round[] = []
  for (const round of run.rounds) {
    const numbers = { ...round.numbers, ...(await judgements(session, judge, judging, run.run, round.round)) }
    rounds.push({ ...round, numbers })
  }
  return { ...run, judged: judgedName(judging), rounds }
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
