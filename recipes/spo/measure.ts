import { z } from 'zod'
import { range } from '../../shared/collections.ts'
import type { ItemRow, Phase, RoundRows, RoundSummary } from '../../shared/recipe.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'
import { everyAnswer } from '../preferences/every-answer.ts'
import { distribution, entropy, exploitability, mixture, preferences, winRate } from '../preferences/measures.ts'
import type { SpoConfig } from './config.ts'

/** What the newest policy and the average of all so far are worth, computed from the probabilities of all answers. */
export const MEASURED = 'measured'

const measured = z.object({
  prompt: z.string(),
  logProbabilities: z.array(z.number()),
  /** Of the average policy and of the newest. */
  average: z.number(),
  last: z.number(),
  /** The newest against the policy of round 0. */
  winRate: z.number(),
  entropy: z.number(),
  malformed: z.number(),
})
export type Measured = z.infer<typeof measured>
export const readMeasured = (row: ItemRow): Measured => measured.parse(row.data)

export const measure: Phase<SpoConfig> = {
  summary: 'All answers are scored: how far can the policy, and the average of all so far, be exploited?',
  ...everyAnswer,
  reads: ({ round }) => ({ rounds: range(0, round), sets: [MEASURED] }),
  answer({ config, round }, rows, answers) {
    const judge = pairJudgeFrom(config.task)
    const items = answers.map(({ question: { key, prompt }, logProbabilities = [] }): ItemRow => {
      const item = Number(key)
      // By round: the uniform mixture of the checkpoints π_0 … π_t, of which the first is the one of round 0.
      const before = rows.items
        .filter((row) => row.item === item)
        .map((row) => distribution(readMeasured(row).logProbabilities))
      const policy = distribution(logProbabilities)
      const wins = preferences(judge, prompt)
      const data: Measured = {
        prompt,
        logProbabilities,
        average: exploitability(wins, mixture([...before, policy])),
        last: exploitability(wins, policy),
        winRate: winRate(wins, policy, before[0] ?? policy),
        entropy: entropy(policy),
        malformed: policy.malformed,
      }
      return { round, set: MEASURED, item, data }
    })
    return { items, episodes: [], turns: [] }
  },
}

/** The score is what the average policy wins in the worst case, 1/2 - exploitability: 1/2 is a minimax winner. */
export function summarise({ measured: rows }: RoundRows): RoundSummary {
  const values = rows.map(readMeasured)
  const mean = (of: (row: Measured) => number): number | null =>
    values.length === 0 ? null : values.reduce((sum, row) => sum + of(row), 0) / values.length
  const average = mean((row) => row.average)
  return {
    score: average === null ? null : 0.5 - average,
    numbers: {
      exploitability_average: average,
      exploitability_last: mean((row) => row.last),
      win_rate: mean((row) => row.winRate),
      entropy: mean((row) => row.entropy),
      malformed: mean((row) => row.malformed),
    },
  }
}
