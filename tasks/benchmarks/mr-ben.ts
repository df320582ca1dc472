/**
 * MR-Ben (Zeng et al. 2024, arXiv 2406.13975): solutions of three models to multiple-choice questions, by subject. The first
 * wrong step is a text that counts from 1, or N/A. The choices belong to the question.
 */
import { z } from 'zod'
import { parseRecords } from '../json-lines.ts'
import { type Benchmark, identifier, statementText, stepTexts } from './judged-solution.ts'
import { correctness, firstErrorOf, stepNumber } from './mr-fields.ts'
import { concludeMrScore } from './mr-score.ts'

const line = z
  .object({
    Question_UUID: identifier,
    Question: statementText,
    Options: z.string().max(50_000).default(''),
    Subject: z.string().default('all subjects'),
    Sampled_Model: z.string().default('model'),
    Model_Solution_Steps: stepTexts,
    Model_Solution_Correctness: correctness,
    Model_Solution_First_Error_Step: stepNumber,
  })
  .transform((row, context) => ({
    id: `${row.Question_UUID}/${row.Sampled_Model}`,
    problem: [row.Question, row.Options].filter((part) => part.trim() !== '').join('\n'),
    steps: row.Model_Solution_Steps,
    firstError: firstErrorOf(
      row.Model_Solution_Correctness,
      row.Model_Solution_First_Error_Step,
      row.Model_Solution_Steps,
      'Model_Solution_First_Error_Step',
      context,
    ),
    group: row.Subject,
  }))

const form =
  'each record is JSON with Question_UUID, Question, Options, Model_Solution_Steps, Model_Solution_Correctness and Model_Solution_First_Error_Step'

export const mrBen: Benchmark = {
  summary: 'MR-Ben: is the solution right, and where is its first wrong step?',
  read: (text, source) => parseRecords(text, source, line, form),
  conclude: concludeMrScore,
}
