import { compare, type PairJudge } from '../../tasks/pair-judge.ts'

/**
 * What a policy is worth, computed and not estimated: all answers to a prompt are listed and scored, so its distribution
 * is known. What is missing to 1 is the probability of texts that are no answers.
 */
export interface Distribution {
  /** By the judge's list of answers. */
  probabilities: readonly number[]
  malformed: number
}

export function distribution(logProbabilities: readonly number[]): Distribution {
  const probabilities = logProbabilities.map(Math.exp)
  return { probabilities, malformed: Math.max(0, 1 - probabilities.reduce((sum, value) => sum + value, 0)) }
}

/** The mixture of some policies: one of them is drawn, each as likely, and answers. */
export function mixture(policies: readonly Distribution[]): Distribution {
  const mean = (of: (policy: Distribution) => number): number =>
    policies.reduce((sum, policy) => sum + of(policy), 0) / policies.length
  return {
    probabilities: (policies[0]?.probabilities ?? []).map((_, index) =>
      mean(({ probabilities }) => probabilities[index] ?? 0),
    ),
    malformed: mean(({ malformed }) => malformed),
  }
}

/** P(row's answer > column's answer) for all answers to a prompt. */
export const preferences = (judge: PairJudge, prompt: string): number[][] =>
  judge.answers.map((left) => judge.answers.map((right) => compare(judge, prompt, left, right)))

/** Each answer's chance to beat the policy, Σ π(y') P(y > y'); a text that is no answer loses to it. */
export const againstPolicy = (wins: readonly (readonly number[])[], policy: Distribution): number[] =>
  wins.map((row) => row.reduce((sum, win, index) => sum + win * (policy.probabilities[index] ?? 0), policy.malformed))

/** max over y of P(y > π) - 1/2: what the best answer to the policy gains over a draw. It is 0 for a minimax winner. */
export const exploitability = (wins: readonly (readonly number[])[], policy: Distribution): number =>
  Math.max(...againstPolicy(wins, policy)) - 0.5

/** P(left > right): both answer, and the judge compares. */
export function winRate(wins: readonly (readonly number[])[], left: Distribution, right: Distribution): number {
  const answered = againstPolicy(wins, right).reduce(
    (sum, win, index) => sum + win * (left.probabilities[index] ?? 0),
    0,
  )
  return answered + 0.5 * left.malformed * right.malformed
}

const outcomes = ({ probabilities, malformed }: Distribution): number[] => [...probabilities, malformed]

/** -Σ π log π in nats; all texts that are no answers count as one. */
export const entropy = (policy: Distribution): number =>
  outcomes(policy).reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0)

/** KL(π || π_ref) = Σ π log (π / π_ref) in nats; all texts that are no answers count as one. */
export function divergence(policy: Distribution, reference: Distribution): number {
  const other = outcomes(reference)
  // A probability below float32's reach is no infinite surprise.
  const floor = 1e-12
  return outcomes(policy).reduce((sum, p, index) => {
    return sum + (p > 0 ? p * Math.log(p / Math.max(other[index] ?? 0, floor)) : 0)
  }, 0)
}
