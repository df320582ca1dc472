/** The paired bootstrap: an interval for the difference of two policies in a measure that has no formula of its own, such as an F1. */
import { Stream } from './random.ts'
import { type Interval, quantile } from './statistics.ts'

/** One thing that two policies were each right or wrong about. */
export type Pair = readonly [first: boolean, second: boolean]

export interface Resampling {
  resamples: number
  seed: number
}

/**
 * `measure` of the first policy's shares of right answers, one share for each stratum, minus that of the second's; with the 2.5 %
 * and 97.5 % quantiles of the same over resamples (Efron and Tibshirani 1993, section 13.3). Pairs are drawn with replacement and
 * stay pairs, so what is hard for both policies does not count as noise; each stratum keeps its size, as the shares are of so many
 * right or wrong solutions by the benchmark's design. Null where the measure is.
 *
 * Where no pair differs every resample says 0, and the interval has no width: it says nothing then.
 */
export function bootstrapDifference(
  strata: readonly (readonly Pair[])[],
  measure: (shares: readonly number[]) => number | null,
  { resamples, seed }: Resampling,
): Interval | null {
  if (strata.some((pairs) => pairs.length === 0)) throw new RangeError('a stratum without pairs')
  const of = (sums: Float64Array): number | null =>
    measure(strata.map((pairs, stratum) => (sums[stratum] ?? 0) / pairs.length))
  const sums = [new Float64Array(strata.length), new Float64Array(strata.length)] as const
  const difference = (index: (stratum: number, place: number) => number): number | null => {
    for (const side of sums) side.fill(0)
    for (const [stratum, pairs] of strata.entries()) {
      for (let place = 0; place < pairs.length; place++) {
        const [first, second] = pairs[index(stratum, place)] ?? [false, false]
        sums[0][stratum]! += Number(first)
        sums[1][stratum]! += Number(second)
      }
    }
    const [one, other] = [of(sums[0]), of(sums[1])]
    return one === null || other === null ? null : one - other
  }
  const value = difference((_, place) => place)
  if (value === null) return null
  const streams = strata.map((_, stratum) => new Stream(seed, 'bootstrap', stratum))
  const drawn = Array.from({ length: resamples }, (_, resample) =>
    difference((stratum, place) => {
      const count = strata[stratum]!.length
      return streams[stratum]!.integer(resample * count + place, count)
    }),
  )
  const found = drawn.filter((one) => one !== null)
  return { value, low: quantile(found, 0.025), high: quantile(found, 0.975) }
}
