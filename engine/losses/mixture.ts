/** Log-likelihoods of mixtures. */
import {
  add,
  exp,
  greater,
  log,
  logSoftmax,
  logSumExp,
  mul,
  neg,
  reshape,
  softplus,
  sub,
  sum,
  tanh,
  type Value,
  where,
} from '../graph/index.ts'
import { type Gaussian, gaussianLogLikelihood } from './gaussian.ts'

/** K components for D dimensions: logits [rows, K], locations and log-scales [rows, K, D]. */
export interface Mixture {
  readonly logits: Value
  readonly location: Value
  readonly logScale: Value
}

/** log Σ_k w_k N(x; μ_k, σ_k²): x [rows, D] → [rows]. */
export function gaussianMixtureLogLikelihood(x: Value, { logits, location, logScale }: Mixture): Value {
  const components: Gaussian = { mean: location, logDeviation: logScale }
  return logSumExp(add(logSoftmax(logits), gaussianLogLikelihood(besideComponents(x), components)), 1)
}

/**
 * The mixture of logistics over 2 / width + 1 bins of PixelCNN++ (Salimans et al. 2017): the probability of x's bin, width / 2 on
 * either side, with open bins at the ends of [-1, 1]. x [rows, D] → [rows], the sum over D of logs.
 *
 * With u and l the scaled ends of the bin, σ(u) - σ(l) = (1 - exp(l - u)) σ(u) σ(-l), and 1 - exp(-2h) = 2t / (1 + t) for
 * t = tanh(h). No difference of nearly equal numbers is left, which the paper avoids by going over to the density.
 */
export function logisticMixtureLogLikelihood(x: Value, { logits, location, logScale }: Mixture, width: number): Value {
  const scale = exp(neg(logScale))
  const points = besideComponents(x)
  const centred = mul(sub(points, location), scale)
  const half = mul(scale, width / 2)
  const upper = add(centred, half)
  const lower = sub(centred, half)
  const aboveLower = neg(softplus(lower))
  const belowUpper = neg(softplus(neg(upper)))
  const size = tanh(half)
  const inside = add(add(belowUpper, aboveLower), add(sub(log(size), log(add(size, 1))), Math.LN2))
  const atEnd = (end: number): Value => greater(mul(points, end), x.graph.scalar(1 - width / 8))
  const perDimension = where(atEnd(-1), belowUpper, where(atEnd(1), aboveLower, inside))
  return logSumExp(add(logSoftmax(logits), sum(perDimension, [-1])), 1)
}

/** [rows, D] → [rows, 1, D]. */
function besideComponents(x: Value): Value {
  const [rows = 0, width = 0] = x.shape
  return reshape(x, [rows, 1, width])
}
