/** Whole searches by solvers and critics that the test makes up, in the workflow's own order of events. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SearchConfig, searchConfig } from '../../../recipes/search/config.ts'
import { search } from '../../../recipes/search/index.ts'
import { type Judge, readSearch, readSearched, type Search, SEARCHED } from '../../../recipes/search/rows.ts'
import { parseSolution, spcVocabulary, type Verdict } from '../../../recipes/spc/prompts.ts'
import { groupBy, range, sum } from '../../../shared/collections.ts'
import { Stream } from '../../../shared/random.ts'
import type { Rows } from '../../../shared/recipe.ts'
import { taskFrom } from '../../../tasks/registry.ts'
import { search as workflow } from '../../../workflows/search.ts'
import { type Player, playRounds } from '../../support/in-memory.ts'

const parse = (value: object): SearchConfig => searchConfig.parse({ recipe: 'search', ...value })
const small = { problems: 6, chains: 3, votes: 12, judged: 6 }
const configOf = (seed: number, changes: object): SearchConfig =>
  parse({ seed, rounds: 0, search: { ...small, ...changes } })

const task = taskFrom(parse({}).task)
const vocabulary = spcVocabulary(task)
const tokensOf = (text: string): number => vocabulary.encode(text).length

/** `problem:step;step;` */
function readOpening(prompt: string): { problem: string; done: string[] } {
  const [problem = '', rest = ''] = prompt.split(':')
  return { problem, done: rest.split(';').slice(0, -1) }
}

/** A solver that is right with some chance at each step, never by luck, and knows how long its solution is to be. */
function sayStep(prompt: string, skill: number, stream: Stream): string {
  const { problem, done } = readOpening(prompt)
  const right = task.next(problem, done)
  const last = done.length + 1 === task.solve(problem).length
  const truth = Number(task.answer(problem, task.solve(problem)))
  const lost = `1+1=${(truth + 1) % 100}`
  return `${right !== null && stream.uniform(0) < skill ? right : lost}${last ? '.' : ';'}`
}

/** Its random numbers are those of the chain, the step and the attempt, whoever checks. */
const seeded = (config: SearchConfig, chain: number, step: number, attempt: number): Stream =>
  new Stream(config.seed, 'test', Math.floor(chain / (2 * small.chains)), chain % small.chains, step, attempt)

type Critic = (right: boolean) => Verdict | null
const perfect: Critic = (right) => (right ? 'Correct' : 'Incorrect')

function players(config: SearchConfig, skill: number, critic: Critic): Player {
  const words: Player = ({ prompt, phase, question, sample }, { role }) => {
    const [name, , step = '', attempt = '1'] = phase.split('/')
    if (role === 'critic' && name !== 'greedy') {
      const { problem, done } = readOpening(prompt.replace('?', ';'))
      const verdict = critic(task.check(problem, done.slice(0, -1), done.at(-1) ?? ''))
      return { text: `1+1=2${verdict === null ? '' : `=>${verdict}`}.`, tokens: 7 }
    }
    if (name === 'propose' || name === 'retry') {
      const text = sayStep(prompt, skill, seeded(config, Number(question.key), Number(step), Number(attempt)))
      return { text, tokens: tokensOf(text) }
    }
    const { problem } = readOpening(prompt)
    const text = range(0, task.solve(problem).length).reduce(
      (said, index) =>
        said + sayStep(prompt + said, skill, new Stream(config.seed, phase, question.key, sample, index)),
      '',
    )
    return { text, tokens: tokensOf(text) }
  }
  return words
}

const play = (config: SearchConfig, skill: number, critic: Critic): Promise<Rows> =>
  playRounds(search, workflow, config, players(config, skill, critic))
const searchesBy = (judge: Judge, rows: Rows): Search[] =>
  rows.episodes.map(readSearch).filter((one) => one.judge === judge)
const isRight = ({ problem, steps, ended }: Search): boolean => ended && task.grade(problem, steps)
const withoutJudge = ({ steps, state, ended, attempts }: Search) => ({ steps, state, ended, attempts })

const settings = fc.record({ seed: fc.nat(1000), skill: fc.double({ min: 0.2, max: 0.9, noNaN: true }) })
const law = (holds: (setting: { seed: number; skill: number }) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(settings, holds), { numRuns: 8 })

describe('guided search', () => {
  it('is plain sampling of the same random numbers when the critic accepts everything, or cannot be read', () =>
    law(async ({ seed, skill }) => {
      for (const verdict of ['Correct', null] as const) {
        const config = configOf(seed, {})
        const rows = await play(config, skill, () => verdict)
        for (const row of rows.episodes) {
          const one = readSearch(row)
          if (one.judge !== 'critic') continue
          const plain = range(1, task.solve(one.problem).length + 1).reduce((said, step) => {
            return said + sayStep(`${one.problem}:${said}`, skill, seeded(config, row.episode, step, 1))
          }, '')
          expect(one.steps).toEqual(parseSolution(plain))
          expect(one.attempts).toBe(one.steps.length)
        }
      }
    }))

  it('asks no critic where there is one attempt', () =>
    law(async ({ seed, skill }) => {
      const rows = await play(configOf(seed, { attempts: 1 }), skill, () => 'Incorrect')
      expect(searchesBy('critic', rows).every(({ tokens, checks }) => tokens.critic === 0 && checks.length === 0)).toBe(
        true,
      )
      expect(searchesBy('critic', rows).map(withoutJudge)).toEqual(searchesBy('checker', rows).map(withoutJudge))
    }))

  it('by a perfect critic is that by the exact checker', () =>
    law(async ({ seed, skill }) => {
      const rows = await play(configOf(seed, {}), skill, perfect)
      expect(searchesBy('critic', rows).map(withoutJudge)).toEqual(searchesBy('checker', rows).map(withoutJudge))
    }))

  it('by the exact checker solves what plain sampling solves, and more with more attempts', () =>
    law(async ({ seed, skill: drawn }) => {
      // From a half up: all 10 attempts of a step fail once in a thousand steps or less, whatever the seed.
      const skill = Math.max(drawn, 0.5)
      let solved: boolean[] = []
      for (const attempts of [1, 2, 5, 10]) {
        const now = searchesBy('checker', await play(configOf(seed, { attempts }), skill, perfect)).map(isRight)
        solved.forEach((before, index) => expect(now[index]).toBe(before || now[index]))
        solved = now
      }
      expect(solved.filter(Boolean).length / solved.length).toBeGreaterThan(0.5)
    }))

  it('keeps the last attempt when the critic rejects all', () =>
    law(async ({ seed, skill }) => {
      const config = configOf(seed, { attempts: 3 })
      for (const one of searchesBy('critic', await play(config, skill, () => 'Incorrect'))) {
        expect(one.attempts).toBe(3 * one.steps.length)
        expect(one.checks.length).toBeLessThanOrEqual(2 * one.steps.length)
        expect(one.ended).toBe(true)
      }
    }))

  it('by the exact checker solves as much by whichever attempt it falls back to', () =>
    law(async ({ seed, skill }) => {
      // Where no attempt is right, the first is as wrong as the last.
      const solved = async (fallback: string): Promise<boolean[]> =>
        searchesBy('checker', await play(configOf(seed, { fallback }), skill, perfect)).map(isRight)
      const [last, first] = [await solved('last'), await solved('first')]
      expect(first).toEqual(last)
    }))

  it('counts the tokens of all turns, and nothing else', () =>
    law(async ({ seed, skill }) => {
      const config = configOf(seed, {})
      const rows = await play(config, skill, (right) => (right ? null : 'Incorrect'))
      const turns = groupBy(rows.turns, ({ episode }) => episode)
      const said = (episode: number, role: string): number =>
        sum((turns.get(episode) ?? []).filter((turn) => turn.role === role).map(({ tokens }) => tokens))
      for (const row of rows.episodes) {
        const { tokens, attempts, checks } = readSearch(row)
        expect(tokens).toEqual({ solver: said(row.episode, 'solver'), critic: said(row.episode, 'critic') })
        expect(tokens.solver).toBe(6 * attempts)
        if (readSearch(row).judge === 'critic') expect(tokens.critic).toBe(7 * checks.length)
      }
      const searched = rows.items.filter(({ set }) => set === SEARCHED).map(readSearched)
      const spent = (of: (tokens: Search['tokens']) => number): number =>
        sum(searchesBy('critic', rows).map(({ tokens }) => of(tokens)))
      expect(sum(searched.map(({ tokens }) => tokens.solver))).toBe(spent(({ solver }) => solver))
      expect(sum(searched.map(({ tokens }) => tokens.critic))).toBe(spent(({ critic }) => critic))
    }))

  it('ends a chain with a text that is no step, which votes for nothing', async () => {
    const config = configOf(1, {})
    const sound = players(config, 0.9, perfect)
    const rows = await playRounds(search, workflow, config, (asked, player) =>
      asked.phase.startsWith('propose/critic/2') ? { text: '1+12;', tokens: 6 } : sound(asked, player),
    )
    for (const one of searchesBy('critic', rows)) {
      expect(one).toMatchObject({ state: 'broken', ended: false })
      expect(one.steps).toHaveLength(1)
    }
    const searched = rows.items.filter(({ set }) => set === SEARCHED).map(readSearched)
    expect(searched.every(({ right, unanswered }) => right.guidedMajority === 0 && unanswered === small.chains)).toBe(
      true,
    )
  })

  it('with the same words in every chain is worth as much with a vote as alone', async () => {
    const rows = await play(configOf(3, { chains: 1 }), 0.6, perfect)
    for (const { right } of rows.items.filter(({ set }) => set === SEARCHED).map(readSearched)) {
      expect(right.guidedMajority).toBe(right.guided)
      expect(right.majority).toBe(right.sampled)
      expect(right.checkerMajority).toBe(right.checker)
    }
  })
})

describe('the numbers of a round', () => {
  it('are those of a perfect critic', async () => {
    const rows = await play(configOf(5, {}), 0.6, perfect)
    const { numbers, score } = search.summarise({ round: 0, evaluations: [], outcomes: {}, measured: rows.items })
    expect(numbers).toMatchObject({
      right: 1,
      wrong: 1,
      informedness: 1,
      unreadable: 0,
      unanswered: 0,
      chains: 3,
      problems: 6,
    })
    expect(numbers['guided']).toBe(numbers['checker'])
    expect(numbers['guided_majority']).toBe(score)
    expect(numbers['tokens']).toBeGreaterThan(numbers['sampled_tokens'] ?? Infinity)
  })

  it('tell each gain with its interval over the problems', async () => {
    const rows = await play(configOf(5, {}), 0.6, perfect)
    const { numbers } = search.summarise({ round: 0, evaluations: [], outcomes: {}, measured: rows.items })
    const searched = rows.items.filter(({ set }) => set === SEARCHED).map(readSearched)
    const differences = searched.map(({ right }) => right.guided - right.greedy)
    const mean = sum(differences) / 6
    const deviation = Math.sqrt(sum(differences.map((one) => (one - mean) ** 2)) / 5)
    expect(deviation).toBeGreaterThan(0)
    expect(numbers['gain_greedy']).toBeCloseTo((numbers['guided'] ?? 0) - (numbers['greedy'] ?? 0))
    // Student's t, five degrees of freedom.
    expect(numbers['gain_greedy_half']).toBeCloseTo((2.571 * deviation) / Math.sqrt(6))
    const alike = rows.items.map((row) =>
      row.set === SEARCHED ? { ...rows.items.find(({ set }) => set === SEARCHED)!, item: row.item } : row,
    )
    const same = search.summarise({ round: 0, evaluations: [], outcomes: {}, measured: alike })
    expect(same.numbers['gain_greedy_half']).toBeNull()
  })

  it('say nothing of a critic that was never asked', async () => {
    const rows = await play(configOf(5, { attempts: 1 }), 0.6, perfect)
    const { numbers } = search.summarise({ round: 0, evaluations: [], outcomes: {}, measured: rows.items })
    expect(numbers).toMatchObject({ right: null, wrong: null, informedness: null, attempts: 1, critic_tokens: 0 })
  })
})

it('the configuration names the field that is wrong', () => {
  expect(() => parse({ search: { chains: 9, votes: 8, judged: 4 } })).toThrow(/search.votes/)
  expect(() => parse({ search: { judged: 9, votes: 8, chains: 4 } })).toThrow(/search.votes/)
  expect(() => parse({ model: { context: 20 } })).toThrow(/too short/)
})
