import { describe, expect, it } from 'vitest'
import { parsePools, readSolution } from '../../../tasks/solution-pools.ts'
import { hasData, readData } from './shared-data.ts'

const sampled = {
  question: 'How much?',
  ground_truth: '7',
  pool_size: 4,
  pool_correct: 3,
  candidates: [
    { steps: ['\\[ 3 \\times 2 = 6 \\]', 'So $6 + 1 = 7$.'], extracted_answer: '7.0', is_correct: true },
    { steps: ['3 + 1 = 4'], extracted_answer: '4', is_correct: false },
    { steps: ['no idea'], extracted_answer: null, is_correct: false },
  ],
}
const models = {
  question: 'How much?',
  ground_truth: 'A: 7',
  small: { is_correct: false, solution: 'It is 3 + 1 = <<3+1=5>>5 in all\nA: $1,005' },
  large: { is_correct: true, solution: 'A: 7' },
}

describe('pools of solutions', () => {
  it('weigh right and wrong samples by the solve rate', () => {
    const [pool] = parsePools(JSON.stringify(sampled), 'file')
    expect(pool?.solutions.map(({ answer, weight, right }) => [answer, weight, right])).toEqual([
      ['7', 0.75, true],
      ['4', 0.125, false],
      [null, 0.125, false],
    ])
  })
  it('give each model one vote', () => {
    const [pool] = parsePools(`\n${JSON.stringify(models)}\n`, 'file')
    expect(pool?.solutions.map(({ answer, weight }) => [answer, weight])).toEqual([
      ['1005', 1],
      ['7', 1],
    ])
  })
  it('name the line that is no pool', () => {
    expect(() => parsePools(`${JSON.stringify(models)}\n{"question": 1}`, 'pool.jsonl')).toThrow(/pool.jsonl, line 2/)
    expect(() => parsePools('nonsense', 'pool.jsonl')).toThrow(/line 1/)
  })
})

describe('the equalities of a solution', () => {
  const steps = (text: string): string[] => readSolution(text).equalities.map(({ step }) => step)
  it('are read from LaTeX, from Markdown and from calculator marks', () => {
    expect(steps('\\[ \\text{Total} = 3 \\text{ cups} \\times 20 \\text{ chickens} = 60 \\text{ cups} \\]')).toEqual([
      '3*20=60',
    ])
    expect(steps('   - Eggs left: **16 - 3 = 13**')).toEqual(['16-3=13'])
    expect(steps('so 16 - 3 = <<16-3=13>>13 and 13 + 1 = <<13+1=14>>14')).toEqual(['16-3=13', '13+1=14'])
  })
  it('are counted where they cannot be read', () => {
    expect(readSolution('80,000 + 50,000 = 130,000')).toEqual({ equalities: [], claimed: 1 })
    expect(readSolution('<<16-3-4=9>>')).toEqual({ equalities: [], claimed: 1 })
    expect(readSolution('a = b')).toEqual({ equalities: [], claimed: 0 })
  })
})

describe.skipIf(!hasData)('stored pools (skipped where the benchmark data are absent)', () => {
  it.each([
    ['solver_pools/gsm8k.jsonl.gz', 130],
    ['solver_pools/math500.jsonl.gz', 150],
    ['gsm8k/model_solutions.jsonl.gz', 1319],
  ])('%s is read whole', (file, count) => {
    const pools = parsePools(readData(file), file)
    expect(pools).toHaveLength(count)
    const solutions = pools.flatMap((pool) => pool.solutions)
    expect(solutions.filter(({ answer }) => answer === null).length / solutions.length).toBeLessThan(0.05)
  })
})
