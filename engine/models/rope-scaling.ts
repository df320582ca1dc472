/**
 * The ways of stretching rotary positions that published models use, each as divisors of the frequencies θ^(-2i / headSize).
 * Slow frequencies, which turn less than once or so in the original context, are divided by the factor; fast ones stay.
 */
import type { RopeScaling } from './llama.ts'

interface Frequencies {
  readonly ropeTheta: number
  readonly headSize: number
}

/** Every position is divided by the factor (Chen et al. 2023, arXiv:2306.15595). */
export function linearScaling(factor: number, { headSize }: Frequencies): RopeScaling {
  return { divisors: Array.from({ length: headSize / 2 }, () => factor) }
}

export interface Llama3Scaling {
  readonly factor: number
  /** Turns in the original context: frequencies with fewer than the first are divided, with more than the second kept. */
  readonly lowFrequencyFactor: number
  readonly highFrequencyFactor: number
  readonly originalContext: number
}

/** Llama 3.1 and later: between the two bounds the share of the kept frequency grows with the turns. */
export function llama3Scaling(scaling: Llama3Scaling, { ropeTheta, headSize }: Frequencies): RopeScaling {
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalContext } = scaling
  const half = headSize / 2
  const divisors = Array.from({ length: half }, (_, index) => {
    const turns = (originalContext * ropeTheta ** (-index / half)) / (2 * Math.PI)
    return mixedDivisor(factor, (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor))
  })
  return { divisors }
}

export interface YarnScaling {
  readonly factor: number
  readonly originalContext: number
  /** Turns in the original context from which a frequency is kept whole, and to which it is divided whole. */
  readonly betaFast?: number
  readonly betaSlow?: number
  /** Whether the bounds between the two are rounded outwards to whole indices. */
  readonly truncate?: boolean
  readonly amplitude?: number
}

/** YaRN (Peng et al. 2023, arXiv:2309.00071): a ramp over the index of the frequency, and larger logits of attention. */
export function yarnScaling(scaling: YarnScaling, { ropeTheta, headSize }: Frequencies): RopeScaling {
  const { factor, originalContext, betaFast = 32, betaSlow = 1, truncate = true } = scaling
  /** The index, not whole, of the frequency with so many turns in the original context. */
  const indexOf = (turns: number): number =>
    (headSize * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta))
  const [first, last] = [indexOf(betaFast), indexOf(betaSlow)]
  const low = Math.max(truncate ? Math.floor(first) : first, 0)
  const high = Math.min(truncate ? Math.ceil(last) : last, headSize - 1)
  // Bounds that coincide are a step; what transformers adds there keeps the ramp finite.
  const length = high === low ? 0.001 : high - low
  const divisors = Array.from({ length: headSize / 2 }, (_, index) => mixedDivisor(factor, 1 - (index - low) / length))
  return { divisors, amplitude: scaling.amplitude ?? yarnAmplitude(factor) }
}

/** 0.1 · weight · ln(factor) + 1, equation 22 of YaRN for weight 1. */
export function yarnAmplitude(factor: number, weight = 1): number {
  return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1
}

/** Of the mixture of a frequency, with that share, and the frequency divided by the factor. */
function mixedDivisor(factor: number, share: number): number {
  const kept = Math.min(Math.max(share, 0), 1)
  return 1 / ((1 - kept) / factor + kept)
}
