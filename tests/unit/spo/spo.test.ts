import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dot, fitBradleyTerry } from '../../../recipes/spo/bradley-terry.ts'
import { spoConfig, type SpoConfig } from '../../../recipes/spo/config.ts'
import { readRewardModel } from '../../../recipes/spo/games.ts'
import { spo } from '../../../recipes/spo/index.ts'
import { answerLesson, courses } from '../../../recipes/spo/lessons.ts'
import { compare, fit, reward } from '../../../recipes/spo/phases.ts'
import type { PlayContext, Rows, TurnRow } from '../../../shared/recipe.ts'
import { logistic } from '../../../tasks/pair-judge.ts'

const parse = (fields: object = {}): SpoConfig => spoConfig.parse({ recipe: 'spo', ...fields })
const context = (config: SpoConfig, round: number): PlayContext<SpoConfig> => ({
  config,
  round,
  phase: 'test',
  player: { role: 'policy', version: round - 1 },
  from: 0,
  to: config.play.groups,
})

/** Groups of given answers, a list per group, as the phase `answer` leaves them. */
function played(round: number, groups: string[][]): Rows {
  const place = (episode: number) => ({ round, episode, item: episode, outcome: null })
  return {
    items: [],
    episodes: groups.map((_, episode) => ({ ...place(episode), data: { prompt: '?' } })),
    turns: groups.flatMap((texts, episode) =>
      texts.map((text, sample): TurnRow => {
        const said = { turn: `answer/${sample}`, role: 'policy', version: round - 1, prompt: '?', text, tokens: 2 }
        return { round, episode, ...said, verdict: null, reward: null }
      }),
    ),
  }
}
const together = (...parts: Rows[]): Rows => ({
  items: parts.flatMap(({ items }) => items),
  episodes: parts.flatMap(({ episodes }) => episodes),
  turns: parts.flatMap(({ turns }) => turns),
})
/** Plays the phases that only compute, as the frame would: rows with the same key replace those read. */
function rewarded(config: SpoConfig, round: number, rows: Rows): number[] {
  const { episodes } = compare.answer(context(config, round), rows, [])
  const now = { ...rows, episodes }
  const { items } = config.reward.from === 'refitted' ? fit.answer(context(config, round), now, []) : { items: [] }
  return reward.answer(context(config, round), { ...now, items }, []).turns.map((turn) => turn.reward ?? NaN)
}

describe('the reward', () => {
  const [A, B, C, D] = ['A.', 'B.', 'C.', 'D.'] as const
  it('is the share of wins in the group, an answer against itself a draw', () => {
    const rewards = rewarded(parse(), 1, played(1, [[A, B, C, D]]))
    const expected = [(0.5 + 0.9 + 0.4 + 0.95) / 4, (0.1 + 0.5 + 0.6 + 0.95) / 4]
    expect(rewards.slice(0, 2)).toEqual(expected.map((value) => expect.closeTo(value, 12)))
    expect(rewards.reduce((sum, value) => sum + value, 0) / 4).toBeCloseTo(0.5, 12)
  })
  it('counts the same group’s answers of the round before, when there is a queue', () => {
    const rows = together(played(1, [[B], [D]]), played(2, [[A], [A]]))
    expect(rewarded(parse({ play: { queue: 1 } }), 2, rows)).toEqual([
      expect.closeTo((0.5 + 0.9) / 2, 12),
      expect.closeTo((0.5 + 0.95) / 2, 12),
    ])
    expect(compare.reads?.(context(parse({ play: { queue: 2 } }), 5)).rounds).toEqual([3, 4, 5])
    expect(compare.reads?.(context(parse({ play: { queue: 0 } }), 5)).rounds).toEqual([5])
  })
  it('is what the model predicts in the baselines, which a cycle cannot be in', () => {
    const group = [A, B, C]
    const wins = rewarded(parse(), 1, played(1, [group]))
    const model = rewarded(parse({ reward: { from: 'refitted' } }), 1, played(1, [group]))
    expect(wins[2]).toBeCloseTo((0.5 + 0.4 + 0.6) / 3, 12)
    // Bradley–Terry gets the means of the rows right, which is all it can do, and so A must be above C here.
    model.forEach((value, index) => expect(value).toBeCloseTo(wins[index]!, 2))
    expect(model[0]).toBeGreaterThan(model[2]!)
  })
  it('is moved between the answers of a group in the control arm, and stays the same in sum', () => {
    const groups = Array.from({ length: 12 }, () => [A, B, C, D])
    const [honest, shuffled] = ['true', 'shuffled'].map((signal) =>
      rewarded(parse({ judge: { signal } }), 1, played(1, groups)),
    )
    expect(shuffled).not.toEqual(honest)
    const sorted = (values: number[] = []) => values.toSorted((a, b) => a - b).map((value) => value.toFixed(9))
    expect(sorted(shuffled)).toEqual(sorted(honest))
  })
  it('pulls towards what is rare, as strongly as told', () => {
    const config = parse({ reward: { entropy: 0.1 } })
    const rows = played(1, [[A, A]])
    const { episodes } = compare.answer(context(config, 1), rows, [])
    const scored = episodes.map((row) => ({ ...row, data: { ...row.data, logProbabilities: [-1, -3] } }))
    const { turns } = reward.answer(context(config, 1), { ...rows, episodes: scored }, [])
    expect(turns.map((turn) => turn.reward)).toEqual([expect.closeTo(0.4, 12), expect.closeTo(0.6, 12)])
  })
})

describe('the Bradley–Terry model', () => {
  it('finds the scores that made the wins', () => {
    const scores = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(scores, (truth) => {
        const features = [0, 1, 2].map((one) => [0, 1, 2].map((other) => (one === other ? 1 : 0)))
        const comparisons = features.flatMap((left, i) =>
          features.map((right, j) => {
            const difference = left.map((value, index) => value - right[index]!)
            return { difference, wins: logistic(truth[i]! - truth[j]!) }
          }),
        )
        const found = fitBradleyTerry(comparisons)
        for (const { difference, wins } of comparisons) {
          expect(Math.abs(logistic(dot(found, difference)) - wins)).toBeLessThan(0.01)
        }
      }),
    )
  })
  it('stays finite where one answer always won', () => {
    const found = fitBradleyTerry([{ difference: [1, -1], wins: 1 }])
    expect(found.every(Number.isFinite)).toBe(true)
    expect(found[0]).toBeGreaterThan(1)
  })
  it('is fitted to every pair of a round once', () => {
    const config = parse({ reward: { from: 'refitted' }, play: { answers: 3 } })
    const rows = played(1, [
      ['A.', 'B.', 'nothing'],
      ['C.', 'D.', 'A.'],
    ])
    const { episodes } = compare.answer(context(config, 1), rows, [])
    const { items } = fit.answer(context(config, 1), { ...rows, episodes }, [])
    // The text that is no answer has no features: one pair of the first group, three of the second.
    expect(readRewardModel(items[0]!).comparisons).toBe(4)
  })
})

describe('the update', () => {
  const config = parse()
  const turns = played(1, [
    ['A.', 'B.'],
    ['C.', 'C.'],
  ]).turns.map((turn, index) => {
    return { ...turn, reward: [0.8, 0.2, 0.9, 0.9][index]! }
  })
  it('takes the mean of a group as its baseline, so that a group of one opinion says nothing', () => {
    const lesson = answerLesson({ config, round: 1, phase: 'policy' }, { items: [], episodes: [], turns })
    expect(lesson.batch(0).map(({ advantage }) => advantage)).toEqual(
      [0.3, -0.3, 0, 0].map((value) => expect.closeTo(value)),
    )
    expect(lesson.consumed).toHaveLength(4)
  })
  it('pulls to the policy that played with 1/η over the whole answer', () => {
    const [term] = courses['policy']!.loss(parse({ update: { eta: 2 } }))
    // Two tokens: the letter and the stop mark.
    expect(term).toMatchObject({ ratio: 'sequence-sum', against: 'behaviour', klInAdvantage: 2 / 2 })
    const place = { config, round: 4, phase: 'policy' }
    expect(courses['policy']!.reference(place)).toEqual({ role: 'policy', version: 3 })
    expect(courses['policy']!.from(place)).toEqual({ role: 'policy', version: 3 })
  })
})

describe('the summary', () => {
  it('averages over prompts; the score is what the average policy wins in the worst case', () => {
    const data = { prompt: '?', logProbabilities: [], winRate: 0.6, entropy: 1, malformed: 0 }
    const measured = [
      { ...data, average: 0.1, last: 0.3 },
      { ...data, average: 0.2, last: 0.1 },
    ].map((row, item) => ({ round: 3, set: 'measured', item, data: row }))
    const { score, numbers } = spo.summarise({ round: 3, evaluations: [], outcomes: {}, measured })
    expect(score).toBeCloseTo(0.35, 12)
    expect(numbers).toMatchObject({ exploitability_average: expect.closeTo(0.15), exploitability_last: 0.2 })
  })
})

describe('the configuration', () => {
  it.each([
    [{ play: { anwsers: 3 } }, 'play'],
    [{ reward: { from: 'somewhere' } }, 'reward'],
    [{ judge: { noise: 0.5 } }, 'judge'],
    [{ task: { name: 'arithmetic' } }, 'task'],
  ])('refuses %j', (fields, path) => {
    expect(spoConfig.safeParse({ recipe: 'spo', ...fields }).error?.issues[0]?.path[0]).toBe(path)
  })
})
