import { expect, test } from 'vitest'
import { roundDetails, runDetails } from '../../../workflows/details.ts'

test('a run says its state, its round and its scores, newest first', () => {
  const status = { run: 'first', state: 'paused' as const, round: 2, rounds: 3, scores: [0.5, null, 0.75] }
  expect(runDetails(status)).toBe(
    '**first** is **paused**: round 2 of 3\n\nScores, newest first: round 2: 0.750 · round 1: – · round 0: 0.500',
  )
  expect(runDetails({ ...status, scores: [] })).not.toContain('Scores')
})

test('a round says what is done and how far the rest is', () => {
  const phases = [
    { name: 'presolve', done: 7, shards: 7 },
    { name: 'solve', done: 3, shards: 7 },
  ]
  expect(roundDetails({ round: 1, phases }, true)).toBe(
    'Round 1 (paused), shards done:\n\npresolve ✓ · **solve 3 of 7**',
  )
})
