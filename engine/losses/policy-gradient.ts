/**
 * Policy gradient with an importance ratio.
 *
 * SPC (Chen et al. 2025), Eq. 4: ∇J = E[ρ · A · ∇log π] with A = R - b - β · KL. As ∇ρ = ρ · ∇log π, the gradient of -ρ · A is
 * that of Eq. 4: `clip: null`. The code the authors released clips ρ as PPO does (Schulman et al. 2017) and takes the mean
 * log-ratio over the tokens of a completion: `ratio: 'sequence-mean', clip: 0.2`.
 */
import {
  cast,
  clip as clipRange,
  exp,
  greater,
  minimum,
  mul,
  neg,
  reshape,
  stopGradient,
  sub,
  type Value,
} from '../graph/index.ts'
import { completionMean, completionSum, differenceIn, type LossBatch, meanOver } from './batch.ts'
import type { TermOf, TermResult } from './types.ts'

export function policyGradient(batch: LossBatch, term: TermOf<'policy-gradient'>): TermResult {
  const { ratio: kind, clip } = term
  const logRatio = differenceIn(batch.reinforced, batch.logp, batch.old, batch)
  const perToken = kind === 'token'
  const ratio = perToken
    ? exp(logRatio)
    : exp(kind === 'sequence-mean' ? completionMean(logRatio, batch) : completionSum(logRatio, batch))
  const rowMean = (x: Value): Value =>
    meanOver(perToken ? completionMean(x, batch) : x, batch.reinforced, batch.counts.reinforced)

  const rowAdvantage = effectiveAdvantage(batch, term.klInAdvantage)
  const advantage = perToken ? reshape(rowAdvantage, [...rowAdvantage.shape, 1]) : rowAdvantage
  const { objective, isClipped } = clippedObjective(ratio, advantage, clip)
  const clipFraction = isClipped === null ? {} : { clipFraction: rowMean(isClipped) }
  return { loss: neg(rowMean(objective)), diagnostics: { ratio: rowMean(ratio), ...clipFraction } }
}

/** ρ · A, or with a clip min(ρ · A, clip(ρ, 1 - c, 1 + c) · A) and where the second is the smaller one. */
export function clippedObjective(
  ratio: Value,
  advantage: Value,
  clip: number | null,
): { objective: Value; isClipped: Value | null } {
  const surrogate = mul(ratio, advantage)
  if (clip === null) return { objective: surrogate, isClipped: null }
  const clipped = mul(clipRange(ratio, 1 - clip, 1 + clip), advantage)
  return { objective: minimum(surrogate, clipped), isClipped: cast(greater(surrogate, clipped), 'float32') }
}

/** A - β · (mean over the completion of log π - log π_reference), the second part held constant. */
function effectiveAdvantage(batch: LossBatch, beta: number): Value {
  if (beta === 0) return batch.advantage
  const divergence = completionMean(differenceIn(batch.reinforced, batch.logp, batch.reference, batch), batch)
  return sub(batch.advantage, mul(stopGradient(divergence), beta))
}
