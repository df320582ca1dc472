/**
 * ProcessBench (Zheng et al. 2024, arXiv 2412.06559): solutions of twelve models to problems of GSM8K, MATH, OlympiadBench
 * and Omni-MATH; people marked the first wrong step. `{id, problem, steps, label}`: label counts from 0, -1 is none. The subset
 * stands before the dash of the id.
 */
import { z } from 'zod'
import { parseRecords } from '../json-lines.ts'
import { type Benchmark, identifier, statementText, stepTexts, withinSteps } from './judged-solution.ts'
import { concludeLocation } from './location.ts'

const line = z
  .object({ id: identifier, problem: statementText, steps: stepTexts, label: z.int().min(-1) })
  .refine(({ label, steps }) => label === -1 || withinSteps(label, steps), {
    path: ['label'],
    message: 'there is no such step',
  })
  .transform(({ id, problem, steps, label }) => ({
    id,
    problem,
    steps,
    firstError: label === -1 ? null : label,
    group: id.replace(/-[^-]*$/, ''),
  }))

const form = 'each record is JSON with id, problem, steps and label (the first wrong step from 0, or -1)'

export const processBench: Benchmark = {
  summary: 'ProcessBench: where is the first wrong step?',
  scores: 'first error',
  read: (text, source) => parseRecords(text, source, line, form),
  conclude: concludeLocation,
}
