import { problemKey } from '../problems/training.ts'
import type { Pool } from '../solution-pools.ts'
import { sameAnswer } from './equivalence.ts'
import { lastNumber } from './final-answer.ts'
import { grade } from './grade.ts'

/** Why a label says something else than our grade; `unexplained` is what to look at. */
export const reasons = {
  comma: 'the label calls a right answer wrong as it is written with a thousands comma',
  fragment: 'the file states only a part of the right answer, and the label goes by that',
  unmarked: 'the solution marks no answer, and the right one is no plain number that could be found without',
  unexplained: 'none of these',
}
export type Reason = keyof typeof reasons

/** A solution that its maker's label calls otherwise than our grade by the file's right answer, or by the benchmark's. */
export interface Disagreement {
  /** Which pool of the file, and which of its solutions, counted from 1. */
  pool: number
  solution: number
  /** The right answer as the file states it, and as the benchmark itself does; null where that was not given. */
  truth: string
  reference: string | null
  answer: string | null
  label: 'right' | 'wrong'
  reason: Reason
  /** By the benchmark's own answer: is the label mistaken, or what the file states of the right answer? */
  mistaken: 'label' | 'truth' | null
}
export interface Agreement {
  solutions: number
  /** By the right answers as the file states them. */
  agreed: number
  /** By the answers of the benchmark that the questions are from, for those questions that it has; null without any. */
  byReference: { solutions: number; agreed: number } | null
  disagreements: Disagreement[]
}

/**
 * Our grades beside the labels of the makers. `references` are the answers of the benchmark that the questions are from, by
 * `problemKey`: they tell a wrong label from a wrong statement of the right answer.
 */
export function agreement(pools: readonly Pool[], references: ReadonlyMap<string, string> = new Map()): Agreement {
  const graded = pools.flatMap(({ question, truth, solutions }, pool) => {
    const reference = references.get(problemKey(question)) ?? null
    return solutions.map(({ text, right: label }, solution) => {
      const { answer, right } = grade(text, truth)
      const byReference = reference === null ? null : grade(text, reference)
      return { pool: pool + 1, solution: solution + 1, truth, reference, answer, label, right, byReference }
    })
  })
  const referred = graded.flatMap(({ label, byReference }) => (byReference ? [byReference.right === label] : []))
  const disagreements = graded.flatMap(({ label, right, byReference, ...place }): Disagreement[] => {
    const mistaken = byReference === null ? null : byReference.right === label ? 'truth' : 'label'
    if (right === label && mistaken !== 'label') return []
    const called = label ? 'right' : 'wrong'
    if (mistaken === 'label' && byReference?.answer === null) {
      return [{ ...place, label: called, reason: 'unmarked', mistaken: null }]
    }
    const answer = byReference?.answer ?? place.answer
    return [{ ...place, answer, label: called, reason: reasonFor(answer ?? '', { ...place, label }), mistaken }]
  })
  return {
    solutions: graded.length,
    agreed: graded.filter(({ label, right }) => label === right).length,
    byReference: referred.length === 0 ? null : { solutions: referred.length, agreed: referred.filter(Boolean).length },
    disagreements,
  }
}

/** With the benchmark's answer it is known whether the file states all of it; without, the texts must tell. */
function reasonFor(
  answer: string,
  { truth, reference, label }: { truth: string; reference: string | null; label: boolean },
): Reason {
  if (reference !== null && !sameAnswer(truth, reference)) return 'fragment'
  if (!label) return /\d,\d{3}/.test(answer) && !/\d,\d{3}/.test(truth) ? 'comma' : 'unexplained'
  // The sign before the number may have been a minus between two terms, or one that belongs to the whole fraction.
  const unsigned = (text: string): string => text.replace(/^[-+\s]+/, '')
  const last = lastNumber(answer)
  return last !== null && sameAnswer(unsigned(last), unsigned(truth)) ? 'fragment' : 'unexplained'
}
