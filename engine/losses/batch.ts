/**
 * What every loss term sees of a batch, and the means that they share. A batch may be computed in parts, so a term only ever sees
 * some of its rows (both rows of a pair, if one): it is a sum over them, divided by a count over the whole batch. The values of the parts add up
 * to that of the batch.
 */
import { add, div, maximum, mul, reshape, square, sub, sum, total, type Value } from '../graph/index.ts'

/** How many rows, tokens and pairs a mean over the whole batch counts; at least 1. Float32 scalars, or of one element. */
export type LossCounts = { readonly [Name in CountName]: Value }
export const COUNTS = ['supervisedTokens', 'reinforced', 'regressed', 'referenced', 'pairs'] as const
export type CountName = (typeof COUNTS)[number]

/** B rows, each of T next-token predictions. */
export interface LossBatch {
  readonly counts: LossCounts
  /** log π(token) under the policy that is being trained, [B, T]. */
  readonly logp: Value
  /** 1 at tokens of the completion, 0 at the prompt and the padding, [B, T]. */
  readonly completion: Value
  /** 1 at rows of kind 'supervised', [B]. */
  readonly supervised: Value
  /** 1 at rows of kind 'reinforced', [B]. */
  readonly reinforced: Value
  /** 1 at rows of kind 'regressed', [B]. */
  readonly regressed: Value
  /** At rows of kind 'compared' 1 where the row is the chosen one of its pair, -1 where it is the rejected one, [B]. */
  readonly side: Value
  /** The row number of the other one of the pair at rows of kind 'compared', elsewhere that of the row itself; int32 [B]. */
  readonly partner: Value
  /** What multiplies the policy gradient, [B]. */
  readonly advantage: Value
  /** What a regressed row's log-ratio is to become, [B]. */
  readonly target: Value
  /** What multiplies the divergence from the reference, [B]. */
  readonly klWeight: Value
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

/** The share of these rows in the mean over all `count` rows of the batch where the mask [B] is 1: [B] → scalar. */
export function meanOver(x: Value, rows: Value, count: Value): Value {
  return div(total(mul(x, rows)), reshape(count, []))
}

/** 1 at rows of every kind but 'supervised', [B]: those that carry log-probabilities of the reference. */
export function referenced(batch: LossBatch): Value {
  return add(add(batch.reinforced, batch.regressed), square(batch.side))
}

/**
 * left - right at the completion tokens of the masked rows, 0 elsewhere. Elsewhere `old` and `reference` hold nothing, and a
 * later exp() of what stands there could overflow, which no mask of 0 would mend (0 · ∞ is NaN).
 */
export function differenceIn(rows: Value, left: Value, right: Value, batch: LossBatch): Value {
  const [count] = rows.shape
  const selected = mul(batch.completion, reshape(rows, [count ?? 0, 1]))
  return mul(sub(left, right), selected)
}
