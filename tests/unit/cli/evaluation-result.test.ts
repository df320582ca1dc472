import { describe, expect, it } from 'vitest'
import {
  calibrationOf,
  concludeCalibration,
  concludeDifference,
  concludeSteps,
  concludeUnreadable,
  differenceOf,
  outcomesOfLines,
} from '../../../cli/evaluation-result.ts'
import { reliabilityPage } from '../../../report/reliability.ts'
import type { Outcome } from '../../../shared/recipe.ts'
import type { Vote } from '../../../shared/votes.ts'

const line = (label: string, verdict: string | null) => ({ label, verdict })
const votes = (...verdicts: (string | null)[]): Vote[] => verdicts.map((verdict) => ({ verdict, text: '' }))

describe('what judgements add up to', () => {
  it('recalls, with what needs no critic', () => {
    const rows = [line('Correct', 'Correct'), line('Correct', null), line('Incorrect', 'Incorrect')]
    const { lines, numbers } = concludeSteps(rows)
    expect(numbers).toMatchObject({
      correct: 0.5,
      wrong: 1,
      mean: 0.75,
      counts: { correct: 2, wrong: 1 },
      floors: { 'always Correct': { mean: 0.5, harmonic: 0 }, coin: { mean: 0.5, harmonic: 0.5 } },
    })
    expect(lines.at(-1)).toContain('always Incorrect: mean 0.500, harmonic 0.000')
    expect(concludeSteps([]).numbers).toMatchObject({ correct: null, mean: null })
  })

  it('what cannot be read, with a warning above one in a hundred lines', () => {
    const hundred = Array.from({ length: 99 }, () => line('Correct', 'Correct'))
    const one = concludeUnreadable([...hundred, line('Correct', null)])
    expect(one).toEqual({
      lines: ['  unreadable: 1 of 100 lines (1.0 %)'],
      numbers: { unreadable: 1, of: 100, share: 0.01 },
    })
    const two = concludeUnreadable([...hundred.slice(1), line('Correct', null), line('Incorrect', null)])
    expect(two.lines[1]).toMatch(/Warning: more than 1\.0 % of the lines/)
    expect(concludeUnreadable([]).lines).toEqual(['  unreadable: 0 of 0 lines (–)'])
  })

  it('unreadable votes, which may leave a line its verdict', () => {
    const rows = [
      { verdict: 'Correct', votes: votes('Correct', null, 'Correct') },
      { verdict: null, votes: votes(null, null, null) },
    ]
    expect(concludeUnreadable(rows).numbers).toMatchObject({ unreadable: 1, of: 2, votes: { unreadable: 4, of: 6 } })
  })

  it('calibration of the labelled lines that have a share', () => {
    const rows = [
      { label: 'Incorrect', share: 1 },
      { label: 'Correct', share: 1 },
      { label: 'Correct', share: 0 },
      { label: 'Correct', share: 0 },
      { label: 'unlabelled', share: 0.5 },
      { label: 'Incorrect', share: null },
    ]
    const calibration = calibrationOf(rows)
    // Half of the lines are called wrong by every vote, and half of those are: 1/2 · |1 - 1/2|.
    expect(calibration.expectedError).toBe(0.25)
    const { lines, numbers } = concludeCalibration(calibration)
    expect(lines.map((one) => one.split(/ {2,}/).slice(1))).toEqual([
      ['votes for Incorrect', 'steps', 'mean share', 'wrong'],
      ['0 to 10 %', '2', '0.0 %', '0.0 %'],
      ['90 to 100 %', '2', '100.0 %', '50.0 %'],
      ['expected calibration error 0.250'],
    ])
    expect(numbers).toMatchObject({ expected_error: 0.25 })
    const page = reliabilityPage('natural/test?votes=3&temperature=0.7', [{ policy: '<spc>/critic@1', ...calibration }])
    expect(page).toContain('natural/test?votes=3&amp;temperature=0.7')
    expect(page).toContain('&lt;spc&gt;/critic@1: expected calibration error 25.0')
    expect(page.match(/<polyline/g)).toHaveLength(2)
    expect(page).not.toMatch(/https?:|<script/)
  })

  it('the difference of two policies, pair by pair and kind by kind', () => {
    const labels = ['Correct', 'Correct', 'Correct', 'Correct', 'Incorrect', 'Incorrect', 'unlabelled']
    const always = (verdict: string) => outcomesOfLines(labels.map((label) => line(label, verdict)))
    const difference = differenceOf(always('Correct'), always('Incorrect'))
    expect(difference).toMatchObject({
      correct: { value: 1, high: 1 },
      wrong: { value: -1, low: -1 },
      mean: { value: 0 },
      pairs: { correct: 4, wrong: 2 },
    })
    expect(concludeDifference(difference).lines[0]).toMatch(
      /where nothing is wrong +\+100\.0 points {2}\(95 % interval \+\d+\.\d to \+100\.0\), n = 4/,
    )
    const none = differenceOf(always('Correct').slice(0, 4), always('Correct').slice(0, 4))
    expect(none).toMatchObject({ correct: { value: 0 }, wrong: null, mean: null })
    expect(concludeDifference(none).lines.slice(-2)).toEqual([
      expect.stringMatching(/mean of both +–$/),
      expect.stringMatching(/F1 \(harmonic mean\) +–$/),
    ])
    expect(() => differenceOf(always('Correct'), [])).toThrow('make no pairs')
  })

  it('the difference in F1, by group, with the interval of paired resamples', () => {
    const outcomes = (right: (item: number) => boolean, group: string): Outcome[] =>
      Array.from({ length: 40 }, (_, item) => ({
        label: item % 2 ? 'Correct' : 'Incorrect',
        right: right(item),
        group,
      }))
    const [all, half] = [() => true, (item: number) => item < 20]
    // In each group the second is right of half of either kind: its F1 is 0.5.
    const difference = differenceOf(
      [...outcomes(all, 'a'), ...outcomes(half, 'b')],
      [...outcomes(half, 'a'), ...outcomes(half, 'b')],
    )
    expect(difference.f1).toMatchObject({ value: 0.25, groups: 2 })
    expect(difference.f1!.low).toBeGreaterThan(0.1)
    expect(difference.f1!.high).toBeLessThan(0.4)
    const { lines, numbers } = concludeDifference(difference)
    expect(lines.at(-1)).toMatch(
      /F1, mean of 2 groups +\+25\.0 points {2}\(95 % interval \+1\d\.\d to \+3\d\.\d\), 2000 paired resamples, seed 1$/,
    )
    expect(numbers['f1']).toEqual({ ...difference.f1, resamples: 2000, seed: 1 })
    const same = differenceOf(outcomes(half, 'a'), outcomes(half, 'a'))
    expect(concludeDifference(same).lines.at(-1)).toMatch(/F1 \(harmonic mean\) +\+0\.0 points, no pair differs$/)
    expect(concludeDifference(same).numbers['f1']).toEqual({ value: 0, low: null, high: null, groups: 1 })
    // A group without errors has no F1, and is not in the mean.
    const rights = outcomes(all, 'c').filter(({ label }) => label === 'Correct')
    expect(differenceOf([...outcomes(all, 'a'), ...rights], [...outcomes(half, 'a'), ...rights]).f1).toMatchObject({
      value: 0.5,
      groups: 1,
    })
  })
})
