/**
 * Losses of pairs: a chosen and a rejected completion of one prompt. With D = Σ over the completion of log π - log π_reference,
 * the margin of a pair is D_chosen - D_rejected.
 */
import { cast, greater, maximum, mul, rearrange, softplus, square, sub, type Value } from '../graph/index.ts'
import { completionSum, differenceIn, type LossBatch, meanOver } from './batch.ts'
import type { TermOf, TermResult } from './types.ts'

/**
 * -log σ(β · margin) = softplus(-β · margin): the Bradley–Terry model's negative log-likelihood of the preference, where the
 * margin is a difference of rewards. DPO (Rafailov et al. 2023), Eq. 7, takes the log-ratios as rewards.
 */
export function logisticPreference(margin: Value, beta: number): Value {
  return softplus(mul(margin, -beta))
}

/** (margin - 1 / 2β)²: IPO (Azar et al. 2023), Eq. 17, with τ = β. */
export function squaredPreference(margin: Value, beta: number): Value {
  return square(sub(margin, 1 / (2 * beta)))
}

export function pairLogistic(batch: LossBatch, { beta }: TermOf<'pair-logistic'>): TermResult {
  return pairTerm(batch, (margin) => logisticPreference(margin, beta))
}

export function pairSquared(batch: LossBatch, { beta }: TermOf<'pair-squared'>): TermResult {
  return pairTerm(batch, (margin) => squaredPreference(margin, beta))
}

/** Mean over pairs: each is counted at its chosen row. */
function pairTerm(batch: LossBatch, loss: (margin: Value) => Value): TermResult {
  const { logp, reference, side, partner } = batch
  const logRatio = completionSum(differenceIn(square(side), logp, reference, batch), batch)
  // A row is the partner of its partner.
  const other = rearrange(logRatio, partner, partner)
  const margin = sub(logRatio, other)
  const overPairs = (x: Value): Value => meanOver(x, maximum(side, 0), batch.counts.pairs)
  return {
    loss: overPairs(loss(margin)),
    diagnostics: {
      margin: overPairs(margin),
      chosenLogRatio: overPairs(logRatio),
      pairAccuracy: overPairs(cast(greater(margin, side.graph.scalar(0)), 'float32')),
    },
  }
}
