/** Whole searches on word problems, by solvers and critics that the test makes up. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SearchTextConfig, searchTextConfig } from '../../../recipes/search-text/config.ts'
import { courses } from '../../../recipes/search-text/courses.ts'
import { searchText } from '../../../recipes/search-text/index.ts'
import { problemFile } from '../../../recipes/search-text/problems.ts'
import {
  type Judge,
  JUDGED,
  readJudged,
  readSearch,
  readSearched,
  type Search,
  SEARCHED,
} from '../../../recipes/search/rows.ts'
import { readSampled } from '../../../recipes/self-check/rows.ts'
import { readChat } from '../../../shared/chat.ts'
import { range, sum } from '../../../shared/collections.ts'
import { Stream } from '../../../shared/random.ts'
import type { ItemRow, Rows } from '../../../shared/recipe.ts'
import { isTrueStep } from '../../../tasks/word-steps.ts'
import { searchText as workflow } from '../../../workflows/search-text.ts'
import { type Player, playRounds } from '../../support/in-memory.ts'

const parse = (value: object): SearchTextConfig =>
  searchTextConfig.parse({
    recipe: 'search-text',
    model: { from: 'model' },
    problems: { file: 'test.jsonl' },
    ...value,
  })
const small = { problems: 4, steps: 4, chains: 3, votes: 12, judged: 6 }
const configOf = (seed: number, changes: object = {}, players: object = {}): SearchTextConfig =>
  parse({ seed, players, search: { ...small, ...changes } })

/** `What is 3 + 4 + 5?` takes two sums, and a step that says the answer. */
const file = range(0, 6)
  .map((index) => JSON.stringify({ question: `What is ${index} + 4 + 5?`, answer: `So.\n#### ${index + 9}` }))
  .join('\n')
const itemsOf = (config: SearchTextConfig): ItemRow[] => {
  const { set, read } = problemFile(config)
  return read(file, 'test.jsonl').map((data, item): ItemRow => ({ round: 0, set, item, data }))
}

/** A solver whose sums are wrong with some chance, and who says what it has got to. */
function sayStep(prompt: string, skill: number, stream: Stream): string {
  const [asked, begun] = readChat(prompt)
  const numbers = [...(asked?.content.matchAll(/\d+/g) ?? [])].map(Number).slice(-3)
  const done = (begun?.content ?? '').split('\n\n').filter((step) => step !== '')
  const total = done.length === 0 ? (numbers[0] ?? 0) : Number(/(\d+)\.$/.exec(done.at(-1) ?? '')?.[1])
  if (done.length === 2) return `The answer is ${total}.␃`
  const next = numbers[done.length + 1] ?? 0
  return `${total} + ${next} = ${total + next + (stream.uniform(0) < skill ? 0 : 1)}.\n\n`
}

type Critic = (right: boolean) => string
const verdict = (word: string): string => `I looked.\nVerdict: ${word}␃`
const perfect: Critic = (right) => verdict(right ? 'Correct' : 'Incorrect')

const players =
  (config: SearchTextConfig, skill: number, critic: Critic): Player =>
  ({ prompt, phase, question, sample }) => {
    const [name, , ...place] = phase.split('/')
    if (name === 'check' || name === 'judge solutions') {
      const step = /Last step:\n([^]*)$/.exec(prompt)?.[1] ?? ''
      return { text: critic(isTrueStep(step) !== false), tokens: 7 }
    }
    if (name === 'propose' || name === 'retry') {
      // The same random numbers whoever checks.
      const chain = Number(question.key)
      const own = [Math.floor(chain / (2 * small.chains)), chain % small.chains]
      return { text: sayStep(prompt, skill, new Stream(config.seed, ...own, ...place)), tokens: 6 }
    }
    let text = ''
    for (const index of range(0, 3)) {
      const going = text === '' ? prompt : `${prompt}\n[assistant]\n${text}`
      text += sayStep(going, skill, new Stream(config.seed, phase, question.key, sample, index))
    }
    return { text, tokens: 18 }
  }

const play = (config: SearchTextConfig, skill: number, critic: Critic): Promise<Rows> =>
  playRounds(searchText, workflow, config, players(config, skill, critic), itemsOf(config))
const searchesBy = (judge: Judge, rows: Rows): Search[] =>
  rows.episodes.map(readSearch).filter((one) => one.judge === judge)
const searchedOf = (rows: Rows) => rows.items.filter(({ set }) => set === SEARCHED).map(readSearched)
const withoutJudge = ({ steps, state, ended, attempts }: Search) => ({ steps, state, ended, attempts })

const settings = fc.record({ seed: fc.nat(1000), skill: fc.double({ min: 0.2, max: 0.9, noNaN: true }) })
const law = (holds: (setting: { seed: number; skill: number }) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(settings, holds), { numRuns: 8 })

describe('guided search on word problems', () => {
  it('by a critic that sees all of the arithmetic is that by arithmetic', () =>
    law(async ({ seed, skill }) => {
      const rows = await play(configOf(seed), skill, perfect)
      expect(searchesBy('critic', rows)).toHaveLength(small.problems * small.chains)
      expect(searchesBy('critic', rows).map(withoutJudge)).toEqual(searchesBy('arithmetic', rows).map(withoutJudge))
      for (const { right } of searchedOf(rows)) expect(right.guided).toBe(right.checker)
    }))

  it('has one attempt at each step when the critic accepts everything, or cannot be read', () =>
    law(async ({ seed, skill }) => {
      for (const word of ['Correct', 'perhaps']) {
        const rows = await play(configOf(seed), skill, () => verdict(word))
        for (const one of searchesBy('critic', rows)) {
          expect(one).toMatchObject({ attempts: 3, ended: true, tokens: { solver: 18, critic: 21 } })
          expect(one.steps).toHaveLength(3)
        }
      }
    }))

  it('counts the tokens of both', () =>
    law(async ({ seed, skill }) => {
      const rows = await play(configOf(seed), skill, perfect)
      const turns = rows.turns.filter(
        ({ episode }) => readSearch(rows.episodes.find((row) => row.episode === episode)!).judge === 'critic',
      )
      const said = (critic: boolean): number =>
        sum(turns.filter(({ turn }) => turn.includes('check') === critic).map(({ tokens }) => tokens))
      expect(sum(searchedOf(rows).map(({ tokens }) => tokens.solver))).toBe(said(false))
      expect(sum(searchedOf(rows).map(({ tokens }) => tokens.critic))).toBe(said(true))
    }))

  it('has whole solutions read by the critic of best-of-n up to the first step that it rejects, each place once', () =>
    law(async ({ seed, skill }) => {
      const config = configOf(seed)
      const says = players(config, skill, perfect)
      const asked: string[] = []
      const heard: Player = (said, player) => {
        if (said.phase === 'judge solutions') asked.push(said.prompt)
        return says(said, player)
      }
      const rows = await playRounds(searchText, workflow, config, heard, itemsOf(config))
      const ofSet = (wanted: string) => rows.items.filter(({ set }) => set === wanted)
      const read = ofSet('problems')
        .map(readSampled)
        .map(({ solutions }) =>
          solutions.slice(0, small.judged).map((text) => {
            const steps = text.slice(0, -1).split('\n\n')
            const wrong = steps.findIndex((step) => isTrueStep(step) === false)
            return { steps: wrong < 0 ? steps : steps.slice(0, wrong + 1), whole: wrong < 0 }
          }),
        )
      const judged = read.map((chains) =>
        chains.map(({ steps, whole }) => {
          return { accepted: whole ? steps.length : steps.length - 1, whole, tokens: 7 * steps.length }
        }),
      )
      expect(ofSet(JUDGED).map(readJudged)).toEqual(judged)
      const places = read.flatMap((chains, item) =>
        chains.flatMap(({ steps }) => steps.map((_, last) => [item, ...steps.slice(0, last + 1)].join('\n\n'))),
      )
      expect(asked).toHaveLength(new Set(places).size)
      expect(new Set(asked).size).toBe(asked.length)
    }))

  it('has no answer where the chain does not end in time, or a step has no end', async () => {
    const short = searchedOf(await play(configOf(1, { steps: 2 }), 0.9, perfect))
    expect(short.every(({ unanswered, right }) => unanswered === small.chains && right.guidedMajority === 0)).toBe(true)
    const config = configOf(1)
    const sound = players(config, 0.9, perfect)
    const endless: Player = (asked, player) =>
      asked.phase.startsWith('propose/critic/2') ? { text: 'and so on', tokens: 6 } : sound(asked, player)
    const rows = await playRounds(searchText, workflow, config, endless, itemsOf(config))
    for (const one of searchesBy('critic', rows)) expect(one).toMatchObject({ state: 'broken', ended: false })
  })

  it('ends with what stands where the solver has nothing to add', async () => {
    const config = configOf(1, { attempts: 1 })
    const sound = players(config, 1, perfect)
    const silent: Player = (asked, player) =>
      asked.phase.startsWith('propose/critic/3') ? { text: '␃', tokens: 1 } : sound(asked, player)
    const rows = await playRounds(searchText, workflow, config, silent, itemsOf(config))
    for (const one of searchesBy('critic', rows)) {
      expect(one).toMatchObject({ ended: true, tokens: { solver: 13, critic: 0 } })
      expect(one.steps).toHaveLength(2)
    }
    // Their last sum is the answer, though nobody says so.
    expect(searchedOf(rows).every(({ right }) => right.guided === 1)).toBe(true)
    const turns = rows.turns.filter(({ episode }) => episode === 0).map(({ turn }) => turn)
    expect(turns).toEqual(['1/1/attempt/0', '2/1/attempt/0', '3/1/attempt/0'])
  })
})

describe('the players', () => {
  const turnsBy = async (given: object): Promise<Set<string>> => {
    const config = configOf(1, {}, given)
    const rows = await play(config, 0.6, perfect)
    return new Set(rows.turns.map(({ turn, role, version }) => `${turn.split('/')[2]} ${role}@${version}`))
  }

  it('are policies of another run, published here, or the model below them', async () => {
    expect(await turnsBy({})).toEqual(new Set(['attempt base@0', 'check base@0']))
    const taken = { solver: { run: 'spc-text' }, critic: { run: 'other', version: 2 } }
    expect(await turnsBy(taken)).toEqual(new Set(['attempt solver@0', 'check critic@0']))
    expect(await turnsBy({ critic: taken.critic })).toEqual(new Set(['attempt base@0', 'check critic@0']))
  })

  it('are taken as they are: the solver once, each round the next critic', () => {
    const config = configOf(1, {}, { solver: { run: 'spc-text' }, critic: { run: 'other', version: 2 } })
    const context = { config, round: 3, phase: '' }
    expect(courses.critic.from(context)).toEqual({ run: 'other', role: 'critic', version: 5 })
    expect(courses.solver.from({ ...context, round: 0 })).toEqual({ run: 'spc-text', role: 'solver', version: 0 })
    expect(courses.critic.lesson(context, { items: [], episodes: [], turns: [] }).steps).toBe(0)
  })
})

it('the numbers of a round name arithmetic where it stands in the place of a checker', async () => {
  const rows = await play(configOf(5), 0.6, perfect)
  const { numbers } = searchText.summarise({ round: 0, evaluations: [], outcomes: {}, measured: rows.items })
  expect(numbers).toMatchObject({ right: 1, wrong: 1, informedness: 1, unreadable: 0, problems: 4, chains: 3 })
  expect(numbers['arithmetic']).toBe(numbers['guided'])
  expect(numbers['arithmetic_tokens']).toBeCloseTo((numbers['tokens'] ?? 0) - (numbers['critic_tokens'] ?? 0))
  expect(numbers).not.toHaveProperty('checker')
})

it('the configuration names the field that is wrong', () => {
  expect(() => configOf(1, { chains: 13 })).toThrow(/search.votes/)
  expect(() => configOf(1, {}, { critic: 'spc-text/critic' })).toThrow()
  expect(() => configOf(1, { attempts: 11 })).toThrow()
})
