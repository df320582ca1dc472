import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calibration } from '../../../shared/calibration.ts'

describe('calibration', () => {
  it('compares votes with the truth, bin by bin', () => {
    const { bins, expectedError } = calibration(
      [
        { share: 0, wrong: false },
        { share: 0.25, wrong: true },
        { share: 1, wrong: true },
        { share: 1, wrong: false },
      ],
      2,
    )
    expect(bins).toEqual([
      { from: 0, to: 0.5, count: 2, meanShare: 0.125, wrong: 0.5 },
      { from: 0.5, to: 1, count: 2, meanShare: 1, wrong: 0.5 },
    ])
    expect(expectedError).toBeCloseTo((2 * 0.375 + 2 * 0.5) / 4)
    expect(calibration([]).expectedError).toBeNull()
    expect(() => calibration([{ share: 1.5, wrong: true }])).toThrow(RangeError)
  })
  it('counts every vote once, has an error between 0 and 1, and does not depend on the order', () => {
    const voted = fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), wrong: fc.boolean() }))
    const inTwoOrders = voted.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
    )
    fc.assert(
      fc.property(inTwoOrders, fc.integer({ min: 1, max: 20 }), ([one, other], bins) => {
        const table = calibration(one, bins)
        expect(table.bins.reduce((total, { count }) => total + count, 0)).toBe(one.length)
        expect(table.expectedError ?? 0).toBeGreaterThanOrEqual(0)
        expect(table.expectedError ?? 0).toBeLessThanOrEqual(1)
        expect(calibration(other, bins).expectedError ?? 0).toBeCloseTo(table.expectedError ?? 0, 9)
      }),
    )
  })
})
