import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Stream } from '../../../shared/random.ts'
import { arithmetic, arithmeticConfig } from '../../../tasks/arithmetic.ts'
import { errorTypes } from '../../../tasks/task.ts'

const task = arithmetic(arithmeticConfig.parse({ operands: [2, 6], multiplications: 2 }))
const problemOf = (number: number): string => task.problem(new Stream('test', number).draws())

/** An independent judge: JavaScript's own evaluation of the expression. */
function valueOf(expression: string): number {
  const terms = expression.split(/(?=[+-])/).map((term) => {
    const sign = term.startsWith('-') ? -1 : 1
    return (
      sign *
      term
        .replace(/^[+-]/, '')
        .split('*')
        .map(Number)
        .reduce((product, factor) => product * factor, 1)
    )
  })
  return terms.reduce((sum, term) => sum + term, 0)
}

describe('arithmetic chains', () => {
  it('solves every problem to the value of the expression', () => {
    fc.assert(
      fc.property(fc.nat(), (number) => {
        const problem = problemOf(number)
        expect(Number(task.solve(problem).at(-1)?.split('=')[1])).toBe(valueOf(problem))
      }),
    )
  })

  it('finds room for each error type in many problems', () => {
    for (const type of errorTypes) {
      const found = Array.from({ length: 200 }, (_, number) => {
        const problem = problemOf(number)
        return task.corrupt(problem, [], task.solve(problem)[0]!, type, new Stream(type, number).draws())
      }).filter((corruption) => corruption !== null)
      expect(found.length, type).toBeGreaterThan(20)
    }
  })

  it.each([
    ['37+48-9*3', [], '9*3=27', true],
    ['37+48-9*3', [], '37+48=85', true],
    ['37+48-9*3', [], '48-9=39', false], // the product comes first
    ['37+48-9*3', ['9*3=27'], '37+48=83', false],
    ['37+48-9*3', ['9*3=27'], '48-27=21', true], // 37+(48-27) has the same value
    ['10-3+2', [], '3+2=5', false],
    ['10-3+2', [], '10-3=7', true],
    ['10-3+2', ['10-3=8'], '8+2=10', false], // after a wrong step nothing is right
    ['10-3+2', [], '10-3', false],
    ['10-3+2', [], '', false],
  ])('%s after %j: %s is %s', (problem, done, step, right) => {
    expect(task.check(problem, done, step)).toBe(right)
  })

  it('grades by the outcome alone', () => {
    expect(task.grade('10-3+2', ['10-3=7', '7+2=9'])).toBe(true)
    expect(task.grade('10-3+2', ['4+5=9'])).toBe(true)
    expect(task.grade('10-3+2', ['10-3=7'])).toBe(false)
    expect(task.grade('10-3+2', [])).toBe(false)
  })

  it('refuses settings that make no sense, by name', () => {
    const refused = arithmeticConfig.safeParse({ operands: [4, 3] })
    expect(refused.error?.issues[0]?.path).toEqual(['operands'])
  })
})
