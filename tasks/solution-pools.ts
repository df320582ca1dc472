import { z } from 'zod'
import { UserError } from '../shared/errors.ts'
import { finalAnswer } from './answers/final-answer.ts'
import { normalise } from './answers/normal-form.ts'
import { readEqualities } from './equalities.ts'
import type { Claim } from './task.ts'

/**
 * Pools of solutions to one question each, as JSON Lines, with what their makers say of each solution. Two forms are read:
 *
 *   {question, ground_truth, pool_size, pool_correct, candidates: [{steps, extracted_answer, is_correct}]}
 *   {question, ground_truth, <model>: {solution, is_correct}, …}     (GSM8K's example_model_solutions)
 *
 * A pool of the first form holds as many right solutions as wrong ones, whatever their share was among those sampled: its
 * right ones together weigh `pool_correct / pool_size`, its wrong ones the rest. In the second form each model has one vote.
 */
export interface PooledSolution {
  text: string
  answer: string | null
  right: boolean
  weight: number
}
export interface Pool {
  question: string
  /** The right answer, as its makers state it. */
  truth: string
  solutions: PooledSolution[]
}

const sampledPool = z.object({
  question: z.string(),
  ground_truth: z.string(),
  pool_size: z.int().min(1),
  pool_correct: z.int().min(0),
  candidates: z.array(
    z.object({ steps: z.array(z.string()), extracted_answer: z.string().nullable(), is_correct: z.boolean() }),
  ),
})
const modelSolution = z.object({ solution: z.string(), is_correct: z.boolean() })
const modelPool = z
  .object({ question: z.string(), ground_truth: z.string() })
  .catchall(modelSolution)
  .refine((line) => Object.keys(line).length > 2, 'no model has a solution')

export function parsePools(text: string, source: string): Pool[] {
  return text.split('\n').flatMap((line, index): Pool[] => {
    if (line.trim() === '') return []
    const value = json(line)
    const [sampled, models] = [sampledPool.safeParse(value), modelPool.safeParse(value)]
    if (sampled.success) return [ofSamples(sampled.data)]
    if (models.success) {
      const { question, ground_truth, ...solutions } = models.data
      return [
        {
          question,
          truth: finalAnswer(ground_truth) ?? ground_truth,
          solutions: Object.values(solutions).map((one) => ofModel(modelSolution.parse(one))),
        },
      ]
    }
    throw new UserError(
      `${source}, line ${index + 1}: not a pool of solutions`,
      'each line is JSON with question, ground_truth, pool_size, pool_correct and candidates, or with a solution and is_correct for each model',
    )
  })
}

function json(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

function ofSamples({
  question,
  ground_truth: truth,
  pool_size: size,
  pool_correct: correct,
  candidates,
}: z.infer<typeof sampledPool>): Pool {
  const rightOnes = candidates.filter((candidate) => candidate.is_correct).length
  const share = { right: correct / size / rightOnes, wrong: (1 - correct / size) / (candidates.length - rightOnes) }
  const solutions = candidates.map(({ steps, extracted_answer: answer, is_correct: right }): PooledSolution => {
    return { text: steps.join('\n'), answer: stated(answer), right, weight: right ? share.right : share.wrong }
  })
  return { question, truth, solutions }
}

function ofModel({ solution, is_correct: right }: z.infer<typeof modelSolution>): PooledSolution {
  const answer = /(?:^|\n)A:\s*(.*)\s*$/.exec(solution)?.[1] ?? null
  return { text: solution, answer: stated(answer), right, weight: 1 }
}

/** One text for answers that are typed differently; null where nothing is stated. */
const stated = (answer: string | null): string | null => normalise(answer ?? '') || null

/** The equalities of a solution that the arithmetic task can express, and how many it claims in all. */
export function readSolution(text: string): { equalities: Claim[]; claimed: number } {
  const marked = [...text.matchAll(/<<([^<>]*)>>/g)].map(([, inside]) => inside ?? '')
  const lines = marked.length > 0 ? marked : plain(text).split('\n')
  const read = lines.map(readEqualities)
  return {
    equalities: read.flatMap(({ claims }) => claims),
    claimed: read.reduce((sum, { claimed }) => sum + claimed, 0),
  }
}

/** A line of LaTeX or Markdown without words and decoration. */
function plain(text: string): string {
  return text
    .replace(/\\(text|mathrm|textbf)\{[^{}]*\}/g, ' ')
    .replace(/\\(times|cdot)|×/g, '*')
    .replace(/(\d),(?=\d{3})/g, '$1')
    .replace(/\\[()[\]]|\\?\$|\*\*|\\boxed|[{}]/g, ' ')
    .replace(/^[^=\n]*:(?=[^=\n]*=)/gm, '')
}
