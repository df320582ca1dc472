/** REINFORCE (Williams 1992): -A · Σ log π over the completion. Nothing is said of who wrote it: no importance ratio. */
import { mul, neg } from '../graph/index.ts'
import { completionSum, type LossBatch, meanOver } from './batch.ts'
import type { TermResult } from './types.ts'

export function reinforce(batch: LossBatch): TermResult {
  const gain = mul(completionSum(batch.logp, batch), batch.advantage)
  return { loss: neg(meanOver(gain, batch.reinforced, batch.counts.reinforced)), diagnostics: {} }
}
