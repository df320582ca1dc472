import type { Task } from '../../tasks/task.ts'
import type { StepToJudge } from '../spc/critique.ts'
import type { Verdict } from '../spc/prompts.ts'
import { solutionSteps } from '../spc/problems.ts'
import type { SelfCheckConfig } from './config.ts'
import type { Sampled } from './rows.ts'
import { certainty, tally, type Vote } from './vote.ts'

/** A solution that stands for some votes. */
export interface Candidate extends Vote {
  steps: string[]
}

/** Every solution as a vote for the answer that it states. */
export function votesOf(task: Task, problem: string, solutions: readonly string[]): Candidate[] {
  return solutions.map((text) => {
    const steps = solutionSteps(task, text) ?? []
    return { steps, answer: task.answer(problem, steps), weight: 1 }
  })
}

/** What the critic would judge: each distinct answer by the first solution that states it, or every solution. */
export function candidatesOf(votes: readonly Candidate[], which: SelfCheckConfig['check']['candidates']): Candidate[] {
  const stated = votes.filter(({ answer }) => answer !== null)
  if (which === 'solutions') return stated
  return tally(stated).map(({ answer, weight }) => {
    const first = stated.find((vote) => vote.answer === answer)
    return { steps: first?.steps ?? [], answer, weight }
  })
}

/** The candidates of a problem whose majority answer is in doubt; none where it is not. */
export function doubted(config: SelfCheckConfig, task: Task, { problem, solutions }: Sampled): Candidate[] {
  const { answers, certainty: threshold, candidates } = config.check
  const votes = votesOf(task, problem, solutions.slice(0, answers))
  return certainty(votes) > threshold ? [] : candidatesOf(votes, candidates)
}

/** SPC's critic is asked about each step, after the steps before it. */
export const stepsToJudge = (problem: string, steps: readonly string[]): StepToJudge[] =>
  steps.map((step, index) => ({ problem, done: steps.slice(0, index), step }))

/** A solution is incorrect when one of its steps is. A verdict that cannot be read counts as Correct (CriticBench, appendix F). */
export const anyIncorrect = (verdicts: readonly (Verdict | null)[]): boolean => verdicts.includes('Incorrect')
