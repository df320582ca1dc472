import path from 'node:path'
import { expect, test } from 'vitest'
import { Document } from 'yaml'
import { estimate } from '../../cli/estimate.ts'
import { rootMessage } from '../../cli/failure.ts'
import { located } from '../../cli/run-file.ts'
import { firstDifference } from '../../shared/differences.ts'
import { clock, closeNames, table } from '../../cli/terminal.ts'
import { parseConfig, planRound } from '../../client.ts'

test('close names: few changed letters, or one inside the other', () => {
  expect(closeNames('spcc', ['spc', 'spc-two', 'other'])).toEqual(['spc'])
  expect(closeNames('arms', ['spc-arms-1', 'two'])).toEqual(['spc-arms-1'])
  expect(closeNames('zzzz', ['spc'])).toEqual([])
})

test('times and tables', () => {
  expect([0, 59.6, 75, 4000].map(clock)).toEqual(['0:00', '1:00', '1:15', '1:06:40'])
  expect(
    table(
      [{ title: 'a' }, { title: 'n', align: 'right' }],
      [
        ['xyz', '1'],
        ['b', '23'],
      ],
    ),
  ).toEqual(['a     n', 'xyz   1', 'b    23'])
})

test('the first field in which two configurations differ', () => {
  expect(firstDifference({ a: { b: [1, 2], c: 3 } }, { a: { c: 3, b: [1, 2] } })).toBeNull()
  expect(firstDifference({ a: { b: [1, 2] } }, { a: { b: [1, 3] } })).toBe('a.b')
  expect(firstDifference({ a: 1 }, { a: 1, d: 2 })).toBe('d')
})

test('the innermost message of a failure', () => {
  const inner = new Error('the loss is NaN at step 12')
  expect(rootMessage(new Error('Workflow failed', { cause: new Error('Activity failed', { cause: inner }) }))).toBe(
    inner.message,
  )
})

test('the time left shrinks as shards are stored, and is nothing at the end', async () => {
  const { config } = parseConfig({ recipe: 'spc', rounds: 1 }, 'test')
  const planned = [await planRound(config, 0), await planRound(config, 1)]
  const at = new Date()
  const cost = (round: number, phase: string, shards: number) => ({
    round,
    phase,
    shards,
    tokens: 1000,
    seconds: shards,
    began: at,
    ended: at,
  })
  const left = (finished: number, costs: ReturnType<typeof cost>[]): number | null =>
    estimate({ planned, costs, updates: [], underWay: [], finished, model: config.model })
  const all = planned.map((phases, round) => phases.map(({ name, shards }) => cost(round, name, shards)))
  const start = left(0, []) ?? 0
  const middle = left(1, all[0] ?? []) ?? 0
  expect(start).toBeGreaterThan(middle)
  expect(middle).toBeGreaterThan(0)
  expect(left(1, all.flat())).toBe(0)
  expect(left(2, all.flat())).toBeNull()
})

test('what a machine has not done yet is guessed by what it has done', async () => {
  const { config } = parseConfig({ recipe: 'spc', rounds: 1 }, 'test')
  const updates = (await planRound(config, 0)).filter(({ kind, work }) => kind === 'update' && work)
  const games = (await planRound(config, 1)).filter(({ kind, work }) => kind !== 'update' && work)
  expect([updates.length, games.length]).not.toContain(0)
  const at = new Date()
  const left = (seconds: number): number => {
    const cost = { round: 0, tokens: 1000, seconds, began: at, ended: at }
    const costs = updates.map(({ name: phase, shards }) => ({ ...cost, phase, shards }))
    const measured = { costs, updates: [], underWay: [], finished: 1, model: config.model }
    return estimate({ planned: [updates, games], ...measured }) ?? 0
  }
  expect(left(1000) / left(100)).toBeCloseTo(10, 0)
  // Of an update under way, what its heartbeats say.
  const [first] = updates
  const begun = (secondsPerStep: number | null): number => {
    const { role = '', version = 0 } = first?.update ?? {}
    const underWay = [{ role, version, step: 50, steps: 200, secondsPerStep }]
    const measured = { costs: [], updates: [], underWay, finished: 0, model: config.model }
    return estimate({ planned: [first ? [first] : [], games], ...measured }) ?? 0
  }
  expect(begun(20) / begun(2)).toBeCloseTo(10, 0)
  expect(begun(20)).toBeGreaterThan(20 * 150)
  expect(begun(null)).toBeGreaterThan(0)
})

test('a run file that a study or a person wrote names its files from where they are, and is launched with their whole paths', () => {
  const folder = path.resolve(import.meta.dirname, '../support/text-model')
  const from = path.relative(process.cwd(), folder)
  const given = { recipe: 'spc-text', model: { from }, problems: [{ file: `${from}/problems.jsonl` }] }
  const { config } = located(new Document(given), 'a study')
  expect(config).toMatchObject({ model: { from: folder }, problems: [{ file: path.join(folder, 'problems.jsonl') }] })
  const gone = { ...given, problems: [...given.problems, { file: 'gone.jsonl' }] }
  expect(() => located(new Document(gone), 'a study')).toThrow(/problems\.1\.file: there is no .*gone\.jsonl/)
})
