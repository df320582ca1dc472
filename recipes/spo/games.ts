import { z } from 'zod'
import type { EpisodeRow, ItemRow } from '../../shared/recipe.ts'

/** A group of answers to one prompt: the JSON of an episode, checked when it is read. */
const group = z.object({
  prompt: z.string(),
  /** Whom the answers were compared with: one another first, then the queue. */
  opponents: z.array(z.string()).default([]),
  /** wins[i][j] = P(answer i beats opponent j) as the judge told it: the whole matrix, in which a cycle can be seen. */
  wins: z.array(z.array(z.number())).default([]),
  /** log π_t of each answer; there when the reward has an entropy term. */
  logProbabilities: z.array(z.number()).default([]),
})
export type Group = z.infer<typeof group> & Pick<EpisodeRow, 'round' | 'episode' | 'item'>

export const readGroup = ({ round, episode, item, data }: EpisodeRow): Group => ({
  round,
  episode,
  item,
  ...group.parse(data),
})

/** Comparisons that are made before the play begins, for a reward model that is fitted once. */
export const COMPARISONS = 'comparisons'
const comparisons = z.object({ prompt: z.string(), opponents: z.array(z.string()), wins: z.array(z.array(z.number())) })
export const readComparisons = (row: ItemRow): z.infer<typeof comparisons> => comparisons.parse(row.data)

/** What was fitted: one row of one item. */
export const REWARD_MODEL = 'reward model'
const rewardModel = z.object({ weights: z.array(z.number()), comparisons: z.int() })
export const readRewardModel = (row: ItemRow): z.infer<typeof rewardModel> => rewardModel.parse(row.data)
