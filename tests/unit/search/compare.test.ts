/** One problem, and every way to solve it. */
import { describe, expect, it } from 'vitest'
import { compared, outcomeOf } from '../../../recipes/search/compare.ts'
import type { Search } from '../../../recipes/search/rows.ts'
import { searchConfig } from '../../../recipes/search/config.ts'
import { taskWording } from '../../../recipes/search/wording.ts'

const wording = taskWording(searchConfig.parse({ recipe: 'search' }))
const problem = '20+5'
const answers = wording.answers({ problem, answer: null })
const [right, wrong] = ['20+5=25', '20+5=26']

const chain = (step: string, changes: Partial<Search> = {}): Search => ({
  problem,
  judge: 'critic',
  steps: [step],
  attempt: 1,
  rejected: [],
  state: 'standing',
  ended: true,
  attempts: 1,
  tokens: { solver: 6, critic: 7 },
  checks: [],
  ...changes,
})
const greedy = { solver: { right: false, tokens: 6 }, critic: { right: true, tokens: 6 } }
const sampledOf = (...steps: string[]) => ({
  item: 0,
  problem,
  answer: null,
  solutions: steps.map((step) => `${step}.`),
  tokens: steps.map(() => 6),
})
const accepted = { accepted: 1, whole: true, tokens: 7 }
const rejected = { accepted: 0, whole: false, tokens: 7 }

describe('the ways to solve a problem', () => {
  const sampled = sampledOf(wrong, right, right, wrong, right, wrong)
  const judged = [rejected, accepted, accepted, rejected, accepted, rejected]

  it('give the others as many tokens as the chain and its critic generated', () => {
    // 13 tokens buy three plain chains, and one that the critic reads; without the critic's they would buy one.
    const searches = { critic: [chain(right)], checker: [chain(right)] }
    expect(compared(wording, answers, { sampled, judged, greedy, searches }).right).toMatchObject({
      sampled: 0,
      greedy: 0,
      criticSolves: 1,
      guided: 1,
      votes: 1,
      best: 0,
      checker: 1,
    })
  })

  it('take the mean over chains that stand alone, and the vote of those that vote', () => {
    const searches = { critic: [right, right, wrong].map((step) => chain(step)), checker: [chain(wrong)] }
    const found = compared(wording, answers, { sampled, judged, greedy, searches })
    expect(found.right.guided).toBeCloseTo(2 / 3)
    expect(found.right.sampled).toBeCloseTo(2 / 3)
    expect(found.right).toMatchObject({ guidedMajority: 1, majority: 1, checker: 0, checkerMajority: 0 })
    // 39 tokens buy all six plain chains, which tie, and three judged ones.
    expect(found.right).toMatchObject({ moreVotes: 0, bestOfMore: 1, votesOfAccepted: 1 })
    expect(found.tokens).toEqual({ solver: 18, critic: 21, checker: 13, plain: 18, greedy: 6 })
    expect(found).toMatchObject({ chains: 3, steps: 3, attempts: 3, unanswered: 0, short: true })
  })
})

describe('the outcome of a chain', () => {
  const check = (isRight: boolean | null) => ({ checks: [{ right: isRight, verdict: 'Incorrect' as const }] })
  it.each([
    ['saved', chain(right, check(false))],
    ['right', chain(right)],
    ['right', chain(right, check(true))],
    ['harmed', chain(wrong, check(true))],
    ['wrong', chain(wrong, check(null))],
    ['unanswered', chain(right, { ended: false })],
  ])('is %s', (outcome, search) => expect(outcomeOf(answers, search)).toBe(outcome))
})
