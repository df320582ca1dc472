/** A study of one's own, as a user plays it: a file in a folder of theirs, Ctrl-C, and the same command again. */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase } from '../services/fresh-database.ts'
import { makeTestHome, removeTestHome } from '../services/test-home.ts'
import { begin, root, servedBy, sparring } from './support.ts'

const patience = 240_000
const name = `mine-${randomUUID().slice(0, 8)}`
let home: string
let env: NodeJS.ProcessEnv
let drop: () => Promise<void>
let file: string

const Results = z.object({
  command: z.string(),
  runs: z.array(z.object({ arm: z.string(), seed: z.number(), rounds: z.array(z.unknown()) })),
})
const results = (): z.infer<typeof Results> =>
  Results.parse(JSON.parse(fs.readFileSync(path.join(home, 'own', `${name}.results.json`), 'utf8')))

/** What the repository's own studies write into. */
const ours = (): string[] =>
  ['results', 'docs', 'docs/charts'].flatMap((folder) =>
    fs.readdirSync(path.join(root, folder)).map((entry) => {
      const { mtimeMs } = fs.statSync(path.join(root, folder, entry))
      return `${folder}/${entry} ${mtimeMs}`
    }),
  )

beforeAll(async () => {
  home = makeTestHome()
  const database = await freshDatabase(inject('databaseUrl'))
  drop = database.drop
  env = servedBy({ home, databaseUrl: database.url, queuePrefix: name })
  fs.mkdirSync(path.join(home, 'own'))
  fs.writeFileSync(
    path.join(home, 'own', 'base.yaml'),
    'recipe: spo\ntask: { name: four-answers, preferences: cyclic }\n',
  )
  file = path.join(home, 'own', `${name}.yaml`)
  fs.writeFileSync(
    file,
    `title: A study of one's own
from: base.yaml
run: { rounds: 2 }
arms:
  plain: {}
  with entropy: { reward: { entropy: 0.05 } }
columns: [exploitability_average, entropy]
charts: [{ title: How much it can be exploited, column: exploitability_average }]
`,
  )
}, patience)
afterAll(async () => {
  await drop()
  await removeTestHome(home)
})

test(
  'is stopped behind its first run, and goes on where it was',
  async () => {
    const before = ours()
    const first = begin(['study', file, '--seeds', '2'], env)
    await first.said('run 2 of 4')
    first.child.kill('SIGINT')
    expect((await first.ended).code).toBe(130)
    const stored = results().runs
    expect(stored.length).toBeGreaterThan(0)
    expect(stored.length).toBeLessThan(4)

    const again = await sparring(['study', file, '--seeds', '2'], env)
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toContain(`${stored.length} of 4 runs are in results files`)
    const { command, runs } = results()
    expect(command).toBe(`npx sparring study ${name}.yaml --seeds 2`)
    expect(runs.map(({ arm, seed, rounds }) => [arm, seed, rounds.length])).toEqual([
      ['plain', 1, 3],
      ['with entropy', 1, 3],
      ['plain', 2, 3],
      ['with entropy', 2, 3],
    ])
    expect(runs.slice(0, stored.length)).toEqual(stored)
    const chart = `charts/${name}-exploitability_average-by-rounds.svg`
    expect(again.stdout).toContain(`![How much it can be exploited](${chart})`)
    expect(fs.readFileSync(path.join(home, 'own', chart), 'utf8')).toContain('<svg')
    expect(ours()).toEqual(before)
  },
  patience,
)

test(
  'of which all is stored plays nothing, and makes the same table',
  async () => {
    const [played, table] = [
      await sparring(['study', file, '--seeds', '2'], env),
      await sparring(['study', file, '--table'], env),
    ]
    expect(played.stdout).toMatch(/^4 of 4 runs are in results files$/m)
    expect(played.stdout).not.toContain('run 1 of')
    expect(table.stdout).toContain('| plain | 2 |')
    expect(played.stdout.endsWith(table.stdout)).toBe(true)
  },
  patience,
)
