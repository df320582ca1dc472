/**
 * What published benchmarks of critics have in common: solutions cut into steps, with what their makers say of the steps.
 * Every reader makes this form of its file, and every protocol works on it.
 */
import { z } from 'zod'
import type { Data } from '../../shared/recipe.ts'

export type Verdict = 'Correct' | 'Incorrect'

/** A step that stands behind the same steps as the solution's own step `index`. */
export interface OtherStep {
  index: number
  step: string
  label: Verdict
}

export interface JudgedSolution {
  id: string
  problem: string
  /** At least one. */
  steps: string[]
  /** The first wrong step, counted from 0; null where no step is wrong. */
  firstError: number | null
  /**
   * One for each step, where the benchmark labels steps beyond the first error; null where a step has no label, or one
   * that is neither right nor wrong.
   */
  labels?: (Verdict | null)[]
  /** Further steps that people judged in the place of one of these, where the benchmark has any. */
  others?: OtherStep[]
  /** The part of the benchmark that is reported by itself: a subset, a subject, a kind of error. */
  group: string
}

/** What a critic said of a solution's steps, in order: null where it cannot be read. It may end behind the first that is not Correct. */
export type StepVerdicts = readonly (Verdict | null)[]

/** A result for people and for programs. */
export interface Conclusion {
  lines: string[]
  numbers: Data
}

/** A benchmark: how its file is read, and what a critic's verdicts on all of its solutions add up to. */
export interface Benchmark {
  summary: string
  /** What counts in its protocol: where the first error is seen (`locate`), or what is said of every step. */
  scores: 'first error' | 'every step'
  /** Throws a UserError that names the line and the field that do not fit. */
  read(text: string, source: string): JudgedSolution[]
  /** `verdicts` belong to the solutions in their order; a solution without any counts as unreadable. */
  conclude(solutions: readonly JudgedSolution[], verdicts: readonly StepVerdicts[]): Conclusion
}

/** Where a critic sees the first error: a step counted from 0, null for none, or that it cannot be said. */
export type Location = number | null | 'unreadable'

/**
 * A step-by-step critic's first error: the first step that it calls Incorrect; none where it calls all of them Correct. A
 * verdict that cannot be read, or is missing, before that leaves the place open: no protocol counts it as right.
 */
export function locate(verdicts: StepVerdicts, steps: number): Location {
  for (let step = 0; step < steps; step++) {
    const verdict = verdicts[step] ?? null
    if (verdict === null) return 'unreadable'
    if (verdict === 'Incorrect') return step
  }
  return null
}

/** Files are not trusted: texts longer than these are no steps of a solution (the longest published ones are far below). */
export const statementText = z.string().regex(/\S/, 'there is no text').max(50_000)
export const stepTexts = z.array(z.string().max(50_000)).min(1, 'there is no step').max(2_000)
/** What names a solution. */
export const identifier = z.union([z.string().min(1).max(1_000), z.int().transform(String)])

/** Refuses an error beyond the last step; `index` is counted from 0. */
export const withinSteps = (index: number | null, steps: readonly string[]): boolean =>
  index === null || (index >= 0 && index < steps.length)
