/** Small statistics for reports: shares with intervals. */

/** Recalls of a binary judgement, each in 0..1; null where nothing was judged. An unreadable verdict counts as wrong. */
export interface Recalls {
  correct: number | null
  wrong: number | null
  mean: number | null
  harmonic: number | null
  /** Share of answers that could not be read. */
  invalid: number | null
  counts: { correct: number; wrong: number }
}

export function recalls(rows: readonly { label: string; verdict: string | null }[]): Recalls {
  const recall = (label: string): number | null => {
    const labelled = rows.filter((row) => row.label === label)
    return labelled.length === 0 ? null : labelled.filter((row) => row.verdict === label).length / labelled.length
  }
  const correct = recall('Correct')
  const wrong = recall('Incorrect')
  const both = correct !== null && wrong !== null
  return {
    correct,
    wrong,
    mean: both ? (correct + wrong) / 2 : null,
    harmonic: both ? (correct + wrong === 0 ? 0 : (2 * correct * wrong) / (correct + wrong)) : null,
    invalid: rows.length === 0 ? null : rows.filter((row) => row.verdict === null).length / rows.length,
    counts: {
      correct: rows.filter((row) => row.label === 'Correct').length,
      wrong: rows.filter((row) => row.label === 'Incorrect').length,
    },
  }
}

/** Wilson's 95 % interval of a share of `count` trials. */
export function wilson(share: number, count: number): [number, number] {
  if (count === 0) return [0, 1]
  const z = 1.96
  const centre = (share + (z * z) / (2 * count)) / (1 + (z * z) / count)
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count))
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}

/** A number with its 95 % interval. */
export interface Interval {
  value: number
  low: number
  high: number
}

/** How often each of two policies was right about the same things. */
export interface Paired {
  both: number
  onlyFirst: number
  onlySecond: number
  neither: number
}

export function pair(first: readonly boolean[], second: readonly boolean[]): Paired {
  if (first.length !== second.length) throw new RangeError(`${first.length} and ${second.length} make no pairs`)
  const count = (one: boolean, other: boolean): number =>
    first.filter((right, index) => right === one && second[index] === other).length
  return {
    both: count(true, true),
    onlyFirst: count(true, false),
    onlySecond: count(false, true),
    neither: count(false, false),
  }
}

/**
 * The first share minus the second, both of the same things: Newcombe's score interval (1998, "Improved confidence intervals for
 * the difference between binomial proportions based on paired data", method 10). The two Wilson intervals are put together by the
 * correlation of the pairs, so that it stays inside -1..1 and honest where few pairs differ, which an interval by standard error or
 * bootstrap does not: without one pair that differs those have no width at all. Null where there is nothing.
 */
export function pairedDifference({ both, onlyFirst, onlySecond, neither }: Paired): Interval | null {
  const count = both + onlyFirst + onlySecond + neither
  if (count === 0) return null
  const [first, second] = [(both + onlyFirst) / count, (both + onlySecond) / count]
  const [firstLow, firstHigh] = wilson(first, count)
  const [secondLow, secondHigh] = wilson(second, count)
  const margins = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither)
  const product = both * neither - onlyFirst * onlySecond
  const corrected = product > 0 ? Math.max(product - count / 2, 0) : product
  const correlation = margins === 0 ? 0 : corrected / Math.sqrt(margins)
  const together = (one: number, other: number): number =>
    Math.sqrt(Math.max(0, one ** 2 - 2 * correlation * one * other + other ** 2))
  const value = first - second
  return {
    value,
    low: value - together(first - firstLow, secondHigh - second),
    high: value + together(firstHigh - first, second - secondLow),
  }
}

/** The mean of two independent estimates: their deviations add as squares (Zou and Donner's MOVER). */
export function meanOfTwo(one: Interval, other: Interval): Interval {
  const value = (one.value + other.value) / 2
  const reach = (side: 'low' | 'high'): number => Math.hypot(one.value - one[side], other.value - other[side]) / 2
  return { value, low: value - reach('low'), high: value + reach('high') }
}

/** Two-sided 95 % quantiles of Student's t for 1 to 10 degrees of freedom; beyond that the normal one is near enough. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]

/** Mean of a few runs, and half the width of its 95 % interval (null for a single run). */
export function meanInterval(values: readonly number[]): { mean: number; half: number | null } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.length < 2) return { mean, half: null }
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  return { mean, half: (STUDENT[values.length - 2] ?? 1.96) * Math.sqrt(variance / values.length) }
}

/** The quantile of values, on a straight line between its neighbours, as numpy has it. Throws RangeError for no values. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('a quantile of no values')
  const sorted = values.toSorted((a, b) => a - b)
  const position = share * (sorted.length - 1)
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}
