/** Regression of sequence log-ratios on targets. */
import { square, sub } from '../graph/index.ts'
import { completionSum, differenceIn, type LossBatch, meanOver } from './batch.ts'
import type { TermResult } from './types.ts'

/**
 * SPPO (Wu et al. 2024), Eq. 4.7: L = (D - η (P̂ - 1/2))² with D = Σ over the completion of log π - log π_reference. The row's
 * target is η (P̂ - 1/2); the constant ½ stands for the log-partition function. Mean over the rows of kind 'regressed', so that
 * a chosen and a rejected row of one prompt give the released code's ½ [(D_w - t_w)² + (D_l - t_l)²].
 */
export function logRatioRegression(batch: LossBatch): TermResult {
  const { regressed, logp, reference, target, counts } = batch
  const logRatio = completionSum(differenceIn(regressed, logp, reference, batch), batch)
  return {
    loss: meanOver(square(sub(logRatio, target)), regressed, counts.regressed),
    diagnostics: { logRatio: meanOver(logRatio, regressed, counts.regressed) },
  }
}
