import { z } from 'zod'
import type { EpisodeRow } from '../../shared/recipe.ts'

/** One prompt with its K answers: the JSON of an episode, checked when it is read. */
const game = z.object({
  prompt: z.string(),
  /** P(answer i beats answer j) as the judge told it: the whole matrix, in which a cycle can be seen. */
  wins: z.array(z.array(z.number())).default([]),
  /** What the update is told of each answer: the mean of its row. */
  shares: z.array(z.number()).default([]),
  /** Which answers are learned from: the one with the highest share and the one with the lowest. */
  chosen: z.int().default(0),
  rejected: z.int().default(0),
  /** log π(chosen) and log π(rejected) before the update. */
  before: z.array(z.number()).default([]),
  after: z.array(z.number()).default([]),
})
export type Game = z.infer<typeof game> & Pick<EpisodeRow, 'round' | 'episode' | 'item' | 'outcome'>

export function readGame({ round, episode, item, outcome, data }: EpisodeRow): Game {
  return { round, episode, item, outcome, ...game.parse(data) }
}

/** How the two log-probabilities moved in the update; a tie has no pair. */
export const outcomes = {
  'chosen down, rejected up': 'the better answer became rarer and the worse one more frequent',
  'both down': 'both answers became rarer',
  'both up': 'both answers became more frequent',
  'chosen up, rejected down': 'the better answer became more frequent and the worse one rarer',
  tie: 'the best answer and the worst one are the same text',
} as const
export type Outcome = keyof typeof outcomes

export function outcomeOf(before: readonly number[], after: readonly number[]): Outcome {
  const [chosen = 0, rejected = 0] = after.map((value, index) => value - (before[index] ?? 0))
  if (chosen > 0) return rejected < 0 ? 'chosen up, rejected down' : 'both up'
  return rejected > 0 ? 'chosen down, rejected up' : 'both down'
}
