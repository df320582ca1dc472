import { expect, test } from 'vitest'
import { accuracy, atTokens, overQuality, votesOverTokens } from '../../../recipes/players/report.ts'
import type { RoundTimes } from '../../../report/data.ts'
import type { Data } from '../../../shared/recipe.ts'

const round = (number: number, numbers: Data): RoundTimes => ({
  round: number,
  score: null,
  numbers,
  startedAt: new Date(0),
  finishedAt: null,
})
const xs = (points: readonly { x: number }[]): number[] => points.map(({ x }) => x)

test('a share of the problems has an interval, and none without problems', () => {
  const found = accuracy(round(0, { guided: 0.25, problems: 40 }), 'guided')
  expect(found?.value).toBe(0.25)
  expect([found!.low < 0.25, found!.high > 0.25]).toEqual([true, true])
  expect(accuracy(round(0, { guided: 0.25 }), 'guided')).toBeNull()
  expect(atTokens(12.6, found)).toEqual([{ x: 13, estimate: found }])
  expect([atTokens(null, found), atTokens(3, null)]).toEqual([[], []])
})

test('votes stand at their tokens, from few to many', () => {
  const numbers = { problems: 10, votes_16: 0.8, vote_tokens_16: 160, votes_2: 0.5, vote_tokens_2: 20, votes_4: 0.6 }
  expect(votesOverTokens(round(0, numbers))).toMatchObject([
    { x: 20, estimate: { value: 0.5 } },
    { x: 160, estimate: { value: 0.8 } },
  ])
  expect(votesOverTokens(undefined)).toEqual([])
})

test('lines go along the critics from bad to good, whatever their rounds', () => {
  const rounds = [0.4321, -0.1, null].map((informedness, index) =>
    round(index, { informedness, problems: 10, best: 0.1 * (index + 1) }),
  )
  const { name, points } = overQuality(rounds)('best-of-n', 'best')
  expect(name).toBe('best-of-n')
  expect(xs(points)).toEqual([-10, 43.2])
  expect(points.map(({ estimate }) => estimate.value)).toEqual([0.2, 0.1])
})
