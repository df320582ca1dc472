import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { preferenceVocabulary, readAnswer, splitPrompts } from '../../../recipes/preferences/prompts.ts'
import { winMatrix, winShares } from '../../../recipes/preferences/wins.ts'
import { fourAnswers } from '../../../tasks/four-answers.ts'
import { styledWords } from '../../../tasks/styled-words.ts'

const game = fourAnswers({ name: 'four-answers', preferences: 'cyclic' })
const words = styledWords({ name: 'styled-words', cycle: 0.8, content: 1.2, skill: 0.6 })
const answers = fc.array(fc.constantFrom(...game.answers, null), { minLength: 1, maxLength: 8 })
const telling = fc.record({ votes: fc.constantFrom(null, 1, 3), noise: fc.constantFrom(0, 0.2) })

describe('the win matrix', () => {
  it('is told consistently in both orders, whatever the noise: P(i > j) + P(j > i) = 1', () => {
    fc.assert(
      fc.property(answers, telling, fc.nat(), (said, how, seed) => {
        const wins = winMatrix(game, { prompt: '?', answers: said }, how, seed)
        wins.forEach((row, i) => row.forEach((win, j) => expect(win + wins[j]![i]!).toBeCloseTo(1, 12)))
      }),
    )
  })
  it('has a mean share of exactly 1/2 in a full round robin, and not against a queue', () => {
    fc.assert(
      fc.property(answers, telling, fc.nat(), (said, how, seed) => {
        const shares = winShares(winMatrix(game, { prompt: '?', answers: said }, how, seed))
        expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeCloseTo(0.5, 12)
      }),
    )
    const wins = winMatrix(game, { prompt: '?', answers: ['A', 'D'], queue: ['B'] }, { votes: null, noise: 0 }, 1)
    expect(wins).toEqual([
      [0.5, 0.95, 0.9],
      [expect.closeTo(0.05), 0.5, 0.05],
    ])
    expect(winShares(wins)[0]).toBeCloseTo((0.5 + 0.95 + 0.9) / 3, 12)
  })
  it('keeps a cycle that the shares of its rows do not show', () => {
    const wins = winMatrix(game, { prompt: '?', answers: ['A', 'B', 'C'] }, { votes: null, noise: 0 }, 1)
    expect([wins[0]![1]! > 0.5, wins[1]![2]! > 0.5, wins[2]![0]! > 0.5]).toEqual([true, true, true])
  })
})

describe('texts', () => {
  it('are answers only in full: with the stop mark, and from the list', () => {
    expect(readAnswer(game, 'A.')).toBe('A')
    for (const text of ['A', 'AA.', '.', '', '?.', 'A.A']) expect(readAnswer(game, text), text).toBeNull()
  })
  it('are encoded as they were sampled, padding too', () => {
    const vocabulary = preferenceVocabulary(words)
    fc.assert(
      fc.property(fc.array(fc.nat(vocabulary.size - 1), { minLength: 1, maxLength: 6 }), (tokens) => {
        expect(vocabulary.encode(vocabulary.decode(tokens))).toEqual(tokens)
      }),
    )
  })
})

describe('prompts', () => {
  it('are held out by their own text where there are many, and shared where there are few', () => {
    const { train, test } = splitPrompts(words)
    expect(train.length + test.length).toBe(words.prompts.length)
    expect(test.filter((prompt) => train.includes(prompt))).toEqual([])
    expect(test.length).toBeGreaterThan(20)
    expect(splitPrompts(game)).toEqual({ train: ['?'], test: ['?'] })
  })
})
