import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bootstrapDifference, type Pair } from '../../../shared/bootstrap.ts'

const few = { resamples: 200, seed: 3 }
const mean = (shares: readonly number[]): number => shares.reduce((sum, share) => sum + share, 0) / shares.length
const pair = fc.tuple(fc.boolean(), fc.boolean())
const strata = fc.array(fc.array(pair, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 })
const turned = (all: readonly Pair[][]): Pair[][] => all.map((pairs) => pairs.map(([one, other]) => [other, one]))

describe('the paired bootstrap', () => {
  it('is as wide as a share’s own spread', () => {
    // The first is right of 64 of 100 where the second never is: a standard error of sqrt(0.64 · 0.36 / 100) = 0.048.
    const pairs = Array.from({ length: 100 }, (_, index): Pair => [index < 64, false])
    const { value, low, high } = bootstrapDifference([pairs], mean, { resamples: 4000, seed: 1 })!
    expect(value).toBe(0.64)
    expect(low).toBeCloseTo(0.64 - 1.96 * 0.048, 1.7)
    expect(high).toBeCloseTo(0.64 + 1.96 * 0.048, 1.7)
  })
  it('keeps pairs together: what is hard for both is no noise', () => {
    const pairs = Array.from({ length: 50 }, (_, index): Pair => [index % 2 === 0, index % 2 === 0])
    expect(bootstrapDifference([pairs], mean, few)).toEqual({ value: 0, low: 0, high: 0 })
  })
  it('is the same again, turns with its sides, and holds its value between the least and the most', () => {
    fc.assert(
      fc.property(strata, (all) => {
        const one = bootstrapDifference(all, mean, few)!
        expect(bootstrapDifference(all, mean, few)).toEqual(one)
        const other = bootstrapDifference(turned(all), mean, few)!
        expect(other.value).toBeCloseTo(-one.value)
        expect(other.low).toBeCloseTo(-one.high)
        expect(one.low).toBeLessThanOrEqual(one.high)
        expect([one.low >= -1, one.high <= 1]).toEqual([true, true])
      }),
    )
  })
  it('has none where the measure has none, and refuses an empty stratum', () => {
    expect(bootstrapDifference([[[true, false]]], () => null, few)).toBeNull()
    expect(() => bootstrapDifference([[]], mean, few)).toThrow('a stratum without pairs')
  })
})
