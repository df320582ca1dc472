import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { breakEven } from '../../../recipes/self-check/break-even.ts'
import { affordable, certainty, majority, tally, type Vote, voteAgain } from '../../../recipes/self-check/vote.ts'

const votes = (...answers: (string | null)[]): Vote[] => answers.map((answer) => ({ answer, weight: 1 }))
const someVotes = fc.array(
  fc.record({ answer: fc.constantFrom('a', 'b', 'c', null), weight: fc.integer({ min: 1, max: 5 }) }),
)

describe('a vote', () => {
  it('counts answers; a tie goes to the one that was given first', () => {
    expect(tally(votes('b', 'a', null, 'a', 'b', 'c'))).toEqual([
      { answer: 'b', weight: 2 },
      { answer: 'a', weight: 2 },
      { answer: 'c', weight: 1 },
    ])
    expect(majority(votes('a', 'b', 'b'))).toBe('b')
    expect(majority(votes(null))).toBeNull()
  })

  it('is certain by how often the first answer outweighs the second', () => {
    expect(certainty(votes('a', 'a', 'a', 'b'))).toBe(3)
    expect(certainty(votes('a', 'b'))).toBe(1)
    expect(certainty(votes('a', null))).toBe(Infinity)
  })

  it('keeps every stated weight, and its certainty is never below one', () => {
    fc.assert(
      fc.property(someVotes, (cast) => {
        const sum = (of: readonly { weight: number }[]): number => of.reduce((total, { weight }) => total + weight, 0)
        expect(sum(tally(cast))).toBe(sum(cast.filter(({ answer }) => answer !== null)))
        expect(certainty(cast)).toBeGreaterThanOrEqual(1)
      }),
    )
  })
})

describe('voting again', () => {
  const judged = fc.array(
    fc.record({ answer: fc.constantFrom('a', 'b', 'c'), weight: fc.nat({ max: 5 }), incorrect: fc.boolean() }),
    { minLength: 1 },
  )
  it('changes nothing when nobody is judged incorrect, nor when everybody is', () => {
    fc.assert(
      fc.property(judged, (candidates) => {
        for (const incorrect of [true, false]) {
          expect(voteAgain(candidates.map((one) => ({ ...one, incorrect })))).toBe(majority(candidates))
        }
      }),
    )
  })
  it('never answers what was judged incorrect while something else is left', () => {
    fc.assert(
      fc.property(judged, (candidates) => {
        const left = candidates.filter(({ incorrect }) => !incorrect).map(({ answer }) => answer)
        fc.pre(left.length > 0)
        expect(left).toContain(voteAgain(candidates))
      }),
    )
  })
})

it('further votes are bought one by one, the last one rounded up', () => {
  expect(affordable(0, [5, 5])).toBe(0)
  expect(affordable(5, [5, 5])).toBe(1)
  expect(affordable(6, [5, 5])).toBe(2)
  expect(affordable(100, [5, 5])).toBe(2)
})

it('the break-even lies on the line from the last loss to the first gain', () => {
  const places = [
    { quality: 0.4, gain: 0.02 },
    { quality: 0, gain: -0.04 },
    { quality: 0.2, gain: -0.02 },
  ]
  expect(breakEven(places)).toBeCloseTo(0.3)
  expect(breakEven(places.slice(1))).toBeNull()
  expect(breakEven([{ quality: 0.1, gain: 0.1 }])).toBeNull()
})
