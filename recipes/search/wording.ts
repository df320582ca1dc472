import { range } from '../../shared/collections.ts'
import type { Rows } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { critiqueQuestion, critiqueSampling, critiquesOf } from '../spc/critique.ts'
import { solutionTokens, stepTokens } from '../spc/lengths.ts'
import { problemAt, rightAnswer, solutionSteps } from '../spc/problems.ts'
import { opening, solverPrompt } from '../spc/prompts.ts'
import type { Posed, Wording } from '../spc/wording.ts'
import type { Proposal } from './chain.ts'
import type { SearchConfig } from './config.ts'
import type { Judge } from './rows.ts'

/** A problem of a search, by its number. */
export interface Searched extends Posed {
  item: number
}

/** What solutions of one problem come to. Answers that mean the same are one text, so that votes can be counted. */
export interface Answers {
  right: string | null
  /** The answer that steps state; null where they state none. */
  of(steps: readonly string[]): string | null
}

/** How solver and critic of a search speak, and what of it can be checked: all that guided search must know of a language. */
export interface SearchWording extends Pick<
  Wording,
  'solverPrompt' | 'critiqueQuestion' | 'critiqueSampling' | 'critiques'
> {
  /** Sets of round 0 that hold the problems; none where a task makes them. */
  readonly sets: readonly string[]
  /** The problems of a shard. */
  problems(rows: Rows, from: number, to: number): Searched[]
  /** Where the solver says the step behind those that stand. */
  stepPrompt(problem: string, done: readonly string[]): string
  /** The step in what it said there; null where it is none. */
  proposal(text: string): Proposal | null
  /** The text that ends a step, where the sampler is to stop at it. */
  readonly ends?: string
  readonly tokens: Record<'solution' | 'step', number>
  /** The steps of a whole solution; null for other texts. */
  steps(text: string): string[] | null
  answers(posed: Posed): Answers
  /** Whether a step is right after the right steps before it, as far as this can be checked; null where it cannot. */
  check(problem: string, done: readonly string[], step: string): boolean | null
  /** Who searches by that check, in the critic's place. */
  readonly checker: Exclude<Judge, 'critic'>
}

/** The closed language of a task with an exact checker. */
export function taskWording(config: SearchConfig): SearchWording {
  const task = taskFrom(config.task)
  return {
    sets: [],
    problems: (_rows, from, to) =>
      range(from, to).map((item) => {
        return { item, problem: problemAt(config, config.search.split, 'search', item), answer: null }
      }),
    solverPrompt,
    stepPrompt: opening,
    proposal(text) {
      // What may follow the mark is not looked at.
      const [, step = '', mark] = /^([^;.]*)([;.])/.exec(text) ?? []
      return mark !== undefined && task.isStep(step) ? { step, ended: mark === '.' } : null
    },
    tokens: { solution: solutionTokens(task), step: stepTokens(task) },
    steps: (text) => solutionSteps(task, text),
    answers: ({ problem }) => {
      return { right: rightAnswer(task, problem), of: (steps) => task.answer(problem, steps) }
    },
    critiqueQuestion: (key, step) => critiqueQuestion(config, key, step),
    critiqueSampling: (samples, temperature) => critiqueSampling(config, samples, temperature),
    critiques: (answer) => critiquesOf(config, answer),
    check: (problem, done, step) => task.check(problem, done, step),
    checker: 'checker',
  }
}
