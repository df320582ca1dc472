import { z } from 'zod'
import { isPlain } from '../../shared/chat.ts'
import type { Data, FileSet, ItemRow } from '../../shared/recipe.ts'
import { parseProblems, type ProblemForm } from '../../tasks/problems/word-problems.ts'
import type { Posed } from '../spc/wording.ts'
import type { SearchTextConfig } from './config.ts'

/** The problems of the run file's test set: a set of round 0. */
export const SEARCHED_PROBLEMS = 'searched problems'

const posed = z.object({ problem: z.string(), answer: z.string() })

export const readPosed = ({ item, data }: ItemRow): Posed & { item: number } => ({ item, ...posed.parse(data) })

/** Those that can stand in a prompt. */
export function searchable(form: ProblemForm, text: string, source: string): Data[] {
  return parseProblems(form, text, source, 'test')
    .filter(({ problem }) => isPlain(problem))
    .map(({ problem, answer }) => ({ problem, answer }))
}

export function problemFile({ problems: { file, form }, search }: SearchTextConfig): FileSet {
  return {
    set: SEARCHED_PROBLEMS,
    field: 'problems.file',
    file,
    read: (text, source) => searchable(form, text, source).slice(0, search.problems),
  }
}
