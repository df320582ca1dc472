/**
 * What may be trained on. Published training splits hold a few problems of published test splits, word for word but for
 * spacing or a typing of a formula; and MATH500 and ProcessBench are made from test splits. So the training set is worked
 * out from both: the split must be `train`, and the problem's text must not be that of an evaluation problem.
 */
import { UserError } from '../../shared/errors.ts'
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

/** The problems whose text an evaluation set holds too. */
export function leaked(problems: readonly WordProblem[], evaluation: readonly string[]): WordProblem[] {
  const known = new Set(evaluation.map(problemKey))
  return problems.filter(({ problem }) => known.has(problemKey(problem)))
}

/** The problems of training splits, without those that stand in an evaluation set. */
export function trainingProblems(problems: readonly WordProblem[], evaluation: readonly string[]): WordProblem[] {
  const foreign = problems.find(({ split }) => split !== 'train')
  if (foreign) {
    throw new UserError(
      `a problem of a ${foreign.split} split was given to train on: ${foreign.problem.slice(0, 80)}`,
      'train on training splits only',
    )
  }
  const barred = new Set(leaked(problems, evaluation))
  return problems.filter((problem) => !barred.has(problem))
}
