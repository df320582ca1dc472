/** Between the solutions of a benchmark and the lines of an evaluation, each of which asks a critic for one step. */
import type { JudgedSolution, StepVerdicts, Verdict } from './judged-solution.ts'

export interface StepLine {
  problem: string
  /** The steps before it. */
  done: string[]
  step: string
  /** Null where the benchmark says nothing of it: behind the first error, unless its steps are labelled one by one. */
  label: Verdict | null
  group: string
}

/** Every step of every solution, in order. */
export function stepLines(solutions: readonly JudgedSolution[]): StepLine[] {
  return solutions.flatMap((solution) =>
    solution.steps.map((step, index) => ({
      problem: solution.problem,
      done: solution.steps.slice(0, index),
      step,
      label: labelOf(solution, index),
      group: solution.group,
    })),
  )
}

function labelOf({ labels, firstError }: JudgedSolution, index: number): Verdict | null {
  if (labels) return labels[index] ?? null
  if (firstError === null || index < firstError) return 'Correct'
  return index === firstError ? 'Incorrect' : null
}

/**
 * The verdicts of each solution's steps, from those of lines that are numbered as `stepLines` has them. Lines that were not
 * judged, or not with one of the two words, cannot be read.
 */
export function verdictsOfSolutions(
  solutions: readonly JudgedSolution[],
  judged: readonly { item: number; verdict: string | null }[],
): StepVerdicts[] {
  const byItem = new Map(judged.map(({ item, verdict }) => [item, verdict]))
  let item = 0
  return solutions.map(({ steps }) =>
    steps.map((): Verdict | null => {
      const verdict = byItem.get(item++)
      return verdict === 'Correct' || verdict === 'Incorrect' ? verdict : null
    }),
  )
}
