import { z } from 'zod'
import type { EpisodeRow, ItemRow } from '../../shared/recipe.ts'
import { errorTypes } from '../../tasks/task.ts'

/** How SPC's rows look inside: the JSON of items and episodes, checked when it is read. */
const solvedProblem = z.object({
  problem: z.string(),
  /** Where the problem's text does not give it. */
  answer: z.string().nullable().default(null),
  solutions: z.array(z.string()),
  solved: z.int(),
  difficulty: z.enum(['never', 'medium', 'easy']),
  kept: z.boolean(),
})
export type SolvedProblem = z.infer<typeof solvedProblem> & { item: number }

export function readProblem(row: ItemRow): SolvedProblem {
  return { item: row.item, ...solvedProblem.parse(row.data) }
}

const game = z.object({
  problem: z.string(),
  answer: z.string().nullable().default(null),
  solution: z.string(),
  /** The right steps before the one that is played for. */
  done: z.array(z.string()),
  right: z.string(),
  sneaky: z.string().nullable().default(null),
  errorType: z.enum(errorTypes).nullable().default(null),
  explanation: z.string().nullable().default(null),
  /** Shares of the solver's completions that reach the right outcome. */
  rightSuccess: z.number().nullable().default(null),
  sneakySuccess: z.number().nullable().default(null),
  /** What the exact checker says, whatever the rule that decides. */
  rightIsRight: z.boolean().nullable().default(null),
  sneakyIsWrong: z.boolean().nullable().default(null),
  valid: z.boolean().default(false),
  invalidBecause: z.string().nullable().default(null),
  reward: z.number().nullable().default(null),
})
export type Game = z.infer<typeof game> & { episode: number; round: number; outcome: string | null }

export function readGame(row: EpisodeRow): Game {
  return { episode: row.episode, round: row.round, outcome: row.outcome, ...game.parse(row.data) }
}

/** A line of an evaluation set: one step to judge. */
const judgedStep = z.object({
  problem: z.string(),
  done: z.array(z.string()),
  step: z.string(),
  label: z.enum(['Correct', 'Incorrect']),
  kind: z.string(),
})
export type JudgedStep = z.infer<typeof judgedStep>

export function readJudgedStep(row: ItemRow): JudgedStep {
  return judgedStep.parse(row.data)
}
