import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Stream } from '../../../shared/random.ts'
import { parseTraces, readsTraces, readTrace } from '../../../tasks/bigbench-mistake.ts'
import { type Expression, parse, spell, valueOf, workedOut, write } from '../../../tasks/expressions.ts'
import { taskConfig, taskFrom } from '../../../tasks/registry.ts'
import { errorTypes } from '../../../tasks/task.ts'
import { hasData, readData } from './shared-data.ts'

const task = taskFrom(taskConfig.parse({ name: 'multistep-arithmetic' }))

const normal = (text: string): string | null => {
  const expression = parse(text)
  return expression && write(expression)
}

describe('expressions', () => {
  it.each([
    ['(7 + 2 - 4 * -5)', '7+2-4*¯5'],
    ['((-67) + (-3))', '¯67+¯3'],
    ['¯67-¯3', '¯67-¯3'],
    ['(20 - (-(32)))', null],
    ['(180) * (308)', '180*308'],
    ['((2 + 5) - (-7 * 2)) + 4', '((2+5)-(¯7*2))+4'],
    ['-17208', '¯17208'],
    ["17'8", null],
    ['17 208', null],
    ['(5 + 2', null],
    ['A + 2', null],
    ['', null],
  ])('reads %s as %s', (text, written) => expect(normal(text)).toBe(written))

  it('spells numbers so that reading gives them back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (value) => {
        expect(valueOf(parse(spell(value)) ?? { terms: [Number.NaN], operators: [] })).toBe(value)
      }),
    )
  })

  it('keeps the value, operation by operation, and takes products of long numbers apart', () => {
    /** By recursion over the brackets, products first: another way than one operation after the other. */
    const value = ({ terms, operators }: Expression): number => {
      const numbers = terms.map((term) => (typeof term === 'number' ? term : value(term)))
      const sums = [0]
      for (const [index, number] of numbers.entries()) {
        const sign = operators[index - 1]
        if (sign === '*') sums.push((sums.pop() ?? 0) * number + 0)
        else sums.push(sign === '-' ? -number : number)
      }
      return sums.reduce((total, part) => total + part, 0)
    }
    fc.assert(
      fc.property(fc.nat(), (number) => {
        const problem = parse(task.problem(new Stream('chain', number).draws()))
        if (!problem) throw new Error('the task made a problem that cannot be read')
        for (const { before, operation, behind } of workedOut(problem)) {
          expect([value(before), value(behind)]).toEqual([value(problem), value(problem)])
          const { left, operator, right, result } = operation
          expect(value({ terms: [left, right], operators: [operator] })).toBe(result)
          const digits = [left, right].map((number) => String(Math.abs(number)).replace(/0+$/, '').length)
          if (operator === '*') expect(Math.min(...digits)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

describe('multistep arithmetic', () => {
  it('has every form that a solution of the benchmark speaks of', () => {
    const problems = Array.from({ length: 500 }, (_, index) => task.problem(new Stream('forms', index).draws()))
    const forms = new Set(problems.map((problem) => problem.replaceAll(/¯?\d+/g, 'n').replaceAll(/[-+*]/g, 'o')))
    for (const form of ['nononon', '(nonon)o(nonon)', '(nononon)o(nononon)', '((non)o(non))o((non)o(non))', '(non)on'])
      expect(forms).toContain(form)
  })

  it('writes totals of three or four values with brackets and without, as `task.flat` says', () => {
    const flatTotals = (fields: object) => {
      const totals = taskFrom(taskConfig.parse({ name: 'multistep-arithmetic', nested: 0, totals: 1, ...fields }))
      const problems = Array.from({ length: 300 }, (_, index) => totals.problem(new Stream('totals', index).draws()))
      const ofMore = problems.filter((problem) => (problem.match(/\d+/g) ?? []).length > 2)
      return ofMore.filter((problem) => !problem.includes('(')).length / ofMore.length
    }
    expect([flatTotals({}), flatTotals({ flat: 1 })]).toEqual([0, 1])
    expect(Math.abs(flatTotals({ flat: 0.4 }) - 0.4)).toBeLessThan(0.1)
  })

  it('makes the problems without `task.flat` that it made before there was such a field', () => {
    const totals = taskFrom(taskConfig.parse({ name: 'multistep-arithmetic', nested: 0, totals: 1 }))
    const problems = [0, 1, 3].map((index) => totals.problem(new Stream('totals', index).draws()))
    expect(problems).toEqual(['(¯32-¯9)+(27-¯2)', '(¯1575-¯8)*2', '(3+36)+(¯17*9)'])
  })

  it('writes a working', () => {
    expect(task.solve('4+¯6-5*¯5')).toEqual(['5*¯5=¯25,4+¯6=¯2,¯2-¯25=23'])
    expect(task.solve('(2+5)-(¯7*2)')).toEqual(['2+5=7,¯7*2=¯14,7-¯14=21'])
    expect(task.solve('11*¯123')).toEqual(['11*¯100=¯1100,11*¯20=¯220,11*¯3=¯33,¯220+¯33=¯253,¯1100+¯253=¯1353'])
    expect(task.solve('1-48*¯11')).toEqual(['48*¯10=¯480,48*¯1=¯48,¯480+¯48=¯528,1-¯528=529'])
  })

  it('asks of a step what it arrives at', () => {
    expect(task.check('4+¯6-5*¯5', [], '23')).toBe(true)
    expect(task.check('4+¯6-5*¯5', [], '4+¯6=¯2,¯2+25=23')).toBe(true)
    expect(task.check('4+¯6-5*¯5', [], '5*¯5=¯25,4+¯6=¯2,¯2-¯25=¯27')).toBe(false)
    expect(task.claimOf?.('5*¯5=¯25,4+¯6=¯2,¯2-¯25=¯27')).toBe('¯27')
    expect(task.alignedClaimOf?.('5*¯5=¯25,4+¯6=¯2,¯2-¯25=¯27')).toBe('¯000027')
    expect(task.alignedClaimOf?.('23')).toBe('+000023')
  })

  it.each(['4+¯6', '4+¯6=', '4+¯6-1=¯3', '4+¯6=¯2,', '4+¯6=¯2=¯2', '=¯2', '2,2'])('%s is no step', (text) => {
    expect(task.isStep(text)).toBe(false)
  })

  it('is shown as people write it', () => {
    expect(task.render('105*¯10=¯1050,2-3=¯1')).toBe('105×−10=−1050, 2−3=−1')
  })

  it('has room for every type of error', () => {
    const found = new Set<string>()
    for (let number = 0; number < 200; number++) {
      const problem = task.problem(new Stream('room', number).draws())
      const step = task.solve(problem)[0] ?? ''
      for (const type of errorTypes) {
        if (task.corrupt(problem, [], step, type, new Stream('room', number, type).draws())) found.add(type)
      }
    }
    expect([...found].toSorted()).toEqual([...errorTypes].toSorted())
  })

  it.each([
    ["Let's calculate B = (5 + 3 - -2 * 2) = (5 + 3 - 4) = 4.", [{ problem: '5+3-¯2*2', step: '4' }]],
    ['Then, the final equation is A - B = -10 - (-32) = 22. So the answer is 22', [{ problem: '¯10-¯32', step: '22' }]],
    ['This equation can be written as "(A + B)", where A = (5 + 2) and B = (5 + 3 - -2).', []],
    ['C = (60 * 500) = 30000', [{ problem: '60*500', step: '30000' }]],
  ])('reads %s', (text, claims) => expect(task.readSentence?.(text).claims).toEqual(claims))

  it.skipIf(!hasData)('reads nearly all of the real file (skipped where it is absent)', () => {
    const reader = readsTraces(task)
    const traces = parseTraces(readData('bigbench_mistake/multistep_arithmetic.jsonl'), 'multistep_arithmetic.jsonl')
    const read = traces.map((trace) => readTrace(reader, trace))
    const [claimed, judged] = [
      read.reduce((sum, trace) => sum + trace.claimed, 0),
      read.reduce((sum, trace) => sum + trace.judged.length, 0),
    ]
    expect(judged / claimed).toBeGreaterThan(0.95)
    // What exact arithmetic makes of it, as published for a checker of the written equalities (93.7 % of all 300 traces).
    const right = traces.filter(({ mistake_index: mistake }, index) => {
      const wrong = read[index]?.judged.find(({ problem, step }) => !task.check(problem, [], step))
      return (wrong?.at ?? null) === mistake
    })
    expect(right.length / traces.length).toBeGreaterThan(0.9)
  })
})
