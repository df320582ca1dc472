import { z } from 'zod'
import { parseRecords } from '../json-lines.ts'
import { problemKey } from '../problems/training.ts'
import { finalAnswer } from './final-answer.ts'

const worked = z.object({ question: z.string(), answer: z.string() }).transform(({ question, answer }) => ({
  problem: question,
  answer: finalAnswer(answer) ?? answer,
}))
const short = z.object({ problem: z.string(), answer: z.string() })

/** A benchmark's own answers by `problemKey`, from GSM8K's form (question, answer that ends with ####) or MATH's (problem, answer). */
export function parseReferences(text: string, source: string): Map<string, string> {
  const form = 'each record is JSON with problem or question, and answer'
  const rows = parseRecords<z.infer<typeof short>>(text, source, z.union([short, worked]), form)
  return new Map(rows.map(({ problem, answer }) => [problemKey(problem), answer]))
}
