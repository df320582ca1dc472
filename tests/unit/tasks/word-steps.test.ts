/** What of a step in words can be checked, and how it is made wrong. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Stream } from '../../../shared/random.ts'
import {
  arithmeticErrors,
  corruptStep,
  equalitiesOf,
  isTrueStep,
  soleEquality,
  statedEqualities,
  withoutResults,
} from '../../../tasks/word-steps.ts'

describe('the equalities of a step', () => {
  it.each([
    ['Natalia sold 48/2 = 24 clips in May.', [[48, 2], 24]],
    ['She earns 0.2 x 50 = $10.', [[0.2, 50], 10]],
    ['So $1,200 - 200 = $1,000 are left', [[1200, 200], 1000]],
    ['box 3 + 4*2 = 11, and more', [[3, 4, 2], 11]],
  ])('%s', (step, [numbers, result]) => {
    expect(equalitiesOf(step).map((one) => [one.numbers, one.result])).toEqual([[numbers, result]])
    expect(isTrueStep(step)).toBe(true)
  })

  it.each(['It takes 5 days.', '(3+4)*2 = 14', 'x + 3 = 7', '50% of 10 is 5', '3 = 3'])('%s states none', (step) => {
    expect(equalitiesOf(step)).toEqual([])
    expect(isTrueStep(step)).toBeNull()
  })

  it('are true to the decimals they have, and may be rounded to whole numbers or not', () => {
    expect(isTrueStep('100/3 = 33.33')).toBe(true)
    expect(isTrueStep('100/3 = 33.3')).toBe(true)
    expect(isTrueStep('100/3 = 33.5')).toBe(false)
    expect(isTrueStep('100/3 = 33')).toBeNull()
    expect(isTrueStep('7 + 5 = 13')).toBe(false)
    expect(isTrueStep('7 + 5 = 12 and 12 * 2 = 25')).toBe(false)
  })
})

describe('an error put into a right step', () => {
  it('states what is put for what, and what follows from it', () => {
    const made = corruptStep('Tom has 3 + 4 = 7 pens, so 7 pens.', 'calculation', new Stream('a').draws())
    expect(made?.from).toBe('3 + 4 = 7')
    expect(made?.step).toMatch(/^Tom has 3 \+ 4 = (\d+) pens, so \1 pens\.$/)
  })

  it.each([
    ['She has 2 x $1,500 = $3,000 now.', 'calculation', /^She has 2 x \$1,500 = \$[23],\d{3} now\.$/],
    ['30 + 4 = 34, and 34, too', 'calculation', /^30 \+ 4 = (\d+), and \1, too$/],
    ['48/2 = 24 clips', 'condition', /^(48\/\d+|\d+\/2) = [\d.]+ clips$/],
    ['48/2 = 24 clips', 'rule', /^48[-+*]2 = \d+ clips$/],
  ] as const)('looks like the step that it is made of: %s, %s', (step, type, form) => {
    expect(corruptStep(step, type, new Stream('form').draws())?.step).toMatch(form)
  })

  it('never leaves the step as it was; a wrong result is a false equality, a wrong number or operation is not', () => {
    const number = fc.integer({ min: 1, max: 99 })
    fc.assert(
      fc.property(number, number, fc.constantFrom(...arithmeticErrors), fc.string(), (a, b, type, seed) => {
        const step = `There are ${a} + ${b} = ${a + b} of them.`
        const made = corruptStep(step, type, new Stream(seed).draws())
        if (made === null) return
        expect(made.step).not.toBe(step)
        expect(equalitiesOf(made.step)[0]?.result).not.toBe(a + b)
        if (type === 'calculation') expect(isTrueStep(made.step)).toBe(false)
        else expect(isTrueStep(made.step)).not.toBe(false)
      }),
    )
  })

  it('is not made where nothing can be checked, or the step is wrong already', () => {
    expect(corruptStep('It takes 5 days.', 'calculation', new Stream('a').draws())).toBeNull()
    expect(corruptStep('7 + 5 = 13', 'calculation', new Stream('a').draws())).toBeNull()
    expect(corruptStep('7 + 5 = 12', 'logic', new Stream('a').draws())).toBeNull()
  })
})

describe('the sole equality of a problem', () => {
  it.each([
    ['Sam went to 14 games this year and to 29 last year. How many in all?', '43', '14 + 29 = 43'],
    ['She gave Sam some of her 70 shells and has 27 left. How many did she give?', '43', '70 - 27 = 43'],
    ['A box of 12 costs $1,500.50. What do 2 cost?', '3001', '1500.5 * 2 = 3001'],
    ['6 pens cost 3 dollars. What does one cost?', '0.5', '3 / 6 = 0.5'],
    // Several, or none; numbers that are part of a word.
    ['Michelle has 2 crayons, Janet 2. How many have they?', '4', null],
    ['Of 40 balloons half burst. How many are left?', '20', null],
    ['The A380 has 4 engines. How many have 2 of the B52?', '760', null],
  ])('of %j is the one operation that gives its answer', (problem, answer, step) => {
    expect(soleEquality(problem, answer)).toBe(step)
  })

  it('is true, whatever the numbers', () => {
    const numbers = fc.integer({ min: 0, max: 5000 })
    fc.assert(
      fc.property(numbers, numbers, fc.constantFrom('+', '-', '*'), (a, b, operator) => {
        const answer = operator === '+' ? a + b : operator === '-' ? a - b : a * b
        const step = soleEquality(`He has ${a} of one and ${b} of the other.`, String(answer))
        if (step !== null && answer >= 0) expect(isTrueStep(step)).toBe(true)
      }),
    )
  })
})

describe('a step without its results', () => {
  it.each([
    ['Natalia sold 48/2 = 24 clips, 24 in all.', 'Natalia sold 48/2 = ? clips, ? in all.'],
    ['These 24 are 48/2 = 24 clips; 48+24 = $72', 'These ? are 48/2 = ? clips; 48+? = ?'],
    ['2*2 = 4 and 4+3 = 7', '2*2 = ? and ?+3 = ?'],
    ['3+4 = 7, then 7-4 = 3', '3+4 = ?, then ?-4 = ?'],
    ['It takes 5 days.', 'It takes 5 days.'],
  ])('%s', (step, hidden) => expect(withoutResults(step)).toBe(hidden))

  it('is the same whatever its results are, so that nothing of them can be copied', () => {
    const small = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(
        small,
        small,
        fc.integer({ min: 100, max: 999 }),
        fc.integer({ min: 100, max: 999 }),
        (a, b, one, other) => {
          const step = (result: number): string =>
            `So ${a} + ${b} = ${result} pens, and ${result} * 3 = 3000, ${result} left`
          expect(withoutResults(step(one))).toBe(withoutResults(step(other)))
        },
      ),
    )
  })

  it('goes with what it states', () => {
    expect(statedEqualities('Natalia sold 48/2 = 24 clips; 48 + 24 = $72')).toBe('48/2 = 24, 48 + 24 = $72')
    expect(statedEqualities('It takes 5 days.')).toBe('')
  })
})
