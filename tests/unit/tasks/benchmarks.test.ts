import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concludeDeltaBench, countSections, sectionScores } from '../../../tasks/benchmarks/deltabench.ts'
import {
  type JudgedSolution,
  locate,
  type Location,
  type StepVerdicts,
  type Verdict,
} from '../../../tasks/benchmarks/judged-solution.ts'
import { concludeLocation, locationFloors, locationScores } from '../../../tasks/benchmarks/location.ts'
import { concludeMrScore, matthews, mrScores } from '../../../tasks/benchmarks/mr-score.ts'
import { concludePrmScore, prmFloors, prmScore } from '../../../tasks/benchmarks/prmbench.ts'
import { stepLines, verdictsOfSolutions } from '../../../tasks/benchmarks/step-lines.ts'
import { chooseSteps, concludeSingleStep, singleStepFloors } from '../../../tasks/benchmarks/single-step.ts'

const [C, I] = ['Correct', 'Incorrect'] as const

function solution(id: string, firstError: number | null, more: Partial<JudgedSolution> = {}): JudgedSolution {
  return { id, problem: `problem ${id}`, steps: ['a', 'b', 'c'], firstError, group: 'g', ...more }
}

const verdict = fc.constantFrom<Verdict | null>(C, I, null)
const located = fc.array(
  fc.record({
    truth: fc.option(fc.nat(3)),
    predicted: fc.oneof(fc.option(fc.nat(3)), fc.constant('unreadable' as const)),
  }),
)
/** A list and the same in another order. */
const shuffled = <T>(values: fc.Arbitrary<T[]>): fc.Arbitrary<[T[], T[]]> =>
  values.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
  )

describe('where a step-by-step critic sees the first error', () => {
  it.each<[StepVerdicts, Location]>([
    [[C, I, C], 1],
    [[C, I], 1],
    [[I, null, null], 0],
    [[C, C, C], null],
    [[C, null, I], 'unreadable'],
    [[C, C], 'unreadable'],
    [[], 'unreadable'],
  ])('%j: %j', (verdicts, place) => {
    expect(locate(verdicts, 3)).toBe(place)
  })
  it('does not depend on what it says behind that', () => {
    fc.assert(
      fc.property(fc.array(fc.constant(C)), fc.array(verdict), (before, after) => {
        const steps = before.length + 1 + after.length
        expect(locate([...before, I, ...after], steps)).toBe(before.length)
      }),
    )
  })
})

describe('the lines of an evaluation', () => {
  const solutions = [solution('1', 1), solution('2', null), solution('3', 0, { labels: [I, null, C] })]
  it('are every step with what is known of it', () => {
    const lines = stepLines(solutions)
    expect(lines.map(({ label }) => label)).toEqual([C, I, null, C, C, C, I, null, C])
    expect(lines[5]).toEqual({ problem: 'problem 2', done: ['a', 'b'], step: 'c', label: C, group: 'g' })
  })
  it('find back to their solutions, in whatever order they were judged', () => {
    const judged = [
      { item: 8, verdict: 'Correct' },
      { item: 0, verdict: 'Correct' },
      { item: 1, verdict: 'Incorrect' },
      { item: 4, verdict: 'perhaps' },
    ]
    expect(verdictsOfSolutions(solutions, judged)).toEqual([
      [C, I, null],
      [null, null, null],
      [null, null, C],
    ])
  })
})

describe('exact location', () => {
  it('is scored as ProcessBench is', () => {
    const scores = locationScores([
      { truth: 1, predicted: 1 },
      { truth: 2, predicted: 1 },
      { truth: 0, predicted: null },
      { truth: 0, predicted: 'unreadable' },
      { truth: null, predicted: null },
      { truth: null, predicted: 0 },
    ])
    expect([scores.wrong.share, scores.correct.share, scores.accuracy.share]).toEqual([0.25, 0.5, 1 / 3])
    expect(scores.f1).toBeCloseTo((2 * 0.25 * 0.5) / 0.75)
    expect(scores.unreadable).toBeCloseTo(1 / 6)
    expect(scores.wrong.interval?.[0]).toBeGreaterThan(0)
  })
  it('has no F1 where one kind is missing, and 0 where nothing is right', () => {
    expect(locationScores([{ truth: 1, predicted: 1 }]).f1).toBeNull()
    expect(
      locationScores([
        { truth: 1, predicted: null },
        { truth: null, predicted: 1 },
      ]).f1,
    ).toBe(0)
    expect(locationScores([])).toMatchObject({ solutions: 0, f1: null, unreadable: null })
  })
  it('stands beside its floors', () => {
    const floors = locationFloors([1, 1, 1, 0, null, null])
    expect(floors['always Correct']).toEqual({ accuracy: 1 / 3, f1: 0 })
    expect(floors['always Incorrect']).toEqual({ accuracy: 1 / 6, f1: 0 })
    expect(floors.place).toBe(1)
    expect(floors['best constant']).toEqual({ accuracy: 0.5, f1: 0 })
    // A coin with probability p for “none”: recalls p and (1 - p) · 3/4, of which no other p has a higher F1.
    const f1 = (p: number): number => (2 * p * (1 - p) * 0.75) / (p + (1 - p) * 0.75)
    const best = Math.max(...Array.from({ length: 999 }, (_, index) => f1((index + 1) / 1000)))
    expect(floors['best coin'].f1).toBeCloseTo(best, 5)
  })
  it('does not depend on the order, and never beats what is possible', () => {
    fc.assert(
      fc.property(shuffled(located), ([one, other]) => {
        const scores = locationScores(one)
        expect(locationScores(other)).toEqual(scores)
        const [low, high] = [scores.wrong.share ?? 0, scores.correct.share ?? 0].toSorted((a, b) => a - b)
        if (scores.f1 !== null) expect(scores.f1).toBeLessThanOrEqual((low! + high!) / 2 + 1e-12)
        expect(locationFloors(other.map(({ truth }) => truth))).toEqual(locationFloors(one.map(({ truth }) => truth)))
      }),
    )
  })
  it('is concluded by group, with the mean over groups', () => {
    const solutions = [
      solution('1', 1),
      solution('2', null),
      solution('3', 1, { group: 'h' }),
      solution('4', null, { group: 'h' }),
    ]
    const right = [
      [C, I],
      [C, C, C],
      [C, C, C],
      [C, C, C],
    ]
    const { lines, numbers, groups } = concludeLocation(solutions, right)
    expect([groups['g']?.f1, groups['h']?.f1, numbers['mean_f1']]).toEqual([1, 0, 0.5])
    expect(lines.join('\n')).toContain('Mean F1 over 2 groups: 50.0 %')
    expect(lines.join('\n')).toContain('Without a critic, g: always Correct: accuracy 50.0 %, F1 0.0 %')
  })
})

describe('single steps', () => {
  const solutions = [
    solution('1', 1),
    solution('2', 2),
    solution('3', null),
    solution('4', 0, { group: 'h' }),
    solution('5', null, { group: 'h' }),
    solution('6', null, { group: 'h' }),
  ]
  it('are the first errors, and as many random steps of right solutions, in each group', () => {
    const steps = chooseSteps(solutions, 'first-error', 1)
    const counts = (group: string): number[] =>
      [C, I].map((label) => steps.filter((one) => one.group === group && one.label === label).length)
    expect([counts('g'), counts('h')]).toEqual([
      [1, 1],
      [1, 1],
    ])
    expect(steps.find(({ id }) => id === '4')).toMatchObject({ done: [], step: 'a', label: I })
    for (const { id, done, step } of steps) {
      expect(solutions.find((one) => one.id === id)?.steps.slice(0, done.length + 1)).toEqual([...done, step])
    }
  })
  it('depend on the seed, not on the order of the file', () => {
    fc.assert(
      fc.property(shuffled(fc.constant(solutions)), fc.nat(50), ([one, other], seed) => {
        const chosen = (some: JudgedSolution[]): string[] =>
          chooseSteps(some, 'first-error', seed)
            .map((step) => JSON.stringify(step))
            .toSorted()
        expect(chosen(other)).toEqual(chosen(one))
      }),
    )
    const seeds = Array.from({ length: 20 }, (_, seed) => JSON.stringify(chooseSteps(solutions, 'first-error', seed)))
    expect(new Set(seeds).size).toBeGreaterThan(1)
  })
  it('of PRM800K share their problem and their prefix; what was rated both ways is left out', () => {
    const rated = (id: string, steps: string[], labels: (Verdict | null)[]): JudgedSolution =>
      solution(id, null, { problem: 'p', steps, labels })
    const steps = chooseSteps(
      [
        rated('1', ['a', 'b'], [C, C]),
        rated('2', ['a', 'x'], [C, I]),
        rated('3', ['a', 'y'], [C, I]),
        rated('4', ['z'], [I]),
        rated('5', ['z'], [C]),
        rated('6', ['n'], [null]),
      ],
      'shared-prefix',
      1,
    )
    expect(steps.map(({ label, done }) => [label, done])).toEqual([
      [C, ['a']],
      [I, ['a']],
    ])
    expect(['x', 'y']).toContain(steps[1]?.step)
  })
  it('are drawn from all labelled steps where there are labels', () => {
    const labels = [C, I, I]
    const steps = chooseSteps([solution('1', 1, { labels }), solution('2', 1, { labels })], 'labelled', 3)
    expect([C, I].map((label) => steps.filter((one) => one.label === label).length)).toEqual([2, 2])
  })
  it('are scored by class, with floors', () => {
    const steps = chooseSteps(solutions, 'first-error', 1)
    const said = steps.map(({ label, group }): Verdict | null => (group === 'g' ? label : label === C ? C : null))
    const { groups, numbers, lines } = concludeSingleStep(steps, said)
    expect(groups['g']).toMatchObject({ correct: 1, wrong: 1, mean: 1, harmonic: 1, invalid: 0 })
    expect(groups['h']).toMatchObject({ correct: 1, wrong: 0, mean: 0.5, harmonic: 0, invalid: 0.5 })
    expect(lines).toHaveLength(7)
    expect(JSON.stringify(numbers)).toContain('"always Correct":{"mean":0.5,"harmonic":0}')
    expect(singleStepFloors([]).coin.mean).toBeNull()
  })
})

describe('MR-Score', () => {
  it('has the correlation and the step accuracy of the authors, and a range where the reasons are missing', () => {
    // 3 right solutions, 2 called so; 4 wrong ones, 3 called so, 2 at the right step.
    const scores = mrScores([
      { truth: null, predicted: null },
      { truth: null, predicted: null },
      { truth: null, predicted: 1 },
      { truth: 0, predicted: 0 },
      { truth: 1, predicted: 1 },
      { truth: 1, predicted: 2 },
      { truth: 1, predicted: null },
    ])
    const mcc = (2 * 3 - 1 * 1) / Math.sqrt(3 * 3 * 4 * 4)
    expect(scores.mcc).toBeCloseTo(mcc)
    expect(scores.step.share).toBe(0.5)
    expect(scores.score?.least).toBeCloseTo(0.2 * mcc + 0.3 * 0.5)
    expect(scores.score?.most).toBeCloseTo(0.2 * mcc + 0.8 * 0.5)
  })
  it('counts what cannot be read against the critic, and takes nothing off for a negative correlation', () => {
    expect(
      mrScores([
        { truth: null, predicted: 'unreadable' },
        { truth: 0, predicted: 'unreadable' },
      ]),
    ).toMatchObject({
      mcc: -1,
      score: { least: 0, most: 0 },
      unreadable: 1,
    })
    expect(matthews(3, 0, 4, 0)).toBe(0)
  })
  it('has no correlation where all solutions are wrong', () => {
    const { lines, numbers } = concludeMrScore(
      [solution('1', 1), solution('2', 0)],
      [
        [C, I],
        [C, C, C],
      ],
    )
    expect(numbers).toMatchObject({ groups: { g: { mcc: null, score: null, step: { share: 0.5 } } } })
    expect(lines.join('\n')).toContain('best constant (step 1): MCC –, first wrong step 50.0 %')
  })
  it('is the mean over groups, where each has a score', () => {
    const [right, wrong] = [solution('1', null, { group: 'a' }), solution('2', 0, { group: 'a' })]
    const both = [right, wrong, { ...right, group: 'b' }, { ...wrong, group: 'b' }]
    const [good, bad] = [[C, C, C], [I]]
    const { numbers, lines } = concludeMrScore(both, [good, bad, good, good])
    expect(numbers['mean']).toEqual({ least: 0.25, most: 0.5 })
    expect(lines.join('\n')).toContain('Mean MR-Score over 2 groups lies in: 25.0 to 50.0')
    expect(concludeMrScore(both.slice(0, 3), [good, bad, good]).numbers['mean']).toBeNull()
  })
  it('does not depend on the order; the correlation is symmetric and within -1 and 1', () => {
    fc.assert(
      fc.property(shuffled(located), ([one, other]) => {
        expect(mrScores(other)).toEqual(mrScores(one))
      }),
    )
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50), (tp, tn, fp, fn) => {
        expect(Math.abs(matthews(tp, tn, fp, fn))).toBeLessThanOrEqual(1 + 1e-12)
        expect(matthews(tn, tp, fn, fp)).toBe(matthews(tp, tn, fp, fn))
      }),
    )
  })
})

describe('PRMScore', () => {
  const rows = [
    { label: C, verdict: C },
    { label: C, verdict: C },
    { label: C, verdict: I },
    { label: I, verdict: I },
    { label: I, verdict: null },
  ] as const
  it('is the mean of both classes’ F1', () => {
    const scores = prmScore(rows)
    expect(scores.f1Correct).toBeCloseTo(4 / 6)
    expect(scores.f1Wrong).toBeCloseTo(0.5)
    expect(scores.score).toBeCloseTo((4 / 6 + 0.5) / 2)
    expect(scores.unreadable).toBe(0.2)
  })
  it('stands beside constants', () => {
    expect(prmFloors(rows)['always Correct']).toBeCloseTo(0.375)
    expect(prmFloors(rows)['best constant']).toBeCloseTo(0.375)
    expect(prmFloors([{ label: C }])['best constant']).toBe(1)
    expect(prmFloors([{ label: I }])['best constant']).toBeNull()
  })
  it('is concluded by kind and category', () => {
    const labels = [C, C, I]
    const { numbers, lines } = concludePrmScore(
      [
        solution('1', 2, { labels, group: 'circular' }),
        solution('2', 2, { labels, group: 'confidence' }),
        solution('3', null, { labels: [C, C, C], group: 'multi_solutions' }),
      ],
      [
        [C, C, I],
        [C, C, C],
        [C, I, C],
      ],
    )
    // Of `multi_solutions`, which has no wrong steps, PRMScore is the F1 of its right ones: 2 · 2 / (2 · 2 + 1).
    expect(numbers['categories']).toEqual({ simplicity: 1, soundness: 0.4, sensitivity: 0.8 })
    expect(lines.join('\n')).toContain('simplicity 100.0 %, soundness 40.0 %, sensitivity 80.0 %')
  })
  it('does not depend on the order, and changes its classes with the labels', () => {
    const labelled = fc.array(fc.record({ label: fc.constantFrom<Verdict>(C, I), verdict }))
    const flip = (one: Verdict): Verdict => (one === C ? I : C)
    fc.assert(
      fc.property(shuffled(labelled), ([one, other]) => {
        const scores = prmScore(one)
        expect(prmScore(other)).toEqual(scores)
        const flipped = prmScore(
          one.map((row) => ({ label: flip(row.label), verdict: row.verdict && flip(row.verdict) })),
        )
        expect([flipped.f1Wrong, flipped.f1Correct]).toEqual([scores.f1Correct, scores.f1Wrong])
      }),
    )
  })
})

describe('DeltaBench', () => {
  it('counts wrong sections up to the last wrong one', () => {
    const counts = countSections([C, I, C, I, C], [I, I, C, C, I])
    expect(counts).toEqual({ wrong: 2, called: 2, hits: 1 })
    expect(sectionScores(counts!)).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5 })
    expect(sectionScores({ wrong: 1, called: 0, hits: 0 })).toEqual({ precision: 0, recall: 0, f1: 0 })
    expect(countSections([C, C], [I, I])).toBeNull()
  })
  it('is the mean over solutions, and beside it that of all sections together', () => {
    const labels = [C, I, C]
    const { numbers } = concludeDeltaBench(
      [solution('1', 1, { labels }), solution('2', 1, { labels })],
      [
        [C, I, I],
        [C, C, C],
      ],
    )
    expect(numbers['groups']).toMatchObject({ g: { f1: 0.5, floors: { 'always Incorrect': 2 / 3 }, unreadable: 0 } })
    // Of two wrong sections one is called, and nothing else (the last call of the first solution stands behind its last error).
    expect(numbers['groups']).toMatchObject({ g: { micro: { precision: 1, recall: 0.5, f1: 2 / 3 } } })
  })
})
