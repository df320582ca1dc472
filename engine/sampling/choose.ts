/** Choosing the next token from logits, inside the graph. */
import {
  argMax,
  cast,
  cumulativeSum,
  lessOrEqual,
  minimum,
  mul,
  reshape,
  slice,
  softmax,
  sum,
  type Value,
} from '../graph/index.ts'
import { fixedDimension } from '../graph/types.ts'

/** The most likely token, of equals the first: logits [rows, vocabulary] → int32 [rows]. */
export function greedyChoice(logits: Value): Value {
  return cast(argMax(logits), 'int32')
}

/**
 * Inverse-CDF sampling: the number of tokens whose cumulative probability is at most u · total, where total is the last cumulative
 * value (1 up to rounding). logits [rows, vocabulary] already divided by the temperature, uniforms in [0, 1) [rows] → int32 [rows].
 */
export function sampledChoice(logits: Value, uniforms: Value): Value {
  const vocabulary = fixedDimension(logits.shape, 1)
  const rows = fixedDimension(logits.shape, 0)
  const cumulative = cumulativeSum(softmax(logits))
  const threshold = mul(slice(cumulative, 1, vocabulary - 1, vocabulary), reshape(uniforms, [rows, 1]))
  const below = sum(cast(lessOrEqual(cumulative, threshold), 'float32'), [-1])
  return cast(minimum(below, vocabulary - 1), 'int32')
}
