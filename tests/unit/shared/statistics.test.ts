import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { meanInterval, meanOfTwo, pair, pairedDifference, recalls, wilson } from '../../../shared/statistics.ts'

describe('statistics of reports', () => {
  it('count an unreadable verdict against the critic', () => {
    const rows = [
      { label: 'Correct', verdict: 'Correct' },
      { label: 'Correct', verdict: null },
      { label: 'Incorrect', verdict: 'Incorrect' },
      { label: 'Incorrect', verdict: 'Incorrect' },
    ]
    const { correct, wrong, mean, harmonic, invalid } = recalls(rows)
    expect({ correct, wrong, mean, invalid }).toEqual({ correct: 0.5, wrong: 1, mean: 0.75, invalid: 0.25 })
    expect(harmonic).toBeCloseTo(2 / 3)
    expect(recalls([]).mean).toBeNull()
  })

  it('give Wilson’s interval', () => {
    const [low, high] = wilson(0.5, 100)
    expect(low).toBeCloseTo(0.4038, 3)
    expect(high).toBeCloseTo(0.5962, 3)
    expect(wilson(0, 10)[0]).toBe(0)
  })

  it('give Newcombe’s interval of a paired difference', () => {
    // By hand: 16 of 20 against 12 of 20, 12 both and 4 neither. Wilson: 0.8 (0.5840 to 0.9193), 0.6 (0.3866 to 0.7812).
    // φ = (12 · 4 - 4 · 0 - 20 / 2) / √(16 · 4 · 12 · 8) = 38 / 78.384 = 0.4848.
    // Lower: 0.2 - √(0.2160² - 2φ · 0.2160 · 0.1812 + 0.1812²); upper: 0.2 + √(0.1193² - 2φ · 0.1193 · 0.2134 + 0.2134²).
    // The other two were computed apart from this code, by the formula of the paper.
    for (const [counts, low, high] of [
      [[12, 4, 0, 4], -0.0038, 0.3873],
      [[36, 12, 2, 0], 0.0569, 0.3404],
      [[20, 12, 2, 16], 0.0562, 0.3292],
    ] as const) {
      const [both, onlyFirst, onlySecond, neither] = counts
      const difference = pairedDifference({ both, onlyFirst, onlySecond, neither })
      expect(difference?.value).toBeCloseTo(0.2, 12)
      expect(difference?.low).toBeCloseTo(low, 4)
      expect(difference?.high).toBeCloseTo(high, 4)
    }
  })

  it('give a paired difference some width where no pair differs, and none where there is no pair', () => {
    const same = pairedDifference({ both: 10, onlyFirst: 0, onlySecond: 0, neither: 0 })!
    expect(same.value).toBe(0)
    expect(same.high).toBeGreaterThan(0.2)
    expect(same.low).toBe(-same.high)
    expect(pairedDifference({ both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 })).toBeNull()
  })

  it('hold the paired difference, stay within -1 and 1, and turn around with the pair', () => {
    const right = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(right, (rows) => {
        const [first, second] = [rows.map(([one]) => one), rows.map(([, other]) => other)]
        const forth = pairedDifference(pair(first, second))!
        const back = pairedDifference(pair(second, first))!
        expect(forth.low).toBeLessThanOrEqual(forth.value + 1e-12)
        expect(forth.high).toBeGreaterThanOrEqual(forth.value - 1e-12)
        expect(forth.low).toBeGreaterThanOrEqual(-1 - 1e-12)
        expect(forth.high).toBeLessThanOrEqual(1 + 1e-12)
        expect(back.value).toBeCloseTo(-forth.value, 12)
        expect(back.low).toBeCloseTo(-forth.high, 12)
        expect(back.high).toBeCloseTo(-forth.low, 12)
      }),
    )
  })

  it('pair equal numbers of things, and average two estimates', () => {
    expect(pair([true, true, false, false], [true, false, true, false])).toEqual({
      both: 1,
      onlyFirst: 1,
      onlySecond: 1,
      neither: 1,
    })
    expect(() => pair([true], [])).toThrow('make no pairs')
    const { value, low, high } = meanOfTwo({ value: 0, low: -0.3, high: 0.3 }, { value: 0.2, low: -0.2, high: 0.6 })
    expect([value, low, high].map((one) => Number(one.toFixed(12)))).toEqual([0.1, -0.15, 0.35])
  })

  it('give Student’s interval over seeds', () => {
    const { mean, half } = meanInterval([1, 2, 3])
    expect(mean).toBe(2)
    expect(half).toBeCloseTo(2.484, 2) // 4.303 · 1 / √3
    expect(meanInterval([4])).toEqual({ mean: 4, half: null })
  })
})
