import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Stream } from '../../../shared/random.ts'
import { compare, type PairJudge, told } from '../../../tasks/pair-judge.ts'
import { pairJudgeConfig, pairJudgeFrom } from '../../../tasks/pair-judges.ts'

const judgeOf = (fields: object): PairJudge => pairJudgeFrom(pairJudgeConfig.parse(fields))
const judges: [string, PairJudge][] = [
  ['four answers, cyclic', judgeOf({ name: 'four-answers' })],
  ['four answers, transitive', judgeOf({ name: 'four-answers', preferences: 'transitive' })],
  ['point mass, return', judgeOf({ name: 'point-mass', preferences: 'return' })],
  ['point mass, history', judgeOf({ name: 'point-mass', preferences: 'history' })],
  ['point mass, raters', judgeOf({ name: 'point-mass' })],
  ['styled words', judgeOf({ name: 'styled-words' })],
]

describe.each(judges)('%s', (_name, judge) => {
  const prompt = fc.constantFrom(...judge.prompts)
  const answer = fc.constantFrom(...judge.answers)
  it('prefers one of two answers exactly as much as it does not prefer the other', () => {
    fc.assert(
      fc.property(prompt, answer, answer, (x, left, right) => {
        const [one, other] = [judge.preference(x, left, right), judge.preference(x, right, left)]
        expect(one).toBeGreaterThanOrEqual(0)
        expect(one + other).toBeCloseTo(1, 12)
        expect(judge.preference(x, left, left)).toBeCloseTo(0.5, 12)
      }),
    )
  })
  it('demonstrates answers of its own list, and describes each by the same number of features', () => {
    fc.assert(
      fc.property(prompt, fc.nat(), (x, seed) => {
        const shown = judge.demonstrate(x, new Stream('test', seed).draws())
        expect(judge.answers).toContain(shown)
        expect(judge.features(x, shown)).toHaveLength(judge.features(x, judge.answers[0]!).length)
      }),
    )
  })
  it('lists each answer once, and lets a text that is no answer lose', () => {
    expect(new Set(judge.answers).size).toBe(judge.answers.length)
    const x = judge.prompts[0]!
    for (const one of judge.answers) expect(compare(judge, x, one, null)).toBe(1)
    expect(compare(judge, x, null, judge.answers[0]!)).toBe(0)
    expect(compare(judge, x, null, null)).toBe(0.5)
  })
})

const preferenceOf =
  (judge: PairJudge, prompt = judge.prompts[0]!) =>
  (left: string, right: string) =>
    judge.preference(prompt, left, right)

/** Whether some scores order every pair: then following the better of two never comes back to where it began. */
function hasCircle(judge: PairJudge, prompt: string, answers: readonly string[]): boolean {
  const better = (answer: string) => answers.filter((other) => judge.preference(prompt, other, answer) > 0.5 + 1e-9)
  const open = new Set<string>()
  const done = new Set<string>()
  const visit = (answer: string): boolean => {
    if (open.has(answer)) return true
    if (done.has(answer)) return false
    open.add(answer)
    const found = better(answer).some(visit)
    open.delete(answer)
    done.add(answer)
    return found
  }
  return answers.some(visit)
}

describe('what no score can say', () => {
  it.each(judges)('%s', (name, judge) => {
    const intransitive = /cyclic|raters|styled/.test(name)
    expect(judge.prompts.slice(0, 4).some((prompt) => hasCircle(judge, prompt, judge.answers))).toBe(intransitive)
  })
  it('goes away in styled words at a cycle of one half', () => {
    const judge = judgeOf({ name: 'styled-words', cycle: 0.5 })
    expect(hasCircle(judge, judge.prompts[0]!, judge.answers)).toBe(false)
  })
})

describe('the games', () => {
  it('have the preferences of the research note: A beats B .9, B beats C .6, C beats A .6, and all beat D .95', () => {
    const wins = preferenceOf(judgeOf({ name: 'four-answers' }))
    expect([wins('A', 'B'), wins('B', 'C'), wins('C', 'A'), wins('A', 'D'), wins('D', 'C')]).toEqual([
      0.9, 0.6, 0.6, 0.95, 0.05,
    ])
  })
  it('like right letters: of two answers of one style the one with more of them is better', () => {
    const wins = preferenceOf(judgeOf({ name: 'styled-words' }), 'bcf>')
    expect(wins('Calmca', 'Calmcb')).toBeCloseTo(1 / (1 + Math.exp(-1.2)), 12)
    expect(wins('Boldca', 'Calmca')).toBeCloseTo(0.8, 12)
    expect(wins('Calmca', 'Boldca')).toBeCloseTo(0.2, 12)
    expect(wins('Calmca', 'Grimca')).toBeGreaterThan(0.5)
  })
  it('move the mass by its dynamics: the return prefers to be at the goal', () => {
    const wins = preferenceOf(judgeOf({ name: 'point-mass', preferences: 'return' }), 'w')
    expect(wins('>>==', '<<==')).toBeGreaterThan(0.99)
  })
  it('look at the whole way: what came nearest counts, wherever the mass ends', () => {
    // From x = -0.3 the first passes the goal closely and flies on; the second stops far from it and stays there.
    const wins = preferenceOf(judgeOf({ name: 'point-mass', preferences: 'history' }), 'x')
    const sums = preferenceOf(judgeOf({ name: 'point-mass', preferences: 'return' }), 'x')
    expect(wins('>>>>', '====')).toBeGreaterThan(0.9)
    expect(sums('>>>>', '====')).toBeLessThan(0.1)
  })
})

describe('how a comparison is told', () => {
  it('is the preference itself, or a share of votes that comes near it', () => {
    expect(told(0.7, { votes: null, noise: 0 }, new Stream('t'))).toBe(0.7)
    expect(told(0.7, { votes: null, noise: 0.1 }, new Stream('t'))).toBeCloseTo(0.66, 12)
    const share = told(0.7, { votes: 4000, noise: 0 }, new Stream('t'))
    expect(Math.abs(share - 0.7)).toBeLessThan(0.03)
    expect([0, 1]).toContain(told(0.7, { votes: 1, noise: 0.2 }, new Stream('t')))
  })
})
