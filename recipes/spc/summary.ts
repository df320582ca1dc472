import { policyName } from '../../shared/ids.ts'
import type { RoundRows, RoundSummary } from '../../shared/recipe.ts'
import { recalls } from '../../shared/statistics.ts'
import { ruleQuality } from './rule.ts'

/** The numbers of a round that are shown while it runs, and how a game ends. */
export const columns = {
  correct: 'correct',
  wrong: 'wrong',
  mean: 'mean',
  harmonic: 'harmonic',
  invalid: 'invalid',
  attack_rate: 'attack',
  fooling_rate: 'fooling',
}
export const outcomes = {
  fooling: 'the critic was fooled',
  detected: 'the critic caught it',
  invalid: 'no valid game',
}

/**
 * What a round came to: the newest critic's recalls on the test steps of each kind, and how the games ended. Natural errors
 * go without a prefix: their harmonic mean is the score.
 */
export function summarise(
  { round, evaluations, outcomes, measured }: RoundRows,
  kinds: readonly ('natural' | 'synthetic')[],
): RoundSummary {
  const critic = policyName({ role: 'critic', version: round })
  const judged = (suite: string) =>
    recalls(evaluations.filter((row) => row.suite === suite && policyName(row) === critic))
  const numbersOf = (suite: string, prefix: string): Record<string, number | null> => {
    const { correct, wrong, mean, harmonic } = judged(suite)
    return Object.fromEntries(
      Object.entries({ correct, wrong, mean, harmonic }).map(([name, value]) => [prefix + name, value]),
    )
  }
  const { invalid = 0, detected = 0, fooling = 0 } = outcomes
  const games = invalid + detected + fooling
  const rule = ruleQuality(measured)
  const natural = judged('natural/test')
  return {
    score: natural.harmonic,
    numbers: {
      ...numbersOf('natural/test', ''),
      invalid: natural.invalid,
      attack_rate: games > 0 ? (detected + fooling) / games : null,
      fooling_rate: detected + fooling > 0 ? fooling / (detected + fooling) : null,
      rule_precision: rule.precision,
      rule_recall: rule.recall,
      ...(kinds.includes('synthetic') ? numbersOf('synthetic/test', 'synthetic_') : {}),
      ...numbersOf('natural/validation', 'validation_'),
    },
  }
}
