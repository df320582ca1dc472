import { Stream } from '../../shared/random.ts'
import type { Example } from '../../shared/recipe.ts'
import { errorTypes, type Corruption, type ErrorType, type Split } from '../../tasks/task.ts'
import type { SpcConfig } from './config.ts'
import { type Judging, labelledCritique, ownStepExamples } from './critique.ts'
import { problemAt, taskOf } from './problems.ts'
import { generatorCompletion, generatorPrompt, solverCompletion, solverPrompt, type Verdict } from './prompts.ts'

/**
 * Labelled examples, made by the task in place of the paper's PRM800K pairs and GPT-4 texts. The critic's are of the
 * coarse error types only: it starts blind to wrong results (`calculation`), and play has to teach it those.
 */
const coarse: readonly ErrorType[] = ['logic', 'condition', 'rule', 'approach']

export interface CorruptedStep extends Corruption {
  problem: string
  done: string[]
  right: string
  type: ErrorType
}

/** A random step of a random problem's reference solution, made wrong. A pure function of (seed, path). */
export function corruptedStep(
  config: Pick<SpcConfig, 'task' | 'seed'>,
  split: Split,
  types: readonly ErrorType[],
  ...path: (string | number)[]
): CorruptedStep {
  const task = taskOf(config)
  for (let attempt = 0; attempt < 1000; attempt++) {
    const problem = problemAt(config, split, ...path, attempt)
    const draws = new Stream(config.seed, 'corrupt', ...path, attempt).draws()
    const steps = task.solve(problem)
    const chosen = draws.between(0, steps.length - 1)
    const done = steps.slice(0, chosen)
    const right = steps[chosen]!
    const type = draws.pick(types)
    const corruption = task.corrupt(problem, done, right, type, draws)
    if (corruption) return { problem, done, right, type, ...corruption }
  }
  throw new Error(`no step with room for ${types.join(', ')} at ${path.join('/')}`)
}

const supervised = (prompt: string, completion: string): Example => ({
  prompt,
  completion,
  kind: 'supervised',
  advantage: 0,
})

/** Pair `pair` of the generator's labelled set. */
export function generatorExample(config: SpcConfig, pair: number): Example {
  const wrong = corruptedStep(config, 'train', errorTypes, 'generator pair', pair)
  return supervised(generatorPrompt(wrong.problem, wrong.done, wrong.right), generatorCompletion(wrong))
}

/** A labelled pair for a critic: a step made wrong and the right one, each with its critique. */
export function criticExamples(
  config: Judging & { seed: number },
  types: readonly ErrorType[],
  ...path: (string | number)[]
): [Example, Example] {
  const { right, ...wrong } = corruptedStep(config, 'train', types, ...path)
  const judged = (step: string, verdict: Verdict): Example => {
    const { prompt, completion } = labelledCritique(config, { ...wrong, step }, right, verdict)
    return supervised(prompt, completion)
  }
  return [judged(wrong.step, 'Incorrect'), judged(right, 'Correct')]
}

/** Pair `pair` of the critic's labelled set, and what a blind critic needs besides. */
export function criticRows(config: SpcConfig, pair: number): Example[] {
  const { problem, done } = corruptedStep(config, 'train', coarse, 'critic pair', pair)
  const own = ownStepExamples(config, problem, done).map(({ prompt, completion }) => supervised(prompt, completion))
  return [...criticExamples(config, coarse, 'critic pair', pair), ...own]
}

/** The labelled set of round 0: fixed, small, and the source of the supervised rows in every later round. */
export function supervisedExamples(learner: 'critic' | 'generator', config: SpcConfig): Example[] {
  const pairs = Array.from({ length: config.supervised[learner].pairs }, (_, pair) => pair)
  return learner === 'critic'
    ? pairs.flatMap((pair) => criticRows(config, pair))
    : pairs.map((pair) => generatorExample(config, pair))
}

/** A row of a base model's training at a path of the random numbers: a worked problem, or (a few) a check of a coarse error. */
export function baseExample(
  config: Judging & { seed: number },
  name: string,
  checks: number,
  ...path: number[]
): Example {
  const draws = new Stream(config.seed, name, ...path).draws()
  if (draws.uniform() < checks) return criticExamples(config, coarse, name, ...path)[draws.between(0, 1)]!
  const problem = problemAt(config, 'train', name, ...path)
  return supervised(solverPrompt(problem), solverCompletion(taskOf(config).solve(problem)))
}
