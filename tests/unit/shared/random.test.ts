import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fraction, Stream } from '../../../shared/random.ts'

describe('counted random numbers', () => {
  it('give the same number for the same place, in whatever order they are asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.nat(), fc.nat(), (path, a, b) => {
        const one = new Stream(...path)
        const other = new Stream(...path)
        const [first, second] = [one.uniform(a), one.uniform(b)]
        expect([other.uniform(b), other.uniform(a)]).toEqual([second, first])
      }),
    )
  })

  it('stay in [0, 1) on a grid that float32 holds exactly', () => {
    const stream = new Stream('grid')
    for (let counter = 0; counter < 10_000; counter++) {
      const value = stream.uniform(counter)
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThan(1)
      expect(Math.fround(value)).toBe(value)
    }
  })

  it.each([
    ['one', 'path'],
    ['one', 'path', 7],
    [1, 2, 3],
  ])('are uniform along %j and across neighbours', (...path) => {
    const stream = new Stream(...path)
    const bins = Array.from({ length: 16 }, () => 0)
    for (let counter = 0; counter < 16_000; counter++) bins[Math.floor(stream.uniform(counter) * 16)]!++
    for (let place = 0; place < 16_000; place++) bins[Math.floor(new Stream(...path, place).uniform(0) * 16)]!++
    // 16 bins of 2,000 expected; chi-square with 15 degrees of freedom stays under 45 but for one case in 10,000.
    const chiSquare = bins.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)
    expect(chiSquare).toBeLessThan(45)
  })

  it('permute every index once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.nat(), (length, seed) => {
        const order = new Stream(seed).permutation(length)
        expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length }, (_, index) => index))
      }),
    )
  })

  it('are pinned: a change here would make every stored run unrepeatable', () => {
    expect([0, 1, 2].map((counter) => new Stream(1, 'a').word(counter))).toMatchInlineSnapshot(`
      [
        2721710427,
        548518310,
        223702497,
      ]
    `)
    expect(fraction('37+48-9*3')).toMatchInlineSnapshot(`0.08613860607147217`)
  })
})
