/**
 * PRM800K (Lightman et al. 2023, arXiv 2305.20050): solutions to MATH problems whose steps people rated 1 (right), 0 (neutral) or
 * -1 (wrong), up to the first wrong one. Four forms of record are read:
 *
 *   {question, label, …}                         the published files' own, see prm800k-record.ts
 *   {id, problem, steps, ratings, math_split?}       one solution; `first_error_step` (from 1), where given, must agree
 *   {id, problem, steps, first_error_step}           the same without ratings; null: the solution is right
 *   {id, problem, partial_solution, correct_last_step, incorrect_last_step}     see `parsePairs`
 */
import { z } from 'zod'
import { parseRecords } from '../json-lines.ts'
import {
  type Benchmark,
  identifier,
  type JudgedSolution,
  statementText,
  stepTexts,
  withinSteps,
} from './judged-solution.ts'
import { concludeLocation } from './location.ts'
import { isRecord, rating, recordForm, solutionOfRecord, verdictOf } from './prm800k-record.ts'
import type { SingleStep } from './single-step.ts'

const solution = z
  .object({
    id: identifier,
    problem: statementText,
    steps: stepTexts,
    ratings: z.array(rating).optional(),
    first_error_step: z.int().min(1).nullish(),
    math_split: z.string().default('prm800k'),
  })
  .refine(({ ratings, first_error_step: first }) => ratings !== undefined || first !== undefined, {
    path: ['ratings'],
    message: 'neither ratings nor first_error_step',
  })
  .refine(({ ratings, steps }) => ratings === undefined || ratings.length === steps.length, {
    path: ['ratings'],
    message: 'not one for each step',
  })
  .refine(({ first_error_step: first, steps }) => withinSteps((first ?? 1) - 1, steps), {
    path: ['first_error_step'],
    message: 'there is no such step',
  })
  .refine(
    ({ ratings, first_error_step: first }) =>
      ratings === undefined || first === undefined || ratings.indexOf(-1) === (first ?? 0) - 1,
    { path: ['first_error_step'], message: 'it is not the first rating of -1' },
  )
  .transform(({ id, problem, steps, ratings, first_error_step: first, math_split: group }): JudgedSolution => {
    const firstWrong = ratings ? ratings.indexOf(-1) : (first ?? 0) - 1
    return {
      id,
      problem,
      steps,
      firstError: firstWrong < 0 ? null : firstWrong,
      ...(ratings && { labels: ratings.map(verdictOf) }),
      group,
    }
  })

const form = `each record is JSON with id, problem, steps and ratings (1, 0 or -1) or first_error_step (from 1, or null); ${recordForm}`

/** Not a union: of what fits neither form, a union cannot say which field is wrong. */
const either = z.unknown().transform((value, context): JudgedSolution | null => {
  const parsed = isRecord(value) ? solutionOfRecord.safeParse(value) : solution.safeParse(value)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path, message })
  return z.NEVER
})

export const prm800k: Benchmark = {
  summary: 'PRM800K: where is the first step that people rated wrong?',
  scores: 'first error',
  read: (text, source) => parseRecords(text, source, either, form).filter((one) => one !== null),
  conclude: concludeLocation,
}

const pair = z.object({
  id: identifier,
  problem: statementText,
  partial_solution: z.string().max(200_000),
  correct_last_step: statementText,
  incorrect_last_step: statementText,
})
const pairForm = 'each record is JSON with id, problem, partial_solution, correct_last_step and incorrect_last_step'

/** SPC's own form of its PRM800K test: a right and a wrong step behind the same steps, which stand on lines of their own. */
export function parsePairs(text: string, source: string): SingleStep[] {
  return parseRecords(text, source, pair, pairForm).flatMap(
    ({ id, problem, partial_solution: before, correct_last_step: right, incorrect_last_step: wrong }): SingleStep[] => {
      const place = { id, problem, done: before === '' ? [] : before.split('\n'), group: 'pairs' }
      return [
        { ...place, step: right, label: 'Correct' },
        { ...place, step: wrong, label: 'Incorrect' },
      ]
    },
  )
}
