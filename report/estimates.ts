import { wilson } from '../shared/statistics.ts'

/** A number with its 95 % interval, and how many trials stand behind it. */
export interface Estimate {
  value: number
  low: number
  high: number
  of: number
}

/** A number that was computed, not estimated: no interval, no trials. */
export const exact = (value: number): Estimate => ({ value, low: value, high: value, of: 0 })

/** A share of `of` trials with Wilson's interval; null where nothing was tried. */
export function share(part: number, of: number): Estimate | null {
  if (of === 0) return null
  const [low, high] = wilson(part / of, of)
  return { value: part / of, low, high, of }
}

/**
 * A growing function of two independent shares. Its interval takes each share's Wilson limits in turn and adds the two
 * deviations as squares (Zou and Donner's MOVER), so that it stays right near 0 and 1, where a standard error does not.
 */
export function combine(of: (left: number, right: number) => number, left: Estimate, right: Estimate): Estimate {
  const value = of(left.value, right.value)
  const reach = (side: 'low' | 'high'): number =>
    Math.hypot(value - of(left[side], right.value), value - of(left.value, right[side]))
  return { value, low: value - reach('low'), high: value + reach('high'), of: left.of + right.of }
}

/** `later` minus `earlier`, by the same rule; the two are taken as independent, which is the careful choice for equal items. */
export function difference(later: Estimate, earlier: Estimate): Estimate {
  const value = later.value - earlier.value
  return {
    value,
    low: value - Math.hypot(later.value - later.low, earlier.high - earlier.value),
    high: value + Math.hypot(later.high - later.value, earlier.value - earlier.low),
    of: later.of + earlier.of,
  }
}

export const mean = (left: number, right: number): number => (left + right) / 2
export const harmonic = (left: number, right: number): number =>
  left + right === 0 ? 0 : (2 * left * right) / (left + right)

/** Equal judgements counted: what was true, what was said (null: unreadable), how often. */
export interface Tally {
  label: string
  verdict: string | null
  count: number
}

/** What a policy that judges steps is worth: recalls on right and on wrong steps, their means, and unreadable answers. */
export interface Judged {
  correct: Estimate | null
  wrong: Estimate | null
  mean: Estimate | null
  harmonic: Estimate | null
  invalid: Estimate | null
}

export const total = (rows: readonly { count: number }[]): number => rows.reduce((sum, { count }) => sum + count, 0)

export function judged(tallies: readonly Tally[]): Judged {
  const recall = (label: string): Estimate | null => {
    const labelled = tallies.filter((tally) => tally.label === label)
    return share(total(labelled.filter((tally) => tally.verdict === label)), total(labelled))
  }
  const correct = recall('Correct')
  const wrong = recall('Incorrect')
  const both = (of: (left: number, right: number) => number): Estimate | null =>
    correct && wrong && combine(of, correct, wrong)
  return {
    correct,
    wrong,
    mean: both(mean),
    harmonic: both(harmonic),
    invalid: share(total(tallies.filter((tally) => tally.verdict === null)), total(tallies)),
  }
}
