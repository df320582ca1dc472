import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { knownLeaks, leaked, problemHash, problemKey, trainingProblems } from '../../../tasks/problems/training.ts'
import { withheld } from '../../../tasks/problems/withheld.ts'
import {
  cutIntoSteps,
  parseProblems,
  type ProblemForm,
  type PublishedSplit,
  type WordProblem,
} from '../../../tasks/problems/word-problems.ts'
import { hasData, readData } from './shared-data.ts'

describe('readers of word problems', () => {
  it('read GSM8K, its steps without calculator marks', () => {
    const line = { question: 'How many?', answer: 'Half is 48/2 = <<48/2=24>>24.\nIn all 48+24 = 72.\n#### 1,072' }
    expect(parseProblems('gsm8k', `${JSON.stringify(line)}\n\n`, 'file', 'train')).toEqual([
      { problem: 'How many?', steps: ['Half is 48/2 = 24.', 'In all 48+24 = 72.'], answer: '1,072', split: 'train' },
    ])
  })
  it.each<[ProblemForm, object, Omit<WordProblem, 'split'>]>([
    [
      'math',
      { problem: 'p', answer: '\\pi', solution: 'a\nb\n\nc' },
      { problem: 'p', answer: '\\pi', steps: ['a\nb', 'c'] },
    ],
    ['math', { problem: 'p', answer: '2', level: 'Level 1' }, { problem: 'p', answer: '2', steps: [] }],
    [
      'svamp',
      { Body: 'He has 2', Question: 'How many?', Answer: 2 },
      { problem: 'He has 2. How many?', answer: '2', steps: [] },
    ],
    ['mawps', { input: ' How many ? ', target: 43 }, { problem: 'How many ?', answer: '43', steps: [] }],
  ])('read %s', (form, line, expected) => {
    expect(parseProblems(form, JSON.stringify(line), 'file', 'test')).toEqual([{ ...expected, split: 'test' }])
  })
  it('leave out a problem without an answer', () => {
    expect(parseProblems('math', '{"problem":"p","answer":" "}', 'file', 'train')).toEqual([])
  })
  it.each<[ProblemForm, string, RegExp]>([
    ['gsm8k', '{"question":"q","answer":"#### 1"}\n{"question":"q"}', /^a\.jsonl, line 2: answer: /],
    ['gsm8k', '{"question":"q","answer":"no number"}', /line 1: answer: it does not end with ####/],
    ['mawps', '{"input":"q","target":null}', /line 1: target: /],
    ['svamp', '{', /line 1: not JSON/],
    ['math', '3', /line 1: the line: /],
  ])('name line and field: %s', (form, text, message) => {
    expect(() => parseProblems(form, text, 'a.jsonl', 'test')).toThrow(message)
  })
  it('cut at blank lines, or at line ends where there are none', () => {
    expect(cutIntoSteps('a\nb\n \nc\n')).toEqual(['a\nb', 'c'])
    expect(cutIntoSteps('a\nb\n')).toEqual(['a', 'b'])
    expect(cutIntoSteps('')).toEqual([])
  })
})

describe('what may be trained on', () => {
  const problem = (text: string, split: PublishedSplit = 'train'): WordProblem => ({
    problem: text,
    steps: [],
    answer: '1',
    split,
  })
  it('is compared without spacing, punctuation and case, but with its numbers and signs', () => {
    expect(problemKey('What is $\\dfrac{1}{2} + x$?')).toBe(problemKey('what is  \\( \\frac12+x \\)'))
    expect(problemKey('x + 1')).not.toBe(problemKey('x - 1'))
  })
  it('is not a problem of an evaluation set, and of no test split', () => {
    const problems = [problem('Add 1 and 2.'), problem('Add 1 and 3.')]
    expect(trainingProblems(problems, ['add 1  and 2'])).toEqual([problems[1]])
    expect(() => trainingProblems([problem('x', 'test')], [])).toThrow(/test split/)
  })

  it('is not a problem that is known to stand in a published benchmark, whether that is at hand or not', () => {
    expect(problemHash('What is $\\dfrac{1}{2}$?')).toBe(problemHash('what is \\frac 12'))
    const hashes = Object.values(withheld).flat()
    expect(hashes.length).toBeGreaterThan(10)
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/)
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(knownLeaks([problem('Add 1 and 2.')])).toEqual([])
  })

  const training: [ProblemForm, string][] = [
    ['gsm8k', 'gsm8k/train.jsonl'],
    ['math', 'math/train.jsonl'],
    ...['addsub', 'singleeq', 'singleop'].map((name): [ProblemForm, string] => ['mawps', `easy_math/${name}.jsonl`]),
  ]
  const evaluation: [ProblemForm, string][] = [
    ['gsm8k', 'gsm8k/test.jsonl'],
    ['math', 'math/test.jsonl'],
    ['math', 'math/math500.jsonl'],
    ['svamp', 'easy_math/svamp.jsonl'],
    ['mawps', 'easy_math/multiarith.jsonl'],
  ]
  const labelled = z.object({
    problem: z.string().optional(),
    question: z.string().optional(),
    Question: z.string().optional(),
  })
  /** The problems of a benchmark of critics, or of one that states no split. */
  const statedIn = (file: string): string[] =>
    readData(file)
      .split('\n')
      .filter(Boolean)
      .map((line) => labelled.parse(JSON.parse(line)))
      .map(({ problem: text, question, Question }) => text ?? question ?? Question ?? '')
  const labelledIn = (name: string): string[] => statedIn(`processbench/${name}.jsonl`)
  const parsed = ([form, file]: [ProblemForm, string], split: PublishedSplit): WordProblem[] =>
    parseProblems(form, readData(file), file, split)

  const benchmarks = [
    ...['gsm8k', 'math', 'olympiadbench', 'omnimath'].map((name) => `processbench/${name}.jsonl`),
    'mr_gsm8k/wrong_solutions.jsonl',
    'mr_ben_math/math.jsonl',
    'champ/first_wrong_step.jsonl',
    'aime24/test.jsonl',
  ]
  it.skipIf(!hasData)('no evaluation problem is in a training set (skipped where the data are absent)', () => {
    const tests = evaluation.flatMap((file) => parsed(file, 'test').map((one) => one.problem))
    const barred = [...tests, ...benchmarks.flatMap(statedIn)]
    expect(barred.every((one) => problemKey(one) !== '')).toBe(true)
    const published = training.map((file) => ({ file: file[1], problems: parsed(file, 'train') }))
    // With the evaluation files, and without them: the list of known ones is all that is needed.
    for (const given of [barred, []]) {
      const sets = published.map(({ problems }) => trainingProblems(problems, given))
      const keys = new Set(sets.flat().map((one) => problemKey(one.problem)))
      expect(barred.filter((one) => keys.has(problemKey(one)))).toEqual([])
      expect(sets.flat().length).toBeGreaterThan(16_000)
    }
    // It is MATH's training split alone that holds some, five of them of its own test split.
    expect(published.filter(({ problems }) => leaked(problems, barred).length > 0).map(({ file }) => file)).toEqual([
      'math/train.jsonl',
    ])
    expect(leaked(published[1]!.problems, tests)).toHaveLength(5)
    expect(leaked(published[1]!.problems, labelledIn('omnimath'))).toHaveLength(6)
    expect(leaked(published[1]!.problems, statedIn('mr_ben_math/math.jsonl'))).toHaveLength(24)
    expect(
      knownLeaks(published[1]!.problems)
        .map((one) => problemHash(one.problem))
        .toSorted(),
    ).toEqual(withheld['math/train.jsonl'])
  })

  it.skipIf(!hasData)('MATH500 and ProcessBench stand in the test splits (skipped where the data are absent)', () => {
    const keys = (file: [ProblemForm, string]): Set<string> =>
      new Set(parsed(file, 'test').map(({ problem: text }) => problemKey(text)))
    const [gsm8k, math] = [keys(['gsm8k', 'gsm8k/test.jsonl']), keys(['math', 'math/test.jsonl'])]
    const math500 = parsed(['math', 'math/math500.jsonl'], 'test').map((one) => one.problem)
    expect([...math500, ...labelledIn('math')].filter((one) => !math.has(problemKey(one)))).toEqual([])
    expect(labelledIn('gsm8k').filter((one) => !gsm8k.has(problemKey(one)))).toEqual([])
  })
})
