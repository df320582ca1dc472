import type { Pool } from '../solution-pools.ts'
import { sameAnswer } from './equivalence.ts'
import { lastNumber } from './final-answer.ts'
import { grade } from './grade.ts'

/** Why a label says something else than our grade; `unexplained` is what to look at. */
export const reasons = {
  comma: 'the label calls a right answer wrong as it is written with a thousands comma',
  fragment:
    'the label calls an answer right for its last number alone, which is all that the file states of the right answer',
  unexplained: 'neither',
}
export type Reason = keyof typeof reasons

/** A solution that our grade and its maker's label call differently. */
export interface Disagreement {
  /** Which pool of the file, and which of its solutions, counted from 1. */
  pool: number
  solution: number
  truth: string
  answer: string | null
  label: 'right' | 'wrong'
  reason: Reason
}
export interface Agreement {
  solutions: number
  agreed: number
  disagreements: Disagreement[]
}

/** Our grades beside the labels of the makers. */
export function agreement(pools: readonly Pool[]): Agreement {
  const disagreements = pools.flatMap(({ truth, solutions }, pool) =>
    solutions.flatMap(({ text, right: label }, solution): Disagreement[] => {
      const { answer, right } = grade(text, truth)
      if (right === label) return []
      const place = { pool: pool + 1, solution: solution + 1, truth, answer }
      return [{ ...place, label: label ? 'right' : 'wrong', reason: reasonFor(answer ?? '', truth, label) }]
    }),
  )
  const solutions = pools.reduce((sum, pool) => sum + pool.solutions.length, 0)
  return { solutions, agreed: solutions - disagreements.length, disagreements }
}

function reasonFor(answer: string, truth: string, label: boolean): Reason {
  if (!label) return /\d,\d{3}/.test(answer) && !/\d,\d{3}/.test(truth) ? 'comma' : 'unexplained'
  // The sign before the number may have been a minus between two terms, or one that belongs to the whole fraction.
  const unsigned = (text: string): string => text.replace(/^[-+\s]+/, '')
  const last = lastNumber(answer)
  return last !== null && sameAnswer(unsigned(last), unsigned(truth)) ? 'fragment' : 'unexplained'
}
