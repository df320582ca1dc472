import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agreement } from '../../../tasks/answers/agreement.ts'
import { parseReferences } from '../../../tasks/answers/references.ts'
import { sameAnswer } from '../../../tasks/answers/equivalence.ts'
import { finalAnswer, finalFormula, finalNumber } from '../../../tasks/answers/final-answer.ts'
import { grade } from '../../../tasks/answers/grade.ts'
import { normalise } from '../../../tasks/answers/normal-form.ts'
import { parsePools } from '../../../tasks/solution-pools.ts'
import { hasData, readData } from './shared-data.ts'

describe('the final answer of a solution', () => {
  it.each([
    ['so \\boxed{\\frac{1}{\\sqrt{2}}} it is', '\\frac{1}{\\sqrt{2}}'],
    ['put it into \\boxed{}. First \\boxed{3}, then \\boxed{\\{1, 2\\}}', '\\{1, 2\\}'],
    ['$\\boxed 7$', '7'],
    ['\\boxed{8} and \\boxed{9', '8'],
    ['She has 3 left.\n#### 1,234', '1,234'],
    ['1 + 1 = <<1+1=2>>2\nA: 2', '2'],
    ['The answer is $\\frac{3}{4}$.', '\\frac{3}{4}'],
    ['The answer is 3.50. Thank you.', '3.50'],
    ['**Answer:** 42', '42'],
    ['It ends with 9', null],
  ])('%j', (solution, answer) => expect(finalAnswer(solution)).toBe(answer))

  it.each([
    ['16 - 9 = $7. Done', '$7'],
    ['The answer is that 5 of 12 apples are left', '12'],
    ['It costs 1,200.', '1,200'],
    ['it falls to -3', '-3'],
    ['nothing', null],
  ])('is the last number where it must be one: %j', (solution, answer) => expect(finalNumber(solution)).toBe(answer))
})

const same: [string, string][] = [
  ['114,200', '\\$114200.00'],
  ['98,\\!770', '98770'],
  ['8{,}880', '8880'],
  ['.5', '0.50'],
  ['\\frac12', '1/2'],
  ['\\dfrac{1}{2}', '0.5'],
  ['\\frac{\\sqrt6}3', '\\frac{\\sqrt{6}}{3}'],
  ['0.333333', '\\frac{1}{3}'],
  ['11 \\frac{2}{5}', '11.4'],
  ['3 1/2', '\\tfrac72'],
  ['1.5 \\times 10^{3}', '1500'],
  ['1.5e3', '1500'],
  ['1.8 billion', '1800000000'],
  ['25\\%', '25'],
  ['25\\%', '0.25'],
  ['15 \\text{ liters}', '15'],
  ['144 \\mbox{ m}^3', '144'],
  ['5 apples per day', '5'],
  ['120^\\circ', '120'],
  ['80^{\\circ}', '80 degrees'],
  ['\\text{Evelyn}', 'evelyn'],
  ['\\text{(C)}', 'C'],
  ['x = 5', '5'],
  ['f(x) = x+1', '1 + x'],
  ['y = 2x', '2x = y'],
  ['20x - 4y = 8', 'y = 5x - 2'],
  ['(x-1)(x+1)', 'x^2-1'],
  ['\\frac{\\sqrt{5}}{5}', '\\frac{1}{\\sqrt{5}}'],
  ['\\cos 13^\\circ', '\\sin 77^\\circ'],
  ['\\log_2 8', '3'],
  ['3, 5, 7', '\\{7,3,5\\}'],
  ['3 \\pm 2\\sqrt{2}', '3-2\\sqrt2, 3+2\\sqrt2'],
  ['19 \\text{ and }43', '43, 19'],
  ['\\left( 3, \\frac{\\pi}{2} \\right)', '(3,\\pi/2)'],
  ['x \\in [-2,7]', '[-2,7]'],
  ['(-\\infty,0)\\cup(2,4]', '(2,4] \\cup (-\\infty, 0)'],
  ['\\begin{pmatrix} 1/5 \\\\ -18/5 \\end{pmatrix}', '\\begin{pmatrix} 0.2 \\\\ -3.6 \\end{pmatrix}'],
]
const different: [string, string][] = [
  ['5', '6'],
  ['9.33', '\\frac{28}{3}'],
  ['37.7', '12\\pi'],
  ['1234567', '1234567.5'],
  ['18854134', '18854135'],
  ['10000000000000000001', '10000000000000000002'],
  ['\\infty', '5'],
  ['2^{2005}', '2^{2006}'],
  ['-\\frac{7}{64}', '\\frac{7}{64}'],
  ['5\\%', '0.5'],
  ['(1,2)', '(2,1)'],
  ['(1,2)', '[1,2]'],
  ['(1,2)', '1,2'],
  ['3, 5', '3, 5, 7'],
  ['3, 3, 5', '3, 5, 5'],
  ['9\\text{ a.m.}', '9\\text{ p.m.}'],
  ['\\text{even}', '\\text{neve}'],
  ['x', 'X'],
  ['4210_7', '4210'],
  ['x = 5', '6'],
  ['y = 2x', 'y = 3x'],
  ['2k', '4k'],
  ['\\frac{1}{4k^2}', '\\frac{1}{4k}'],
  ['\\begin{pmatrix} 1 & 2 \\end{pmatrix}', '\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}'],
  ['', '0'],
]

describe('equivalence of answers', () => {
  it.each(same)('%s is %s', (one, other) => {
    expect(sameAnswer(one, other)).toBe(true)
    expect(sameAnswer(other, one)).toBe(true)
  })
  it.each(different)('%s is not %s', (one, other) => {
    expect(sameAnswer(one, other)).toBe(false)
    expect(sameAnswer(other, one)).toBe(false)
  })

  // Answers as they are written, and nonsense made of their parts.
  const written = fc.constantFrom(...[...same, ...different].flat())
  const part = fc.constantFrom(
    ...'0 1 12 3.50 1,000 . , ; - + * / = ( ) [ ] { } | ^ _ ! % $ x e i and cm apples percent million'.split(' '),
    ...'\\frac \\dfrac \\sqrt \\text{ \\left( \\right) \\{ \\} \\cup \\pm \\pi \\infty ^\\circ \\$ \\% \\! \\, \\\\ & °'.split(
      ' ',
    ),
    '\\begin{pmatrix}',
    '\\end{pmatrix}',
    '\\text{ m}^2',
    '\\text{ and }',
    '\\sin',
    '\\log_',
    ' ',
  )
  const nonsense = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''))
  const answer = fc.oneof(written, nonsense, fc.string({ maxLength: 30 }))

  it('normalising twice is normalising once', () => {
    fc.assert(
      fc.property(answer, (text) => {
        expect(normalise(normalise(text))).toBe(normalise(text))
      }),
      { numRuns: 2000 },
    )
  })
  it('is reflexive and symmetric', () => {
    fc.assert(
      fc.property(answer, answer, (one, other) => {
        expect(sameAnswer(one, one)).toBe(true)
        expect(sameAnswer(one, other)).toBe(sameAnswer(other, one))
      }),
      { numRuns: 2000 },
    )
  })
  it('takes any fraction for its decimal number, and no other', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999, max: 999 }), fc.integer({ min: 1, max: 99 }), (above, below) => {
        const decimal = (above / below).toFixed(12)
        expect(sameAnswer(`\\frac{${above}}{${below}}`, decimal)).toBe(true)
        expect(sameAnswer(`\\frac{${above + 1}}{${below}}`, decimal)).toBe(false)
      }),
    )
  })
  it('ends soon on long and deep input', () => {
    const deep = `${'('.repeat(450)}1${')'.repeat(450)}`
    expect(sameAnswer(deep, '1')).toBe(true)
    expect(sameAnswer('{'.repeat(100_000), '1')).toBe(false)
  })
})

describe('a grade', () => {
  it('takes the last number only where the right answer is a number', () => {
    expect(grade('3 + 4 = 7', '7')).toEqual({ answer: '7', right: true })
    expect(grade('3 + 4 = 7', '\\frac{1}{7}')).toEqual({ answer: null, right: false })
  })
})

const files = ['gsm8k/model_solutions.jsonl.gz', 'solver_pools/gsm8k.jsonl.gz', 'solver_pools/math500.jsonl.gz']
describe('a solution that marks no answer', () => {
  it.each([
    ['So $x$ is small.\nMultiply \\(10\\) by \\(\\frac{3}{2}\\).\n', '\\frac{3}{2}'],
    ['It is \\[ 12\\pi \\] inches.', '12\\pi'],
    ['It is $12\\pi$.', '12\\pi'],
    ['\\boxed{4}, as \\(5\\) is wrong.', '4'],
    ['\\(5\\)\nand so on', null],
    ['so \\(b', null],
    ['', null],
  ])('states the last formula of its last line: %s', (solution, answer) => {
    expect(finalFormula(solution)).toBe(answer)
  })
  it('takes no long time over a long line', () => {
    expect(finalFormula('\\('.repeat(200_000))).toBeNull()
  })
})

describe('agreement with stored labels', () => {
  const solution = (text: string, right: boolean): object => ({
    steps: [text],
    extracted_answer: null,
    is_correct: right,
  })
  const pool = (question: string, truth: string, candidates: object[]): string =>
    JSON.stringify({ question, ground_truth: truth, pool_size: 8, pool_correct: 4, candidates })
  const pools = parsePools(
    [
      pool('How many?', '1200', [solution('\\boxed{1,200}', false), solution('\\boxed{1200}', true)]),
      pool('Where is it?', '-1', [
        solution('\\boxed{(6, 31, -1)}', true),
        solution('\\boxed{(0, 0, -1)}', true),
        solution('It is at (6, 31, -1)', true),
        solution('\\boxed{7}', true),
      ]),
    ].join('\n'),
    'pools',
  )
  const settled = (references: Map<string, string>): [string, string | null][] =>
    agreement(pools, references).disagreements.map(({ reason, mistaken }) => [reason, mistaken])
  it('is explained by the texts', () => {
    expect(settled(new Map())).toEqual([
      ['comma', null],
      ['fragment', null],
      ['fragment', null],
      ['unexplained', null],
    ])
    expect(agreement(pools)).toMatchObject({ solutions: 6, agreed: 2, byReference: null })
  })
  it('is settled by the benchmark’s own answers', () => {
    const rows = [
      { question: 'How many?', answer: 'So many.\n#### 1,200' },
      { problem: 'Where is it ?', answer: '(6,31,-1)' },
    ]
    const references = parseReferences(rows.map((row) => JSON.stringify(row)).join('\n'), 'benchmark')
    expect(settled(references)).toEqual([
      ['comma', 'label'],
      ['fragment', 'truth'],
      ['fragment', 'label'],
      ['unmarked', null],
      ['fragment', 'label'],
    ])
    expect(agreement(pools, references).byReference).toEqual({ solutions: 6, agreed: 2 })
  })
})

const references = (): Map<string, string> =>
  new Map(['gsm8k/test.jsonl', 'math/math500.jsonl'].flatMap((file) => [...parseReferences(readData(file), file)]))
describe.skipIf(!hasData)('the labels of stored solutions (skipped where the benchmark data are absent)', () => {
  it.each(files)('%s: what differs is explained', (file) => {
    const { solutions, agreed, byReference, disagreements } = agreement(parsePools(readData(file), file), references())
    expect(solutions).toBeGreaterThan(900)
    expect(byReference?.solutions).toBe(solutions)
    expect(disagreements.filter(({ reason }) => reason === 'unexplained')).toEqual([])
    // Wherever an answer is marked, it is the label or the file's right answer that is mistaken.
    expect(disagreements.every(({ reason, mistaken }) => reason === 'unmarked' || mistaken !== null)).toBe(true)
    const wrongLabels = disagreements.filter(({ mistaken }) => mistaken === 'label').length
    expect((byReference?.agreed ?? 0) / (solutions - wrongLabels)).toBeGreaterThanOrEqual(0.995)
    if (file === files[0]) expect(agreed / solutions).toBeGreaterThanOrEqual(0.995)
  })
})
