import { sameAnswer } from './equivalence.ts'
import { finalFormula, finalNumber } from './final-answer.ts'

/** Whether a solution ends with the right answer, and what it ends with; says nothing of its steps. */
export interface Grade {
  answer: string | null
  right: boolean
}

/**
 * A solution that marks no answer states its last number where the right answer is a number, as GSM8K is graded, and the last
 * formula of its last line where it is none.
 */
export function grade(solution: string, truth: string): Grade {
  const answer = isNumber(truth) ? finalNumber(solution) : finalFormula(solution)
  return { answer, right: answer !== null && sameAnswer(answer, truth) }
}

const isNumber = (text: string): boolean => /^\s*\\?\$?\s*[-+]?\$?[\d,]*\.?\d+\s*$/.test(text)
