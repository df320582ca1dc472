/**
 * What may be trained on. Published training splits hold a few problems of published test splits, word for word but for
 * spacing or a typing of a formula; and MATH500 and ProcessBench are made from test splits. So the training set is worked
 * out from both: the split must be `train`, and the problem's text must not be that of an evaluation problem. Whoever has
 * the training file alone is protected by a list of the problems that are known to stand in both (withheld.ts).
 */
import { UserError } from '../../shared/errors.ts'
import { sha256 } from '../../shared/sha256.ts'
import { withheld } from './withheld.ts'
import type { WordProblem } from './word-problems.ts'

/** What two statements of one problem have in common: letters, digits and signs of arithmetic, in lower case. */
export function problemKey(problem: string): string {
  return problem
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\\[dtc]frac/g, '\\frac')
    .replaceAll(/\\(?:left|right|text|mbox|mathrm|[!,;: ])/g, '')
    .replaceAll(/[^\p{L}\p{N}+*/=<>^-]/gu, '')
}

/** What the list of withheld problems holds of one: no text, and long enough that no other problem has the same. */
export const problemHash = (problem: string): string => sha256(problemKey(problem)).slice(0, 16)

/** The problems whose text an evaluation set holds too. */
export function leaked(problems: readonly WordProblem[], evaluation: readonly string[]): WordProblem[] {
  const known = new Set(evaluation.map(problemKey))
  return problems.filter(({ problem }) => known.has(problemKey(problem)))
}

const withheldHashes: ReadonlySet<string> = new Set(Object.values(withheld).flat())

/** The problems that are known to stand in a published test split or benchmark, whether that is at hand or not. */
export const knownLeaks = (problems: readonly WordProblem[]): WordProblem[] =>
  problems.filter(({ problem }) => isWithheld(problem))
export const isWithheld = (problem: string): boolean => withheldHashes.has(problemHash(problem))

/** The problems of training splits, without those that stand in an evaluation set or are known to stand in a published one. */
export function trainingProblems(problems: readonly WordProblem[], evaluation: readonly string[] = []): WordProblem[] {
  const foreign = problems.find(({ split }) => split !== 'train')
  if (foreign) {
    throw new UserError(
      `a problem of a ${foreign.split} split was given to train on: ${foreign.problem.slice(0, 80)}`,
      'train on training splits only',
    )
  }
  const barred = new Set([...leaked(problems, evaluation), ...knownLeaks(problems)])
  return problems.filter((problem) => !barred.has(problem))
}
