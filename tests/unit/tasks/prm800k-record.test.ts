import { describe, expect, it } from 'vitest'
import { prm800k } from '../../../tasks/benchmarks/prm800k.ts'
import { chooseSteps } from '../../../tasks/benchmarks/single-step.ts'

const [C, I] = ['Correct', 'Incorrect'] as const

/** A record of the published form, with everything that its README tells of. */
const record = (label: object, more: object = {}): object => ({
  labeler: 'l',
  timestamp: 't',
  generation: 3,
  is_quality_control_question: false,
  is_initial_screening_question: false,
  question: {
    problem: 'What is 2 + 3 + 4?',
    ground_truth_solution: '9',
    ground_truth_answer: '9',
    pre_generated_steps: null,
  },
  label: { steps: [], total_time: 1, finish_reason: 'found_error', ...label },
  ...more,
})
const completion = (text: string, rating: number | null): object => ({ text, rating, flagged: null })
const step = (completions: object[] | null, chosen: number | null, written: object | null = null): object => ({
  completions,
  human_completion: written,
  chosen_completion: chosen,
})
const read = (...records: object[]) => prm800k.read(records.map((one) => JSON.stringify(one)).join('\n'), 'file.jsonl')

const foundError = record({
  steps: [
    step([completion('2 + 3 = 5', 1), completion('2 + 3 = 6', -1)], 0),
    step([completion('Now the rest.', 0)], 0),
    step([completion('5 + 4 = 8', -1), completion('5 + 4 = 9', 1), completion('Let us see.', 0)], null),
  ],
})

describe('PRM800K’s own records', () => {
  it('end with the first step that was rated wrong; the others stand beside it', () => {
    expect(read(foundError)).toEqual([
      {
        id: 'l/t',
        problem: 'What is 2 + 3 + 4?',
        steps: ['2 + 3 = 5', 'Now the rest.', '5 + 4 = 8'],
        firstError: 2,
        labels: [C, null, I],
        others: [
          { index: 0, step: '2 + 3 = 6', label: I },
          { index: 2, step: '5 + 4 = 9', label: C },
        ],
        group: 'prm800k',
      },
    ])
  })
  it('go on with what a labeller wrote where no completion was right', () => {
    const steps = [
      step([completion('2 + 3 = 6', -1)], null, { text: '2 + 3 = 5', rating: null, source: 'human' }),
      step(null, null, { text: '5 + 4 = 9' }),
      step([completion('# Answer\n\n9', 1), completion('So 9.', null)], 0),
    ]
    expect(read(record({ steps, finish_reason: 'solution' }))).toMatchObject([
      { steps: ['2 + 3 = 5', '5 + 4 = 9', '# Answer\n\n9'], firstError: null, labels: [C, C, C] },
    ])
  })
  it('are left out where nobody found their end, and where every labeller was given them', () => {
    const steps = [step([completion('2 + 3 = 5', 1)], 0)]
    expect(
      read(
        record({ steps, finish_reason: 'give_up' }),
        record({ steps, finish_reason: 'bad_problem' }),
        record({ steps, finish_reason: 'found_error' }),
        { ...foundError, is_quality_control_question: true },
        { ...foundError, is_initial_screening_question: true },
      ),
    ).toEqual([])
  })
  it('give the pairs of single steps that share a prefix', () => {
    const chosen = chooseSteps(read(foundError), 'shared-prefix', 1)
    expect(chosen.map((one) => [one.done.length, one.step, one.label])).toEqual([
      [0, '2 + 3 = 5', C],
      [0, '2 + 3 = 6', I],
      [2, '5 + 4 = 9', C],
      [2, '5 + 4 = 8', I],
    ])
  })
  it('name the field that does not fit', () => {
    const [good] = [step([completion('a', 2)], 0)]
    expect(() => read(record({ steps: [good] }))).toThrow(/line 1: label\.steps\.0\.completions\.0\.rating/)
    expect(() => read(record({ finish_reason: 'solution' }))).toThrow(/label\.steps: there is no step/)
    expect(() => read({ id: 'x', problem: 'p', steps: ['a'], ratings: [3] })).toThrow(/line 1: ratings\.0/)
  })
})
