/** Diagonal normal distributions, given by means and logarithms of standard deviations. */
import { add, exp, mul, neg, square, sub, sum, type Value } from '../graph/index.ts'

export interface Gaussian {
  readonly mean: Value
  readonly logDeviation: Value
}

const HALF_LOG_2_PI = 0.5 * Math.log(2 * Math.PI)

/** log N(x; μ, σ²), summed over the last axis. */
export function gaussianLogLikelihood(x: Value, { mean, logDeviation }: Gaussian): Value {
  const scaled = mul(sub(x, mean), exp(neg(logDeviation)))
  return sum(neg(add(add(mul(square(scaled), 0.5), logDeviation), HALF_LOG_2_PI)), [-1])
}

/** KL(p || q) = Σ log σ_q / σ_p + (σ_p² + (μ_p - μ_q)²) / 2σ_q² - ½ over the last axis. */
export function gaussianKl(p: Gaussian, q: Gaussian): Value {
  const logRatio = sub(p.logDeviation, q.logDeviation)
  const distance = mul(sub(p.mean, q.mean), exp(neg(q.logDeviation)))
  const quadratic = mul(add(exp(mul(logRatio, 2)), square(distance)), 0.5)
  return sum(sub(sub(quadratic, logRatio), 0.5), [-1])
}

/** μ + σ · noise, through which gradients flow to both (Kingma & Welling 2014). */
export function reparameterised({ mean, logDeviation }: Gaussian, noise: Value): Value {
  return add(mean, mul(exp(logDeviation), noise))
}
