/** Fields that MR-GSM8K and MR-Ben write alike. */
import { z } from 'zod'
import { type JudgedSolution, withinSteps } from './judged-solution.ts'

/** Whether a solution is right; both “wrong” and “incorrect” are in use. */
export const correctness = z
  .string()
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.enum(['correct', 'incorrect', 'wrong']))
  .transform((text) => text === 'correct')

/** The first wrong step, counted from 1, as a number or a text; null for none. */
export const stepNumber = z
  .union([z.int(), z.string().regex(/^\s*(?:\d{1,4}|n\/?a)?\s*$/i, 'neither a number nor N/A')])
  .nullish()
  .transform((value) => (typeof value === 'number' ? value : /\d/.test(value ?? '') ? Number(value) : null))

/**
 * The first wrong step from 0. A wrong solution must have one, and only a wrong one has. MR-Ben's file of medicine names a step
 * behind the last one; the authors' script takes the solution as wrong, and no answer meets its place: so it is here, and nothing
 * is known of any of its steps.
 */
export function mistakeOf(
  { right, step, steps }: { right: boolean; step: number | null; steps: readonly string[] },
  field: string,
  context: z.RefinementCtx,
): Pick<JudgedSolution, 'firstError' | 'labels'> {
  if (right) return { firstError: null }
  if (step === null || step < 1) {
    context.addIssue({ code: 'custom', path: [field], message: 'the solution is wrong, and this is no step' })
    return z.NEVER
  }
  return { firstError: step - 1, ...(withinSteps(step - 1, steps) ? {} : { labels: steps.map(() => null) }) }
}
