import { describe, expect, it } from 'vitest'
import type { JudgedSolution, Verdict } from '../../../tasks/benchmarks/judged-solution.ts'
import { concludeLocation, locationFloors } from '../../../tasks/benchmarks/location.ts'
import { mrScores } from '../../../tasks/benchmarks/mr-score.ts'
import { parsePairs, prm800k } from '../../../tasks/benchmarks/prm800k.ts'
import { concludePrmScore } from '../../../tasks/benchmarks/prmbench.ts'
import { benchmarks } from '../../../tasks/benchmarks/registry.ts'
import { chooseSteps } from '../../../tasks/benchmarks/single-step.ts'
import { firstRecords } from '../../../tasks/json-lines.ts'
import { hasData, readData } from './shared-data.ts'

const [C, I] = ['Correct', 'Incorrect'] as const
const reader = (name: string): ((text: string) => JudgedSolution[]) => {
  const benchmark = benchmarks[name]
  if (!benchmark) throw new Error(`no benchmark ${name}`)
  return (text) => benchmark.read(text, 'file.json')
}

const lines: Record<string, object> = {
  processbench: { id: 'gsm8k-3', problem: 'p', steps: ['a', 'b'], label: 1, final_answer_correct: false },
  prm800k: { id: 'x', problem: 'p', steps: ['a', 'b', 'c'], ratings: [1, 0, -1], first_error_step: 3 },
  'mr-gsm8k': {
    uuid: 'u',
    question: 'p',
    model_output_steps: ['a', 'b'],
    model_output_solution_correctness: 'wrong',
    model_output_solution_first_error_step: 2,
    question_type: 'POT',
  },
  'mr-ben': {
    Question_UUID: 'u',
    Question: 'p',
    Options: 'A: 1',
    Subject: 'college_math',
    Sampled_Model: 'm',
    Model_Solution_Steps: ['a', 'b'],
    Model_Solution_Correctness: 'incorrect',
    Model_Solution_First_Error_Step: '2',
  },
  prmbench: {
    idx: 7,
    modified_question: 'p',
    modified_process: ['a', 'b', 'c'],
    error_steps: [3, 2, 9],
    classification: 'circular',
  },
  deltabench: {
    id: 'd',
    question: 'p',
    task_l1: 'math',
    sections_content: 'section1: a\n\nsection2: b\nand section 9\n\nsection3: c',
    reason_error_section_numbers: [3],
    reason_unuseful_section_numbers: [2],
  },
  'bigbench-mistake': { input: 'p', steps: ['a', 'b'], mistake_index: 1 },
}
const expected: Record<string, JudgedSolution> = {
  processbench: { id: 'gsm8k-3', problem: 'p', steps: ['a', 'b'], firstError: 1, group: 'gsm8k' },
  prm800k: {
    id: 'x',
    problem: 'p',
    steps: ['a', 'b', 'c'],
    firstError: 2,
    labels: [C, null, I],
    group: 'prm800k',
  },
  'mr-gsm8k': { id: 'u', problem: 'p', steps: ['a', 'b'], firstError: 1, group: 'POT' },
  'mr-ben': { id: 'u/m', problem: 'p\nA: 1', steps: ['a', 'b'], firstError: 1, group: 'math' },
  prmbench: {
    id: 'circular_7',
    problem: 'p',
    steps: ['a', 'b', 'c'],
    firstError: 1,
    labels: [C, I, I],
    group: 'circular',
  },
  deltabench: {
    id: 'd',
    problem: 'p',
    steps: ['a', 'b\nand section 9', 'c'],
    firstError: 1,
    labels: [C, I, I],
    group: 'math',
  },
  'bigbench-mistake': { id: '1', problem: 'p', steps: ['a', 'b'], firstError: 1, group: 'traces' },
}

describe('the readers of benchmarks', () => {
  it.each(Object.keys(benchmarks))('%s: JSON Lines', (name) => {
    const text = `\n${JSON.stringify(lines[name])}\n\n`
    expect(reader(name)(text)).toEqual([expected[name]])
  })
  it.each(Object.keys(benchmarks).filter((name) => name !== 'bigbench-mistake'))('%s: a JSON array', (name) => {
    expect(reader(name)(` ${JSON.stringify([lines[name]], null, 2)}`)).toEqual([expected[name]])
  })
  it('take solutions without an error', () => {
    const first = (name: string, more: object): number | null =>
      reader(name)(JSON.stringify({ ...lines[name], ...more }))[0]!.firstError
    expect(first('processbench', { label: -1 })).toBeNull()
    expect(first('prm800k', { ratings: undefined, first_error_step: null })).toBeNull()
    expect(first('prm800k', { ratings: [1, 1, 0], first_error_step: null })).toBeNull()
    const right = { model_output_solution_correctness: 'correct', model_output_solution_first_error_step: 'N/A' }
    expect(first('mr-gsm8k', right)).toBeNull()
    expect(
      first('mr-ben', { Model_Solution_Correctness: 'correct', Model_Solution_First_Error_Step: 'N/A' }),
    ).toBeNull()
    expect(first('prmbench', { error_steps: [] })).toBeNull()
    expect(first('bigbench-mistake', { mistake_index: null })).toBeNull()
  })
  it('take DeltaBench’s sections as a list', () => {
    const sections = [{ content: 'a' }, { section: 'b' }, { content: 'c' }]
    const text = JSON.stringify({ ...lines['deltabench'], sections, sections_content: undefined })
    expect(reader('deltabench')(text)[0]?.steps).toEqual(['a', 'b', 'c'])
  })
  it('take DeltaBench’s other name of the text, and cut it at the marks that count on', () => {
    const section_content = 'section1:\na\nsection 3: is later\nSection 2: b'
    const text = JSON.stringify({ ...lines['deltabench'], section_content, sections_content: undefined })
    expect(reader('deltabench')(text)[0]).toMatchObject({ steps: ['a\nsection 3: is later', 'b'], labels: [C, I] })
  })
  it('take MR-Ben’s object of questions, pretty-printed, and a part of it', () => {
    const one = lines['mr-ben']
    const text = JSON.stringify(
      { u: [one, { ...one, Sampled_Model: 'n' }], v: [{ ...one, Question_UUID: 'v' }] },
      null,
      2,
    )
    expect(reader('mr-ben')(text).map(({ id }) => id)).toEqual(['u/m', 'u/n', 'v/m'])
    expect(reader('mr-ben')(firstRecords(text, 2))).toHaveLength(2)
    expect(() => reader('mr-ben')(JSON.stringify({ u: [one, {}] }))).toThrow(/file\.json, record 2: Question_UUID/)
  })
  it('keep MR-Ben’s error behind the last step: the solution is wrong, and no step of it is known', () => {
    const text = JSON.stringify({ ...lines['mr-ben'], Model_Solution_First_Error_Step: '3' })
    expect(reader('mr-ben')(text)).toEqual([{ ...expected['mr-ben'], firstError: 2, labels: [null, null] }])
  })
  it('keep the first of PRMBench’s records with one name', () => {
    const text = JSON.stringify([lines['prmbench'], { ...lines['prmbench'], error_steps: [] }])
    expect(reader('prmbench')(text)).toEqual([expected['prmbench']])
  })
  it('read SPC’s pairs of PRM800K', () => {
    const pair = { id: 'x', problem: 'p', correct_last_step: 'r', incorrect_last_step: 'w' }
    const text = ['', 'a\nb'].map((partial_solution) => JSON.stringify({ ...pair, partial_solution })).join('\n')
    expect(parsePairs(text, 'f').map(({ done, step, label }) => [done, step, label])).toEqual([
      [[], 'r', C],
      [[], 'w', I],
      [['a', 'b'], 'r', C],
      [['a', 'b'], 'w', I],
    ])
  })
  it.each<[string, object, RegExp]>([
    ['processbench', { label: 2 }, /^file\.json, line 1: label: there is no such step/],
    ['processbench', { label: -2 }, /label/],
    ['processbench', { steps: [] }, /steps: there is no step/],
    ['processbench', { problem: ' ' }, /problem: there is no text/],
    ['prm800k', { ratings: [1, 1] }, /ratings: not one for each step/],
    ['prm800k', { ratings: [1, -1, 1] }, /first_error_step: it is not the first rating/],
    ['prm800k', { ratings: undefined, first_error_step: 4 }, /first_error_step: there is no such step/],
    ['prm800k', { ratings: undefined, first_error_step: undefined }, /neither ratings nor/],
    ['mr-gsm8k', { model_output_solution_first_error_step: 'N/A' }, /model_output_solution_first_error_step: the sol/],
    ['mr-gsm8k', { model_output_solution_correctness: 'maybe' }, /model_output_solution_correctness/],
    ['mr-ben', { Model_Solution_First_Error_Step: 'N/A' }, /Model_Solution_First_Error_Step: the solution is wrong/],
    [
      'mr-ben',
      { Model_Solution_Steps: 'def f(): return 1' },
      /Model_Solution_Steps: one text \(of the coding subject\?\)/,
    ],
    ['mr-ben', { Model_Solution_First_Error_Step: 'three' }, /neither a number nor N\/A/],
    ['prmbench', { idx: undefined }, /idx/],
    ['prmbench', { error_steps: ['1'] }, /error_steps/],
    ['deltabench', { sections_content: 'no mark' }, /sections: there is no section/],
    ['bigbench-mistake', { mistake_index: 2 }, /mistake_index: there is no such step/],
  ])('%s refuses %j', (name, more, message) => {
    expect(() => reader(name)(JSON.stringify({ ...lines[name], ...more }))).toThrow(message)
  })
  it('name the record of an array, and refuse what is no JSON', () => {
    expect(() => reader('processbench')(JSON.stringify([lines['processbench'], 3]))).toThrow(/file\.json, record 2/)
    expect(() => reader('processbench')('[{')).toThrow(/file\.json: not JSON/)
    expect(() => reader('processbench')('{')).toThrow(/line 1: not JSON/)
  })
})

const read = (name: string, file: string): JudgedSolution[] => reader(name)(readData(file))
const truths = (solutions: readonly JudgedSolution[]): (number | null)[] => solutions.map((one) => one.firstError)
const perfect = ({ steps, firstError, labels }: JudgedSolution): (Verdict | null)[] =>
  labels ?? steps.map((_, step) => (step === firstError ? I : C))

describe.skipIf(!hasData)('the published files, half of each (skipped where the benchmark data are absent)', () => {
  it.each<[string, string, number, number]>([
    ['processbench', 'processbench/gsm8k.jsonl', 194, 97],
    ['processbench', 'processbench/math.jsonl', 507, 291],
    ['processbench', 'processbench/olympiadbench.jsonl', 533, 358],
    ['processbench', 'processbench/omnimath.jsonl', 491, 372],
    ['prm800k', 'prm800k/labelled_solutions.jsonl', 741, 614],
    ['prm800k', 'prm800k/phase2_natural_errors.jsonl', 142, 137],
    ['mr-gsm8k', 'mr_gsm8k/wrong_solutions.jsonl', 284, 284],
    ['mr-ben', 'mr_ben_math/math.jsonl', 429, 344],
    ['bigbench-mistake', 'bigbench_mistake/multistep_arithmetic.jsonl', 155, 125],
    ['bigbench-mistake', 'bigbench_mistake/word_sorting.jsonl.gz', 142, 0],
    ['bigbench-mistake', 'bigbench_mistake/dyck_languages.jsonl.gz', 499, 0],
    ['bigbench-mistake', 'bigbench_mistake/logical_deduction.jsonl.gz', 143, 0],
    ['bigbench-mistake', 'bigbench_mistake/tracking_shuffled_objects.jsonl.gz', 142, 0],
    // Two records repeat the name of another.
    ['prmbench', 'prmbench/prmbench.jsonl.gz', 3098, 0],
  ])('%s: %s', (name, file, solutions, wrong) => {
    const all = read(name, file)
    expect(all).toHaveLength(solutions)
    if (wrong > 0) expect(all.filter(({ firstError }) => firstError !== null)).toHaveLength(wrong)
    expect(new Set(all.map(({ id }) => id)).size).toBe(solutions)
  })
  it('a perfect critic reaches the top of every protocol', () => {
    const bench = read('processbench', 'processbench/math.jsonl')
    expect(concludeLocation(bench, bench.map(perfect)).numbers['mean_f1']).toBe(1)
    const ben = read('mr-ben', 'mr_ben_math/math.jsonl')
    const scores = mrScores(truths(ben).map((truth) => ({ truth, predicted: truth })))
    expect(scores).toMatchObject({ mcc: 1, step: { share: 1 }, score: { least: 0.5, most: 1 } })
    const prm = read('prmbench', 'prmbench/prmbench.jsonl.gz')
    expect(concludePrmScore(prm, prm.map(perfect)).numbers['categories']).toEqual({
      simplicity: 1,
      soundness: 1,
      sensitivity: 1,
    })
  })
  it('BIG-Bench Mistake: constants reach about a quarter, as over the whole file (25.3, 25.0, 20.7 %)', () => {
    const floors = locationFloors(truths(read('bigbench-mistake', 'bigbench_mistake/multistep_arithmetic.jsonl')))
    expect(floors['best constant'].accuracy).toBeCloseTo(38 / 155, 12)
    expect(floors['always Correct'].accuracy).toBeCloseTo(30 / 155, 12)
  })
  it('ProcessBench: SPC’s steps are as many right as wrong ones in each subset', () => {
    const files = ['gsm8k', 'math', 'olympiadbench', 'omnimath']
    const steps = chooseSteps(
      files.flatMap((name) => read('processbench', `processbench/${name}.jsonl`)),
      'first-error',
      1,
    )
    const counts = files.map((group) => steps.filter((one) => one.group === group && one.label === C).length)
    expect(counts).toEqual([97, 216, 175, 119])
    expect(steps).toHaveLength(2 * (97 + 216 + 175 + 119))
  })
  it('PRM800K: the pairs that share a prefix are those of SPC’s form of the data', () => {
    const chosen = chooseSteps(prm800k.read(readData('prm800k/labelled_solutions.jsonl'), 'f'), 'shared-prefix', 1)
    const stored = parsePairs(readData('prm800k/pairs_human.jsonl'), 'f')
    const places = (some: typeof chosen): Set<string> =>
      new Set(some.map(({ problem, done }) => `${problem}\n${done.join('\n')}`))
    expect(places(chosen)).toEqual(places(stored))
    expect(chosen.length % 2).toBe(0)
  })
})
