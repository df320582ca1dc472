import { z } from 'zod'
import { isPlain } from '../../shared/chat.ts'
import { Stream } from '../../shared/random.ts'
import type { Data, FileSet, ItemRow } from '../../shared/recipe.ts'
import { isWithheld, problemKey, trainingProblems } from '../../tasks/problems/training.ts'
import { prm800k } from '../../tasks/benchmarks/prm800k.ts'
import { chooseSteps } from '../../tasks/benchmarks/single-step.ts'
import { parseProblems } from '../../tasks/problems/word-problems.ts'
import type { Split } from '../../tasks/task.ts'
import { soleEquality } from '../../tasks/word-steps.ts'
import { splitOf } from '../spc/problems.ts'
import type { SpcTextConfig } from './config.ts'

/** The problems of the run file's training splits: a set of round 0, from which every phase takes its own. */
export const PROBLEMS = 'word problems'

const wordProblem = z.object({ problem: z.string(), steps: z.array(z.string()), answer: z.string() })
export type Worked = z.infer<typeof wordProblem>

export const problemFiles = ({ problems }: SpcTextConfig): FileSet[] =>
  problems.map(({ file, form, mostSteps }, index) => ({
    set: PROBLEMS,
    field: `problems.${index}.file`,
    file,
    read: (text, source) =>
      trainingProblems(parseProblems(form, text, source, 'train'))
        .filter(({ steps }) => steps.length <= (mostSteps ?? Infinity))
        .filter(({ problem, steps }) => [problem, ...steps].every(isPlain))
        .map(({ problem, steps, answer }): Data => ({ problem, steps: workedSteps(problem, steps, answer), answer })),
  }))

/** Where a file states answers alone, problems of one step have a solution all the same. */
function workedSteps(problem: string, steps: string[], answer: string): string[] {
  if (steps.length > 0) return steps
  const step = soleEquality(problem, answer)
  return step === null ? [] : [step]
}

/** Steps that people have rated, as many right ones as wrong ones: what a critic may be taught in the place of made errors. */
export const RATED = 'rated steps'

export function ratedFile({ seed }: SpcTextConfig, file: string): FileSet {
  return {
    set: RATED,
    field: 'supervised.file',
    file,
    read: (text, source) =>
      chooseSteps(prm800k.read(text, source), 'labelled', seed)
        .filter(({ problem, done, step }) => [problem, step, ...done].every(isPlain) && !isWithheld(problem))
        .map(({ problem, done, step, label }): Data => ({ problem, done, step, label })),
  }
}

/** Those of one split. A problem belongs to one for ever, by its own text, and counts once, however often and in whatever spacing the files have it. */
export function problemsOf(rows: readonly ItemRow[], split: Split): Worked[] {
  const problems = rows.filter(({ set }) => set === PROBLEMS).map(({ data }) => wordProblem.parse(data))
  const once = new Map(problems.map((one) => [problemKey(one.problem), one]))
  return [...once.values()].filter(({ problem }) => splitOf(problem) === split)
}

/** The problems in an order of their own for each path of the random numbers. */
export function shuffled(
  config: Pick<SpcTextConfig, 'seed'>,
  problems: readonly Worked[],
  ...path: (string | number)[]
) {
  return new Stream(config.seed, ...path).permutation(problems.length).flatMap((index) => problems[index] ?? [])
}
