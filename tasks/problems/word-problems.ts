/**
 * Readers of the published files of word problems, as JSON Lines:
 *
 *   gsm8k   {question, answer}: the worked steps, with calculator marks, and the number behind `####` (Cobbe et al. 2021)
 *   math    {problem, answer, level?, subject?, solution?}: the answer in LaTeX (Hendrycks et al. 2021); MATH500 has solutions
 *   svamp   {Body, Question, Answer, Equation?} (Patel et al. 2021)
 *   mawps   {input, target} (Koncel-Kedziorski et al. 2016): AddSub, MultiArith, SingleEq, SingleOp
 */
import { z } from 'zod'
import { finalAnswer } from '../answers/final-answer.ts'
import { parseLines } from '../json-lines.ts'

export interface WordProblem {
  problem: string
  /** The reference solution step by step; empty where the file states only the answer. */
  steps: string[]
  answer: string
  /** Which of its makers' splits it stands in. Only `train` may be trained on: `trainingProblems` sees to it. */
  split: PublishedSplit
}
export type PublishedSplit = 'train' | 'test'

const number = z.union([z.number(), z.string().min(1)]).transform(String)
const statement = z.string().regex(/\S/, 'there is no text')

const worked = z.string().regex(/^\s*####.*\d/m, 'it does not end with #### and a number')
const gsm8k = z.object({ question: statement, answer: worked }).transform(({ question, answer }) => ({
  problem: question,
  answer: finalAnswer(answer) ?? '',
  steps: cutIntoSteps(answer.replace(/^\s*####.*$/m, '').replaceAll(/<<[^<>]*>>/g, '')),
}))

const math = z
  .object({ problem: statement, answer: z.string(), solution: z.string().default('') })
  .transform(({ solution, ...rest }) => ({ ...rest, steps: cutIntoSteps(solution) }))

const svamp = z
  .object({ Body: z.string(), Question: statement, Answer: number })
  .transform(({ Body, Question, Answer }) => ({
    problem: `${Body.trim().replace(/(?<![.?!,])$/, '.')} ${Question.trim()}`.trim(),
    answer: Answer,
    steps: [],
  }))

const mawps = z
  .object({ input: statement, target: number })
  .transform(({ input, target }) => ({ problem: input.trim(), answer: target, steps: [] }))

const forms = {
  gsm8k: { schema: gsm8k, fields: 'question and answer, which ends with #### and the number' },
  math: { schema: math, fields: 'problem and answer, and maybe solution' },
  svamp: { schema: svamp, fields: 'Body, Question and Answer' },
  mawps: { schema: mawps, fields: 'input and target' },
}
export type ProblemForm = keyof typeof forms
export const problemForms: readonly ProblemForm[] = ['gsm8k', 'math', 'svamp', 'mawps']

/**
 * The problems of a published file, without those that state no answer (MATH's training split has one). Whether it is the
 * training or the test split, only its name says: the caller knows.
 */
export function parseProblems(form: ProblemForm, text: string, source: string, split: PublishedSplit): WordProblem[] {
  const { schema, fields } = forms[form]
  const lines = parseLines<Omit<WordProblem, 'split'>>(text, source, schema, `each line is JSON with ${fields}`)
  return lines.filter(({ answer }) => answer.trim() !== '').map((line) => ({ ...line, split }))
}

/** A solution's steps: its paragraphs where it has any, as ProcessBench cuts solutions, otherwise its lines. */
export function cutIntoSteps(solution: string): string[] {
  const paragraphs = paragraphsOf(solution)
  return paragraphs.length > 1 ? paragraphs : trimmed(solution.split('\n'))
}

/** Its parts with blank lines between them. */
export const paragraphsOf = (text: string): string[] => trimmed(text.split(/\n\s*\n/))

const trimmed = (parts: readonly string[]): string[] => parts.map((part) => part.trim()).filter((part) => part !== '')
