import { sameAnswer } from './equivalence.ts'
import { finalAnswer, finalNumber } from './final-answer.ts'

/** Whether a solution ends with the right answer, and what it ends with; says nothing of its steps. */
export interface Grade {
  answer: string | null
  right: boolean
}

/** Where the right answer is a number, a solution that marks no answer states its last number, as GSM8K is graded. */
export function grade(solution: string, truth: string): Grade {
  const answer = isNumber(truth) ? finalNumber(solution) : finalAnswer(solution)
  return { answer, right: answer !== null && sameAnswer(answer, truth) }
}

const isNumber = (text: string): boolean => /^\s*\\?\$?\s*[-+]?\$?[\d,]*\.?\d+\s*$/.test(text)
