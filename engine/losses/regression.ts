/** Distances between predictions and targets. */
import { abs, add, div, mean, minimum, mul, sqrt, square, sub, sum, type Value } from '../graph/index.ts'

/** Mean of all elements, a scalar. */
export function meanOfAll(x: Value): Value {
  return mean(x, [...x.shape.keys()])
}

/** mean (prediction - target)². */
export function meanSquaredError(prediction: Value, target: Value): Value {
  return meanOfAll(square(sub(prediction, target)))
}

/** Huber (1964), element-wise: ½ d² for |d| ≤ δ, else δ (|d| - ½ δ). With q = min(|d|, δ) it is ½ q² + δ (|d| - q). */
export function huber(difference: Value, delta: number): Value {
  const size = abs(difference)
  const near = minimum(size, delta)
  return add(mul(square(near), 0.5), mul(sub(size, near), delta))
}

/**
 * ‖a / ‖a‖ - b / ‖b‖‖² = 2 - 2 cos(a, b) over the last axis, as self-predictive representations use it (Schwarzer et al. 2021,
 * Eq. 4 up to the constant). A small number under the root keeps the gradient finite at 0.
 */
export function cosineDistance(a: Value, b: Value): Value {
  const unit = (x: Value): Value => div(x, sqrt(add(sum(square(x), [-1], true), 1e-6)))
  return sum(square(sub(unit(a), unit(b))), [-1])
}
