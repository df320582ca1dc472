/**
 * MR-GSM8K (Zeng et al. 2023, arXiv 2312.17080): model solutions to GSM8K problems, also reversed ones and ones that are to be
 * solved by a program. The first wrong step counts from 1 in the file; a right solution has none.
 */
import { z } from 'zod'
import { parseRecords } from '../json-lines.ts'
import { type Benchmark, identifier, type JudgedSolution, statementText, stepTexts } from './judged-solution.ts'
import { concludeMrScore } from './mr-score.ts'
import { correctness, mistakeOf, stepNumber } from './mr-fields.ts'

const line = z
  .object({
    uuid: identifier,
    question: statementText,
    model_output_steps: stepTexts,
    model_output_solution_correctness: correctness,
    model_output_solution_first_error_step: stepNumber,
    question_type: z.string().default('original'),
  })
  .transform((row, context): JudgedSolution => {
    const { model_output_solution_correctness: right, model_output_solution_first_error_step: step } = row
    const steps = row.model_output_steps
    return {
      id: row.uuid,
      problem: row.question,
      steps,
      ...mistakeOf({ right, step, steps }, 'model_output_solution_first_error_step', context),
      group: row.question_type,
    }
  })

const form =
  'each record is JSON with uuid, question, model_output_steps, model_output_solution_correctness and model_output_solution_first_error_step'

export const mrGsm8k: Benchmark = {
  summary: 'MR-GSM8K: is the solution right, and where is its first wrong step?',
  scores: 'first error',
  read: (text, source) => parseRecords(text, source, line, form),
  conclude: concludeMrScore,
}
