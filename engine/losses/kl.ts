/** Divergence from the frozen reference. */
import { exp, mul, sub } from '../graph/index.ts'
import { completionMean, differenceIn, type LossBatch, meanOver, referenced } from './batch.ts'
import type { TermResult } from './types.ts'

/**
 * The k3 estimator of KL(π || reference) (Schulman 2020, "Approximating KL divergence"): exp(d) - d - 1 with
 * d = log π_reference - log π; mean over the tokens of a completion, then over the rows of every kind
 * but 'supervised'. A row's weight multiplies its own: SCoRe (Kumar et al. 2024), section 4, holds the tokens of a first answer
 * nearer to the reference than those of the second, each answer being a row. What is measured has no weights.
 */
export function klToReference(batch: LossBatch): TermResult {
  const rows = referenced(batch)
  const difference = differenceIn(rows, batch.reference, batch.logp, batch)
  const k3 = completionMean(sub(sub(exp(difference), difference), 1), batch)
  return {
    loss: meanOver(k3, mul(rows, batch.klWeight), batch.counts.referenced),
    diagnostics: { kl: meanOver(k3, rows, batch.counts.referenced) },
  }
}
