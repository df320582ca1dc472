/** Divergence from the frozen reference. */
import { exp, sub } from '../graph/index.ts'
import { completionMean, type LossBatch, reinforcedDifference, reinforcedMean } from './batch.ts'
import type { TermResult } from './types.ts'

/**
 * The k3 estimator of KL(π || reference) (Schulman 2020, "Approximating KL divergence"): exp(d) - d - 1 with
 * d = log π_reference - log π; mean over the tokens of a completion, then over rows.
 */
export function klToReference(batch: LossBatch): TermResult {
  const difference = reinforcedDifference(batch.reference, batch.logp, batch)
  const k3 = sub(sub(exp(difference), difference), 1)
  const loss = reinforcedMean(completionMean(k3, batch), batch)
  return { loss, diagnostics: { kl: loss } }
}
