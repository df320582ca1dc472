import { describe, expect, it } from 'vitest'
import { meanInterval, recalls, wilson } from '../../../shared/statistics.ts'

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

  it('give Student’s interval over seeds', () => {
    const { mean, half } = meanInterval([1, 2, 3])
    expect(mean).toBe(2)
    expect(half).toBeCloseTo(2.484, 2) // 4.303 · 1 / √3
    expect(meanInterval([4])).toEqual({ mean: 4, half: null })
  })
})
