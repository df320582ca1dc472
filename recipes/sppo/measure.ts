import { z } from 'zod'
import type { ItemRow, Phase, RoundRows, RoundSummary } from '../../shared/recipe.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'
import { everyAnswer } from '../preferences/every-answer.ts'
import { distribution, divergence, entropy, exploitability, preferences, winRate } from '../preferences/measures.ts'
import type { SppoConfig } from './config.ts'
import type { Outcome } from './games.ts'

/** What the newest policy is worth on held-out prompts, computed from the probabilities of all answers. */
export const MEASURED = 'measured'

const measured = z.object({
  prompt: z.string(),
  logProbabilities: z.array(z.number()),
  exploitability: z.number(),
  winRate: z.number(),
  kl: z.number(),
  entropy: z.number(),
  malformed: z.number(),
})
export type Measured = z.infer<typeof measured>
export const readMeasured = (row: ItemRow): Measured => measured.parse(row.data)

export const measure: Phase<Pick<SppoConfig, 'task' | 'evaluation'>> = {
  summary: 'All answers to held-out prompts are scored: what is the policy worth?',
  ...everyAnswer,
  // The policy of round 0 is what win rate and divergence are taken against.
  reads: ({ round }) => ({ rounds: round === 0 ? [] : [0], sets: [MEASURED] }),
  answer({ config, round }, rows, answers) {
    const judge = pairJudgeFrom(config.task)
    const first = new Map(rows.items.map((row) => [row.item, readMeasured(row)]))
    const items = answers.map(({ question, logProbabilities = [] }): ItemRow => {
      const item = Number(question.key)
      const policy = distribution(logProbabilities)
      const reference = distribution(first.get(item)?.logProbabilities ?? logProbabilities)
      const wins = preferences(judge, question.prompt)
      const data: Measured = {
        prompt: question.prompt,
        logProbabilities,
        exploitability: exploitability(wins, policy),
        winRate: winRate(wins, policy, reference),
        kl: divergence(policy, reference),
        entropy: entropy(policy),
        malformed: policy.malformed,
      }
      return { round, set: MEASURED, item, data }
    })
    return { items, episodes: [], turns: [] }
  },
}

/** The score is the chance to win against the policy of round 0. */
export function summarise({ outcomes: counted, measured: rows }: RoundRows): RoundSummary {
  const values = rows.map(readMeasured)
  const mean = (of: (row: Measured) => number): number | null =>
    values.length === 0 ? null : values.reduce((sum, row) => sum + of(row), 0) / values.length
  const count = (...ended: Outcome[]): number => ended.reduce((sum, outcome) => sum + (counted[outcome] ?? 0), 0)
  const upDown = 'chosen up, rejected down'
  const pairs = count(upDown, 'both up', 'both down', 'chosen down, rejected up')
  const share = (number: number): number | null => (pairs === 0 ? null : number / pairs)
  const winRates = mean((row) => row.winRate)
  return {
    score: winRates,
    numbers: {
      win_rate: winRates,
      exploitability: mean((row) => row.exploitability),
      kl: mean((row) => row.kl),
      entropy: mean((row) => row.entropy),
      malformed: mean((row) => row.malformed),
      chosen_up: share(count(upDown, 'both up')),
      rejected_down: share(count(upDown, 'both down')),
      pairs,
    },
  }
}
