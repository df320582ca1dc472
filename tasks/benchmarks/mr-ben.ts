/**
 * MR-Ben (Zeng et al. 2024, arXiv 2406.13975): solutions of three models to multiple-choice questions, by subject. The first
 * wrong step is a text that counts from 1, or N/A. The choices belong to the question. A published file (data/biology.json) is
 * one object, the solutions of each question by its identifier; its two levels, `high_school_biology` and `college_biology`,
 * are one subject to the authors' script, and so they are here.
 *
 * Of the coding subject a solution is one text and its first error a line of it, which only a model judges: there are no
 * steps to ask a critic for.
 */
import { z } from 'zod'
import { parseRecords } from '../json-lines.ts'
import { type Benchmark, identifier, type JudgedSolution, statementText, stepTexts } from './judged-solution.ts'
import { correctness, mistakeOf, stepNumber } from './mr-fields.ts'
import { concludeMrScore } from './mr-score.ts'

const line = z
  .object({
    Question_UUID: identifier,
    Question: statementText,
    Options: z.string().max(50_000).default(''),
    Subject: z.string().default('all subjects'),
    Sampled_Model: z.string().default('model'),
    Model_Solution_Steps: z
      .unknown()
      .refine((steps) => typeof steps !== 'string', 'one text (of the coding subject?), and no list of steps to judge')
      .pipe(stepTexts),
    Model_Solution_Correctness: correctness,
    Model_Solution_First_Error_Step: stepNumber,
  })
  .transform((row, context): JudgedSolution => {
    const {
      Model_Solution_Correctness: right,
      Model_Solution_First_Error_Step: step,
      Model_Solution_Steps: steps,
    } = row
    return {
      id: `${row.Question_UUID}/${row.Sampled_Model}`,
      problem: [row.Question, row.Options].filter((part) => part.trim() !== '').join('\n'),
      steps,
      ...mistakeOf({ right, step, steps }, 'Model_Solution_First_Error_Step', context),
      group: row.Subject.replace(/^(?:high_school|college)_/, ''),
    }
  })

const form =
  'each record is JSON with Question_UUID, Question, Options, Model_Solution_Steps, Model_Solution_Correctness and Model_Solution_First_Error_Step'

export const mrBen: Benchmark = {
  summary: 'MR-Ben: is the solution right, and where is its first wrong step?',
  scores: 'first error',
  read: (text, source) => parseRecords(text, source, line, form),
  conclude: concludeMrScore,
}
