/** A benchmark of first errors, judged by a model: a step is asked about only behind steps that were called right; votes are about all. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openDatabase, type OpenDatabase } from '../../db/client.ts'
import { readEvaluation } from '../../db/evaluations.ts'
import { openRound, registerRun } from '../../db/runs.ts'
import { importSet } from '../../db/shards.ts'
import { recipeOf } from '../../recipes/registry.ts'
import { evaluationName, type Voting } from '../../shared/votes.ts'
import { DirectWorker, smallConfig } from '../support/activities.ts'
import { openPlace } from '../support/run.ts'
import { otherSmallRuns } from '../support/small-run.ts'

const run = 'words'
const config = smallConfig(otherSmallRuns['spc-text'])
const policy = { role: 'base', version: 0 }
/** Eleven steps in three solutions; a shard of eight ends within the third. */
const text = [4, 3, 4]
  .map((steps, index) => ({
    problem: 'What is 1 + 1?',
    steps: Array.from({ length: steps }, () => '1 + 1 = 2'),
    index,
  }))
  .map(({ problem, steps, index }) => JSON.stringify({ id: `gsm8k-${index}`, problem, steps, label: -1 }))
  .join('\n')

let place: Awaited<ReturnType<typeof openPlace>>
let open: OpenDatabase
let worker: DirectWorker
beforeAll(async () => {
  place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
  open = await openDatabase(place.databaseUrl)
  worker = new DirectWorker(place, open)
  await registerRun(open.database, { name: run, config, provenance: {} })
  await openRound(open.database, run, 0, config)
  await worker.attempt(({ adoptModel }) => adoptModel({ run }))
})
afterAll(async () => {
  await worker.close()
  await open.close()
  await place.close()
})

async function judged(name: string, voting?: Voting): Promise<{ item: number; verdict: string | null }[]> {
  const suite = `${name}/0a`
  const { importers } = recipeOf('spc-text')
  await importSet(open.database, run, suite, importers[name]!.read(config, text, 'the lines'))
  for (const shard of [0, 1]) {
    const input = { run, round: 0, suite, shard, policy, ...(voting ? { voting } : {}) }
    await worker.attempt(({ evaluate }) => evaluate(input))
  }
  return readEvaluation(open.database, { run, evaluation: evaluationName(suite, voting), policy }, 99)
}
const itemsOf = (rows: { item: number }[]): number[] => rows.map(({ item }) => item)
const everyItem = Array.from({ length: 11 }, (_, item) => item)

test('every step that is asked about is the first of its shard or stands behind a right one', async () => {
  const rows = await judged('processbench')
  const right = new Set(rows.flatMap(({ item, verdict }) => (verdict === 'Correct' ? [item] : [])))
  expect(itemsOf(rows)).toEqual(everyItem.filter((item) => [0, 4, 7, 8].includes(item) || right.has(item - 1)))
  expect(rows.length).toBeLessThan(everyItem.length)
})

test("with votes, and of a user's own solutions, every step is asked about", async () => {
  expect(itemsOf(await judged('processbench', { votes: 2, temperature: 1 }))).toEqual(everyItem)
  expect(itemsOf(await judged('critique'))).toEqual(everyItem)
})
