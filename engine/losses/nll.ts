/** Negative log-likelihood of supervised completions. */
import { mul, neg, reshape, type Value } from '../graph/index.ts'
import { type LossBatch, meanOver } from './batch.ts'
import type { TermResult } from './types.ts'

/** L = -(1 / N) Σ log π(token) over the N completion tokens of all supervised rows of the batch. */
export function negativeLogLikelihood(batch: LossBatch): TermResult {
  const [rows] = batch.supervised.shape
  const perRow: Value = reshape(batch.supervised, [rows ?? 0, 1])
  const selected = mul(batch.completion, perRow)
  return { loss: neg(meanOver(batch.logp, selected, batch.counts.supervisedTokens)), diagnostics: {} }
}
