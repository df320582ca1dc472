/** `npm run chaos`: its arguments, what it calls different, and that the docs say what its results file says. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { chaosResults, chaosTable } from '../../bench/chaos-results.ts'
import { differences, type Fingerprint } from '../support/fingerprint.ts'

const root = path.resolve(import.meta.dirname, '..', '..')

function chaos(...args: string[]): { code: number | null; out: string; error: string } {
  const command = ['--import', 'tsx', path.join('bench', 'chaos.ts'), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
  return { code: status, out: stdout, error: stderr }
}

test('--help shows how to use it', () => {
  expect(chaos('--help')).toMatchObject({ code: 0, out: expect.stringContaining('--kills N') })
})

test.each([
  [['--kill', '3'], "Unknown option '--kill'"],
  [['--kills', '0'], '--kills 0 is no number of kills'],
  [['--kills', 'many'], '--kills many is no number of kills'],
  [['extra'], "Unexpected argument 'extra'"],
])('%j: exit code 2, a message and a remedy, and nothing is started', (args, message) => {
  const { code, out, error } = chaos(...args)
  expect(code).toBe(2)
  expect(error).toContain(message)
  expect(error).toContain('→')
  expect(out).toBe('')
})

const print: Fingerprint = {
  tables: { shards: 'a', turns: 'b' },
  rows: { shards: 3, turns: 5 },
  files: { 'critic@0': 'c' },
  games: { detected: 2 },
}

test('equal fingerprints have no difference, whatever the order of their parts', () => {
  expect(differences(print, { ...print, tables: { turns: 'b', shards: 'a' } })).toEqual([])
})

test('every table, count, file and game that differs, is missing or is new is named', () => {
  const found = {
    tables: { shards: 'x', turns: 'b' },
    rows: { shards: 4, turns: 5 },
    files: {},
    games: { detected: 2, fooling: 1 },
  }
  expect(differences(print, found)).toEqual([
    'tables shards: a expected, x found',
    'rows shards: 3 expected, 4 found',
    'files critic@0: c expected, none found',
    'games fooling: none expected, 1 found',
  ])
})

const results = chaosResults.parse(JSON.parse(fs.readFileSync(path.join(root, 'results', 'chaos.json'), 'utf8')))

test('the results are those of at least twenty kills of every kind, without a difference', () => {
  expect(results.kills.length).toBeGreaterThanOrEqual(20)
  expect(new Set(results.kills.map(({ victim }) => victim)).size).toBe(5)
  expect(results.runs.reduce((sum, { kills }) => sum + kills, 0)).toBe(results.kills.length)
  expect(results.runs.flatMap((run) => run.differences)).toEqual([])
  expect(results.verdict).toBe('equal')
})

test('docs/durability.md shows them', async () => {
  const page = path.join(root, 'docs', 'durability.md')
  const summary = await format(chaosTable(results), { ...(await resolveConfig(page)), filepath: page })
  expect(fs.readFileSync(page, 'utf8')).toContain(summary)
})

test('the summary of runs that differ says so', () => {
  const [run] = results.runs
  if (!run) throw new Error('there is no run')
  const broken = { ...results, verdict: 'different' as const, runs: [{ ...run, differences: ['rows turns: 1'] }, run] }
  expect(chaosTable(broken)).toContain(`${results.kills.length} kills; 1 of 2 runs differ from the unbroken one`)
})
