import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  distribution,
  type Distribution,
  divergence,
  entropy,
  exploitability,
  mixture,
  preferences,
  winRate,
} from '../../../recipes/preferences/measures.ts'
import { fourAnswers } from '../../../tasks/four-answers.ts'

const judge = fourAnswers({ name: 'four-answers', preferences: 'cyclic' })
const wins = preferences(judge, '?')
const policy = (...probabilities: number[]): Distribution => ({ probabilities, malformed: 0 })
const minimax = policy(1 / 6, 1 / 6, 4 / 6, 0)
const distributions = fc
  .array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 })
  .map((weights): Distribution => {
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const [malformed = 0, ...probabilities] = weights.map((weight) => weight / total)
    return { probabilities, malformed }
  })

describe('exploitability', () => {
  it('is 0 for the minimax winner, and what the best answer gains over anything else', () => {
    expect(exploitability(wins, minimax)).toBeCloseTo(0, 12)
    expect(exploitability(wins, policy(1, 0, 0, 0))).toBeCloseTo(0.1, 12) // C beats A with .6
    expect(exploitability(wins, policy(0, 1, 0, 0))).toBeCloseTo(0.4, 12)
  })
  it('is never below 0, and 1/2 for a policy that says nothing readable', () => {
    fc.assert(fc.property(distributions, (any) => exploitability(wins, any) >= -1e-12))
    expect(exploitability(wins, { probabilities: [0, 0, 0, 0], malformed: 1 })).toBeCloseTo(0.5, 12)
  })
})

describe('win rate, entropy and divergence', () => {
  it('add up to 1 over the two orders, and are 1/2 against oneself', () => {
    fc.assert(
      fc.property(distributions, distributions, (left, right) => {
        expect(winRate(wins, left, right) + winRate(wins, right, left)).toBeCloseTo(1, 9)
        expect(winRate(wins, left, left)).toBeCloseTo(0.5, 9)
      }),
    )
  })
  it('are 0 nats where there is nothing to tell, and never below', () => {
    expect(entropy(policy(0, 1, 0, 0))).toBe(0)
    expect(entropy(policy(0.25, 0.25, 0.25, 0.25))).toBeCloseTo(Math.log(4), 12)
    fc.assert(
      fc.property(distributions, distributions, (left, right) => {
        expect(divergence(left, left)).toBeCloseTo(0, 12)
        expect(divergence(left, right)).toBeGreaterThanOrEqual(-1e-12)
      }),
    )
  })
})

describe('distributions', () => {
  it('count what is missing to 1 as texts that are no answers', () => {
    const { malformed } = distribution([0.5, 0.2, 0.1, 0.1].map(Math.log))
    expect(malformed).toBeCloseTo(0.1, 12)
  })
  it('are mixed one policy as likely as the other', () => {
    const cycle = mixture([
      policy(1, 0, 0, 0),
      policy(0, 1, 0, 0),
      ...Array.from({ length: 4 }, () => policy(0, 0, 1, 0)),
    ])
    cycle.probabilities.forEach((value, index) => expect(value).toBeCloseTo(minimax.probabilities[index]!, 12))
  })
})
