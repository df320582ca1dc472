/** Cross-entropy of a classification head. */
import { div, maximum, mul, neg, softplus, sub, tokenLogProbability, total, type Value } from '../graph/index.ts'

/**
 * -Σ w log softmax(logits)[label] / max(Σ w, 1): logits [rows, classes], labels int32 [rows], weights [rows], for example 0 at
 * rows that fill up a batch.
 */
export function crossEntropy(logits: Value, labels: Value, weights: Value): Value {
  return weightedMean(neg(tokenLogProbability(logits, labels)), weights)
}

/**
 * The binary case with soft labels, element-wise: -p log σ(s) - (1 - p) log σ(-s) = softplus(s) - p s. With a difference of two scores for s it is
 * the Bradley–Terry likelihood of a share p of preferences.
 */
export function logisticCrossEntropy(score: Value, probability: Value): Value {
  return sub(softplus(score), mul(probability, score))
}

/** Σ w x / max(Σ w, 1) over rows. */
export function weightedMean(x: Value, weights: Value): Value {
  return div(total(mul(x, weights)), maximum(total(weights), 1))
}
