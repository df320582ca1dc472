/** Denoising score matching with the preconditioning of Karras et al. (2022), Table 1 (EDM), as BESO uses it. */
import { add, div, mul, sqrt, square, sub, type Value } from '../graph/index.ts'
import { meanSquaredError } from './regression.ts'

/** Factors that depend on the noise level σ, of σ's shape. */
export interface Preconditioning {
  /** σ_data² / (σ² + σ_data²) */
  readonly skip: Value
  /** σ · σ_data / √(σ² + σ_data²) */
  readonly output: Value
  /** 1 / √(σ² + σ_data²) */
  readonly input: Value
}

export function preconditioning(sigma: Value, dataDeviation: number): Preconditioning {
  const variance = add(square(sigma), dataDeviation ** 2)
  const deviation = sqrt(variance)
  return {
    skip: div(dataDeviation ** 2, variance),
    output: div(mul(sigma, dataDeviation), deviation),
    input: div(1, deviation),
  }
}

/**
 * D(x; σ) = c_skip · x + c_out · F(c_in · x): the denoised x from the network's output. x [rows, width], sigma [rows, 1].
 */
export function denoised(x: Value, factors: Preconditioning, network: (input: Value) => Value): Value {
  return add(mul(factors.skip, x), mul(factors.output, network(mul(factors.input, x))))
}

/**
 * mean ‖F(c_in · x) - (a - c_skip · x) / c_out‖² for x = a + σ · noise: the regression of the network's output on the target for
 * which D is exact.
 */
export function denoisingLoss(
  clean: Value,
  noise: Value,
  sigma: Value,
  dataDeviation: number,
  network: (input: Value) => Value,
): Value {
  const { skip, output, input } = preconditioning(sigma, dataDeviation)
  const x = add(clean, mul(sigma, noise))
  const target = div(sub(clean, mul(skip, x)), output)
  return meanSquaredError(network(mul(input, x)), target)
}
