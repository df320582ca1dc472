/** Divergence from the frozen reference. */
import { exp, sub } from '../graph/index.ts'
import { completionMean, differenceIn, type LossBatch, meanOver, referenced } from './batch.ts'
import type { TermResult } from './types.ts'

/**
 * The k3 estimator of KL(π || reference) (Schulman 2020, "Approximating KL divergence"): exp(d) - d - 1 with
 * d = log π_reference - log π; mean over the tokens of a completion, then over the rows of every kind
 * but 'supervised'.
 */
export function klToReference(batch: LossBatch): TermResult {
  const rows = referenced(batch)
  const difference = differenceIn(rows, batch.reference, batch.logp, batch)
  const k3 = sub(sub(exp(difference), difference), 1)
  const loss = meanOver(completionMean(k3, batch), rows, batch.counts.referenced)
  return { loss, diagnostics: { kl: loss } }
}
