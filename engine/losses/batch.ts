/** What every loss term sees of a batch, and the means that they share. */
import { div, maximum, mul, reshape, sub, sum, total, type Value } from '../graph/index.ts'

/** B rows, each of T next-token predictions. */
export interface LossBatch {
  /** log π(token) under the policy that is being trained, [B, T]. */
  readonly logp: Value
  /** 1 at tokens of the completion, 0 at the prompt and the padding, [B, T]. */
  readonly completion: Value
  /** 1 at rows of kind 'supervised', [B]. */
  readonly supervised: Value
  /** 1 at rows of kind 'reinforced', [B]. */
  readonly reinforced: Value
  /** What multiplies the policy gradient, [B]. */
  readonly advantage: Value
  /** log-probabilities under the policy that wrote the completions, [B, T]. */
  readonly old: Value
  /** log-probabilities under the frozen reference, [B, T]. */
  readonly reference: Value
}

/** Σ over the completion of each row: [B, T] → [B]. */
export function completionSum(x: Value, batch: LossBatch): Value {
  return sum(mul(x, batch.completion), [-1])
}

/** Mean over the completion of each row: [B, T] → [B]. Rows without completion give 0. */
export function completionMean(x: Value, batch: LossBatch): Value {
  return div(completionSum(x, batch), maximum(sum(batch.completion, [-1]), 1))
}

/** Mean over rows of kind 'reinforced': [B] → scalar. A batch without any gives 0. */
export function reinforcedMean(x: Value, batch: LossBatch): Value {
  return div(total(mul(x, batch.reinforced)), maximum(total(batch.reinforced), 1))
}

/**
 * left - right at the completion tokens of reinforced rows, 0 elsewhere. Elsewhere `old` and `reference` hold nothing, and a
 * later exp() of what stands there could overflow, which no mask of 0 would mend (0 · ∞ is NaN).
 */
export function reinforcedDifference(left: Value, right: Value, batch: LossBatch): Value {
  const [rows] = batch.reinforced.shape
  const selected = mul(batch.completion, reshape(batch.reinforced, [rows ?? 0, 1]))
  return mul(sub(left, right), selected)
}
