/** Several solvers: whose a problem is, and that each plays its own part and completes what it has written itself. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SpcTextConfig, spcTextConfig } from '../../../recipes/spc-text/config.ts'
import { spcText } from '../../../recipes/spc-text/index.ts'
import { PROBLEMS } from '../../../recipes/spc-text/problems.ts'
import { stop } from '../../../recipes/spc-text/prompts.ts'
import { asSolver, isOwn, isTuned, ownOf, solverPhases } from '../../../recipes/spc-text/solvers.ts'
import { readGame } from '../../../recipes/spc/games.ts'
import { range, sum } from '../../../shared/collections.ts'
import { policyName } from '../../../shared/ids.ts'
import type { ItemRow, Rows } from '../../../shared/recipe.ts'
import { spcText as workflow } from '../../../workflows/spc-text.ts'
import { type Player, playRounds } from '../../support/in-memory.ts'

const server = { url: 'http://127.0.0.1:8000/v1', model: 'qwen' }
const mix = [{ policy: 'solver' }, { policy: 'base', temperature: 1 }, { endpoint: server, weight: 2 }]
const configOf = (solvers: unknown, rest: object = {}): SpcTextConfig =>
  spcTextConfig.parse({
    recipe: 'spc-text',
    model: { from: 'model' },
    problems: [{ file: 'train.jsonl' }],
    solvers,
    ...rest,
  })
const namesOf = (solvers: unknown, phase: string): string[] =>
  solverPhases(configOf(solvers), phase).map(({ name, player }) => `${name} ${policyName(player)}`)

describe('the solvers of a run file', () => {
  it('are its own fine-tuned one, unless it says otherwise', () => {
    expect(namesOf(undefined, 'solve')).toEqual(['solve solver@0'])
    expect(namesOf([{ policy: 'base' }], 'solve')).toEqual(['solve base@0'])
    expect(namesOf([{ endpoint: server }], 'solve')).toEqual(['solve solver:qwen@0'])
  })

  it('play a phase each when they are several, by names that say who they are', () => {
    const names = ['natural/test/1 solver@0', 'natural/test/2 base@0', 'natural/test/3 solver:qwen@0']
    expect(namesOf(mix, 'natural/test')).toEqual(names)
    const { endpoint } = spcText
    const asked = solverPhases(configOf(mix), 'solve').map(({ player }) => endpoint(configOf(mix), player)?.url ?? null)
    expect(asked).toEqual([null, null, server.url])
  })

  it('need no training of a solver of the run when none of them is it', () => {
    expect([undefined, mix, mix.slice(1)].map((solvers) => isTuned(configOf(solvers)))).toEqual([true, true, false])
  })

  it('have a temperature of their own, or that of the phase', () => {
    const sampling = { samples: 4, temperature: 0.8, maximumNewTokens: 9 }
    const warmths = ['solve/1', 'solve/2', 'validate/2'].map(
      (phase) => asSolver(configOf(mix), phase, sampling).temperature,
    )
    expect(warmths).toEqual([0.8, 1, 1])
  })

  it.each([
    ['nobody', [], /Too small/],
    ['a solver that is nothing', [{ weight: 2 }], /either a policy/],
    ['a solver that is two things', [{ policy: 'base', endpoint: server }], /either a policy/],
    ['a policy that is no solver', [{ policy: 'critic' }], /solver/],
    [
      'two models of one name',
      [{ endpoint: server }, { endpoint: { ...server, url: 'http://127.0.0.1:8001/v1' } }],
      /told apart/,
    ],
  ])('are not %s', (_what, solvers, message) => expect(() => configOf(solvers)).toThrow(message))

  it('may be one server at two temperatures', () => {
    expect(namesOf([{ endpoint: server }, { endpoint: server, temperature: 1 }], 'solve')).toEqual([
      'solve/1 solver:qwen@0',
      'solve/2 solver:qwen@0',
    ])
  })
})

describe('a problem', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })

  it('is one solver’s, and of every so many in a row each has as many as its weight says', () =>
    fc.assert(
      fc.property(weights, fc.nat(1000), (given, from) => {
        const config = configOf(given.map((weight) => ({ policy: 'solver', weight })))
        const phases = solverPhases(config, 'presolve')
        const items = range(from, from + sum(given))
        const own = phases.map(({ name }) => items.filter((item) => isOwn(config, name, item)))
        expect(own.map(({ length }) => length)).toEqual(given)
        expect(phases.map(({ name }) => ownOf(config, name, 7 * sum(given)))).toEqual(given.map((weight) => 7 * weight))
        expect(own.flat().toSorted((one, other) => one - other)).toEqual(items)
      }),
    ))
})

describe('a run of several solvers', () => {
  const problems = range(0, 80).map((index): ItemRow => {
    const [answer, step] = [String(index + 4), `Tom has ${index} + 4 = ${index + 4} pens.`]
    return {
      round: 0,
      set: PROBLEMS,
      item: index,
      data: { problem: `Tom has ${index} pens, gets 4.`, steps: [step], answer },
    }
  })
  const config = configOf(mix, {
    rounds: 1,
    supervised: { pairs: 8 },
    play: { problems: 24, easyKept: 1 },
    evaluation: { natural: 8 },
  })
  /** A solver signs its solutions, solves every problem half of the time, and never after a wrong step. */
  const says: Player = ({ prompt, phase, sample }, { role, version }) => {
    const [, count = ''] = /Tom has (\d+) pens/.exec(prompt) ?? []
    const right = `The answer is ${Number(count) + 4}.${stop}`
    if (role === 'generator') return text(`Error: rule\nChange: a becomes b\nWrong step: Wrong.${stop}`)
    if (role === 'critic') return text(`Verdict: Correct${stop}`)
    if (phase.startsWith('validate')) return text(prompt.includes('Wrong.') ? `The answer is 0.${stop}` : right)
    const solved = `By ${role}@${version}: ${count} + 4 = ${Number(count) + 4}.\n\n${right}`
    return text(sample % 2 === 0 ? solved : `By nobody.\n\nThe answer is 0.${stop}`)
  }
  const text = (said: string) => ({ text: said, tokens: 1 })
  const played: Promise<Rows> = playRounds(spcText, workflow, config, says, problems)
  const solverOfItem = (item: number): string =>
    ['solver@0', 'base@0', 'solver:qwen@0', 'solver:qwen@0'][item % 4] ?? ''

  it('has every problem solved by its own solver, and each game says whose solution it is about', async () => {
    const { items, episodes } = await played
    const tried = items.filter(({ round, set }) => round === 1 && set === 'problems')
    expect(tried.map(({ item, data }) => [item, data['solver']])).toEqual(
      expect.arrayContaining(range(0, 24).map((item) => [item, solverOfItem(item)])),
    )
    expect(tried).toHaveLength(24)
    expect(episodes).toHaveLength(24 * 4)
    for (const { item, data } of episodes) {
      expect(data['solver']).toBe(solverOfItem(item))
      expect(data['solution']).toContain(`By ${solverOfItem(item)}:`)
    }
  })

  it('has a step checked by the solver that wrote the solution', async () => {
    const { episodes, turns } = await played
    const owners = new Map(episodes.map(({ episode, item }) => [episode, solverOfItem(item)]))
    const checks = turns.filter(({ turn }) => turn.startsWith('validate/'))
    expect(checks).toHaveLength(episodes.length * 2 * config.play.rollouts)
    for (const turn of checks) expect(policyName(turn)).toBe(owners.get(turn.episode))
    for (const game of episodes.map(readGame)) expect(game).toMatchObject({ valid: true, outcome: 'fooling' })
  })

  it('has the critic tested on slips and right steps of all of them', async () => {
    const { items } = await played
    const natural = items.filter(({ set }) => set === 'natural/test')
    expect(new Set(natural.map(({ data }) => data['solver']))).toEqual(new Set(['solver@0', 'base@0', 'solver:qwen@0']))
    // Two items for each problem, a right step and a wrong one.
    for (const { item, data } of natural) expect(data['solver']).toBe(solverOfItem(Math.floor(item / 2)))
  })
})
