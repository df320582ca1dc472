/** A published model and the files of a run file, taken into the run once. */
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { readPolicy } from '../../db/policies.ts'
import { readItems } from '../../db/shards.ts'
import { readSettings } from '../../activities/settings.ts'
import { ADOPTED } from '../../shared/models.ts'
import { DirectWorker, smallConfig } from '../support/activities.ts'
import { artefactsOf, openPlace } from '../support/run.ts'
import { otherSmallRuns } from '../support/small-run.ts'

const servers = { temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }
const given = { ...otherSmallRuns['spc-text'] }
const model = { from: '', context: 0, ...(given['model'] as object) }

let place: Awaited<ReturnType<typeof openPlace>>
let opened: OpenDatabase
let worker: DirectWorker
beforeAll(async () => {
  place = await openPlace(servers)
  opened = await openDatabase(place.databaseUrl)
  worker = new DirectWorker(place, opened)
})
afterAll(async () => {
  await worker.close()
  await opened.close()
  await place.close()
})

/** A run whose first round is open. */
async function begin(run: string, change: object = {}): Promise<{ run: string }> {
  const config = smallConfig({ ...given, ...change })
  await worker.attempt(({ openRound }) => openRound({ run, recipe: 'spc-text', round: 0, config, state: 'running' }))
  return { run }
}

/** The model's folder with another config.json or tokenizer. */
function copyOf(name: string, meddle: (folder: string) => void): string {
  const folder = path.join(place.home, name)
  fs.cpSync(model.from, folder, { recursive: true })
  meddle(folder)
  return folder
}

test('the run has all that it needs of the model, and looks at its folder no more', async () => {
  const folder = copyOf('published', () => undefined)
  const run = await begin('adopted', { model: { ...model, from: folder } })
  await worker.attempt(({ adoptModel }) => adoptModel(run))
  fs.rmSync(folder, { recursive: true })
  await worker.attempt(({ adoptModel }) => adoptModel(run))

  const { sha256, lesson } = await readPolicy(opened.database, run.run, ADOPTED)
  expect(lesson).toMatchObject({ source: folder, model: { width: 64, layers: 2, context: model.context } })
  const stored = { database: opened.database, artefacts: artefactsOf(place) }
  const { texts, model: form, lora } = await readSettings(stored, run.run, 0)
  expect(lora).toMatchObject({ rank: 4, base: { sha256 } })
  expect(texts.size).toBe(form.vocabulary)
  const said = texts.completion('The answer is 7.␃')
  expect(said.at(-1)).toBe(texts.stopTokens[0])
  expect(texts.decode(said)).toBe('The answer is 7.␃')
  expect(texts.decode(texts.completion('The answer'))).toBe('The answer')
})

test.each([
  ['a longer context than the model has', { context: 100_000 }, /model\.context: .* reads 640 tokens, not 100000/],
  ['a folder that is not there', { from: '/nowhere' }, /\/nowhere/],
])('%s is refused for good', async (what, change, message) => {
  const run = await begin(`refused ${what}`.replaceAll(' ', '-'), { model: { ...model, ...change } })
  await expect(worker.attempt(({ adoptModel }) => adoptModel(run))).rejects.toMatchObject({
    message: expect.stringMatching(message),
    nonRetryable: true,
  })
})

test('a tokenizer with more tokens than the weights know is refused for good', async () => {
  const folder = copyOf('other-tokenizer', (copy) => {
    const file = path.join(copy, 'tokenizer.json')
    const tokenizer = JSON.parse(fs.readFileSync(file, 'utf8'))
    tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: 2000, content: '<|more|>' })
    fs.writeFileSync(file, JSON.stringify(tokenizer))
  })
  const run = await begin('other-tokenizer', { model: { ...model, from: folder } })
  await expect(worker.attempt(({ adoptModel }) => adoptModel(run))).rejects.toMatchObject({
    message: expect.stringMatching(/tokenizer has 2001 tokens, its weights know \d+/),
    nonRetryable: true,
  })
})

test('files become item sets of round 0, and what was read stands beside them', async () => {
  const [gsm8k] = given['problems'] as { file: string }[]
  const mawps = path.join(place.home, 'mawps.jsonl')
  const asked = [
    'Bob has 3 cups and buys 4 more. How many has he?',
    'Half of his 14 cups are broken. How many are whole?',
  ]
  fs.writeFileSync(mawps, asked.map((input) => JSON.stringify({ input, target: 7 })).join('\n'))
  const run = await begin('files', { problems: [gsm8k, { file: mawps, form: 'mawps' }] })
  await worker.attempt(({ importFiles }) => importFiles(run))
  await worker.attempt(({ importFiles }) => importFiles(run))
  const items = await readItems(opened.database, { ...run, rounds: [0], sets: ['files', 'word problems'] })
  const [about, other, first] = items
  expect(about?.data).toMatchObject({ set: 'word problems', lines: items.length - 4 })
  expect(about?.data['sha256']).toMatch(/^[0-9a-f]{64}$/)
  expect(other?.data).toMatchObject({ set: 'word problems', file: mawps, lines: 2 })
  expect(first?.data).toMatchObject({ steps: expect.any(Array), answer: expect.any(String) })
  expect(items.at(-2)?.data).toMatchObject({ steps: ['3 + 4 = 7'], answer: '7' })
  expect(items.at(-1)?.data).toMatchObject({ steps: [], answer: '7' })

  const missing = await begin('no-files', { problems: [{ file: '/nowhere.jsonl' }] })
  await expect(worker.attempt(({ importFiles }) => importFiles(missing))).rejects.toMatchObject({
    message: expect.stringMatching(/problems\.0\.file: \/nowhere\.jsonl cannot be read/),
    nonRetryable: true,
  })
})
