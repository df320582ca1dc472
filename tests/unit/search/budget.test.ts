/** What a number of tokens buys instead of a guided search. */
import { describe, expect, it } from 'vitest'
import { acceptedFor, bestFor, type PlainChain, runsShort, votesFor } from '../../../recipes/search/budget.ts'

/** Each costs 10 tokens, and another 5 where the critic reads it. It has three steps, of which the critic accepts so many. */
const chain = (answer: string | null, accepted?: number): PlainChain => ({
  answer,
  weight: 1,
  cost: 10,
  ...(accepted === undefined ? {} : { judged: { accepted, whole: accepted === 3, tokens: 5 } }),
})

describe('votes', () => {
  const chains = ['a', 'b', 'b', 'a', 'a'].map((answer) => chain(answer))
  it.each([
    [10, 'a'],
    [11, 'a'],
    [21, 'b'],
    [50, 'a'],
    [1000, 'a'],
  ])('%i tokens, rounded up, elect %s', (tokens, answer) => expect(votesFor(tokens, chains)).toBe(answer))

  it('elect nothing for nothing', () => expect(votesFor(0, chains)).toBeNull())
})

describe('best-of-n', () => {
  it('is the first chain that the critic accepts as a whole, among those it could pay for', () => {
    const chains = [chain('a', 2), chain('b', 1), chain('c', 3), chain('d', 3)]
    expect(bestFor(30, chains)).toBe('a')
    expect(bestFor(31, chains)).toBe('c')
  })

  it('is the chain accepted longest where none is accepted as a whole, the first of equals', () => {
    expect(bestFor(100, [chain('a', 0), chain('b', 2), chain('c', 2)])).toBe('b')
    expect(bestFor(100, [chain(null, 0), chain('a', 0)])).toBeNull()
  })

  it('knows only chains that the critic read', () => {
    expect(bestFor(100, [chain('a'), chain('b', 1)])).toBe('b')
    expect(bestFor(100, [chain('a')])).toBeNull()
  })
})

describe('votes of the accepted', () => {
  it('leave the others out', () => {
    const chains = [chain('a', 2), chain('a', 1), chain('b', 3)]
    expect(acceptedFor(100, chains)).toBe('b')
    expect(acceptedFor(30, chains)).toBe('a')
  })
})

it('says when there is nothing left to buy', () => {
  const chains = [chain('a', 3), chain('b', 3), chain('c')]
  expect(runsShort(30, chains)).toBe(false)
  // The critic read two of the three.
  expect(runsShort(31, chains)).toBe(true)
})
