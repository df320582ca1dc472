/** The worked example of docs/recipes.md, as a reader follows it: two files, two lines in the registries, and it runs. */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase } from '../services/fresh-database.ts'
import { makeTestHome, removeTestHome } from '../services/test-home.ts'
import { root, servedBy, sparring } from './support.ts'

const patience = 240_000
const run = `best-of-k-${randomUUID().slice(0, 8)}`
let copy: string
let home: string
let env: NodeJS.ProcessEnv
let drop: () => Promise<void>

/** What the page tells to add to a registry: the lines of its diff that begin with +. */
function follow(page: string, file: string): void {
  const diff = new RegExp(`\`\`\`diff\\n--- ${file}\\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? ''
  const lines = diff.trimEnd().split('\n')
  let text = fs.readFileSync(path.join(copy, file), 'utf8')
  expect(lines.filter((line) => line.startsWith('+'))).not.toHaveLength(0)
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('+')) continue
    const before = `${(lines[index - 1] ?? '').slice(1)}\n`
    expect(text, `${file} has no line ${before}`).toContain(before)
    text = text.replace(before, `${before}${line.slice(1)}\n`)
  }
  fs.writeFileSync(path.join(copy, file), text)
}

beforeAll(async () => {
  copy = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-recipe-'))
  const left = new Set(['node_modules', '.git', '.sparring'].map((name) => path.join(root, name)))
  fs.cpSync(root, copy, { recursive: true, filter: (file) => !left.has(file) })
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  home = makeTestHome()
  const database = await freshDatabase(inject('databaseUrl'))
  drop = database.drop
  env = servedBy({ home, databaseUrl: database.url, queuePrefix: run })
}, patience)
afterAll(async () => {
  await drop()
  await removeTestHome(home)
  fs.rmSync(copy, { recursive: true })
})

test(
  'compiles, runs, and its policy beats the one it began with',
  async () => {
    const page = fs.readFileSync(path.join(root, 'docs', 'recipes.md'), 'utf8')
    follow(page, 'recipes/registry.ts')
    follow(page, 'workflows/registry.ts')
    const compiler = path.join(root, 'node_modules', '.bin', 'tsc')
    expect(spawnSync(compiler, ['--noEmit', '-p', copy], { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' })

    const file = path.join(copy, 'best-of-k.yaml')
    fs.writeFileSync(file, 'recipe: best-of-k\nrounds: 2\nplay: { prompts: 128 }\n')
    const played = await sparring(['run', file, '--name', run], env, copy)
    expect(played).toMatchObject({ code: 0, stderr: '' })

    const { stdout } = await sparring(['status', run, '--json'], env, copy)
    const status = z
      .object({ per_round: z.array(z.object({ score: z.number().nullable() })) })
      .parse(JSON.parse(stdout))
    const [first, , last] = status.per_round.map(({ score }) => score ?? 0)
    expect(first).toBeCloseTo(0.5) // against itself
    expect(last).toBeGreaterThan(0.55)
  },
  patience,
)
