import { fraction, Stream } from '../../shared/random.ts'
import { taskFrom } from '../../tasks/registry.ts'
import type { Split, Task } from '../../tasks/task.ts'
import type { SpcConfig } from './config.ts'
import { parseSolution } from './prompts.ts'

export const taskOf = (config: Pick<SpcConfig, 'task'>): Task => taskFrom(config.task)

/** A problem belongs to one split for ever, by its own text: 80 % train, 10 % validation, 10 % test. */
export function splitOf(problem: string): Split {
  const place = fraction(problem)
  return place < 0.8 ? 'train' : place < 0.9 ? 'validation' : 'test'
}

/** The problem at a path of the random numbers, of the wanted split. */
export function problemAt(
  config: Pick<SpcConfig, 'task' | 'seed'>,
  split: Split,
  ...path: (string | number)[]
): string {
  const task = taskOf(config)
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const problem = task.problem(new Stream(config.seed, 'problem', ...path, attempt).draws())
    if (splitOf(problem) === split) return problem
  }
  throw new Error(`no ${split} problem at ${path.join('/')} in 10,000 attempts`)
}

export const rightAnswer = (task: Task, problem: string): string | null => task.answer(problem, task.solve(problem))

/**
 * The steps of a solution that is made of nothing else; null for any other text. Its outcome may be wrong, and its steps
 * too, but it is no longer than a solution may be: what the lengths of prompts are bounded by.
 */
export function solutionSteps(task: Task, text: string): string[] | null {
  const steps = parseSolution(text)
  return steps && steps.length <= task.longest.steps && steps.every((step) => task.isStep(step)) ? steps : null
}
