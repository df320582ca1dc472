import type { Draws } from '../shared/random.ts'

/** The paper's five error types (SPC, Figure 7). */
export const errorTypes = ['calculation', 'logic', 'condition', 'rule', 'approach'] as const
export type ErrorType = (typeof errorTypes)[number]

export const splits = ['train', 'validation', 'test'] as const
export type Split = (typeof splits)[number]

/** A right step made wrong: the new step, and what was replaced by what (the generator's explanation). */
export interface Corruption {
  step: string
  from: string
  to: string
}

/** What a sentence says of a problem: that `step` is a right first step of it. */
export interface Claim {
  problem: string
  step: string
}

export interface Reading {
  /** Those that the task can express. */
  claims: Claim[]
  /** How many the sentence makes in all, leaving out those that change nothing. */
  claimed: number
}

/**
 * Problems with an exact grader. A task is all that a user writes to train on something else: it makes problems, cuts
 * solutions into steps, grades outcomes, checks single steps and names the vocabulary of its texts. tasks/registry.ts lists them.
 * A problem is its statement: everything else is worked out from the text, so that a row in the database is enough.
 */
export interface Task {
  readonly name: string
  /** Upper bounds in tokens of `vocabulary`, and of steps: what the fixed shapes of sampling and training follow from. */
  readonly longest: {
    /** The statement of a problem. */
    problem: number
    /** Steps of a solution. */
    steps: number
    /** One step. */
    step: number
    /** What a corruption replaces, and what it puts there. */
    replaced: number
  }
  /** A random problem's statement, e.g. `37+48-9*3`. */
  problem(draws: Draws): string
  /** The reference solution, step by step. */
  solve(problem: string): string[]
  /** Whether a text has the form of one step, right or wrong: only such texts are judged. */
  isStep(text: string): boolean
  /**
   * What a step says in the end, itself a step that is right or wrong with it: all that a critic has to compare with a step of its
   * own. Both absent where every part of a step counts.
   */
  readonly claimOf?: (step: string) => string
  /** The same at one length for all steps, so that what differs between two of them stands at one distance. */
  readonly alignedClaimOf?: (step: string) => string
  /** A problem, a step or a part of one as people write it, for reports. */
  render(text: string): string
  /** The outcome that a solution states, which votes are counted by; null when it states none. */
  answer(problem: string, steps: readonly string[]): string | null
  /** Whether the solution's outcome is right; says nothing of its steps. */
  grade(problem: string, steps: readonly string[]): boolean
  /** Whether `step` is right after the (right) steps `done`: the exact checker, the oracle of the reports. */
  check(problem: string, done: readonly string[], step: string): boolean
  /** The right steps' own next step after `done`: what a perfect critique would recompute; null when nothing is left. */
  next(problem: string, done: readonly string[]): string | null
  /** One error of the given type in `step`, or null where this step has no room for it. Never returns a right step. */
  corrupt(problem: string, done: readonly string[], step: string, type: ErrorType, draws: Draws): Corruption | null
  /** What the task can express of a sentence with equalities (`Let's calculate B = (8 - 4) = 4.`); absent where it reads none. */
  readonly readSentence?: (text: string) => Reading
  /** Every token of the task's texts; recipes add their own marks. Encoded by longest match. */
  readonly vocabulary: readonly string[]
  /** How numbers are made of these tokens: each is one, unless given. */
  readonly numbers?: 'whole' | 'by digits'
}
