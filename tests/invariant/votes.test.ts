/** Votes on an evaluation's lines: stored vote by vote, apart from greedy answers, and the same whenever they are sampled. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { plainJson } from '../../client.ts'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { readEvaluation, readEvaluations } from '../../db/evaluations.ts'
import { countShards, importSet } from '../../db/shards.ts'
import { parseConfig } from '../../recipes/registry.ts'
import type { EvaluationRow } from '../../shared/recipe.ts'
import { countVotes, evaluationName, type Voting } from '../../shared/votes.ts'
import { DirectWorker } from '../support/activities.ts'
import { openPlace, query } from '../support/run.ts'
import { smallRun } from '../support/small-run.ts'

const run = 'votes'
const suite = 'critique/0a'
const policy = { role: 'critic', version: 0 }
const voting: Voting = { votes: 4, temperature: 1 }
/** Sums of two numbers below ten, every second one wrong. */
const text = Array.from({ length: 20 }, (_, item) => {
  const [one, other] = [item % 7, item % 9]
  return `${one}+${other}:${one}+${other}=${one + other + (item % 2)}`
}).join('\n')
/** Enough training for verdicts that can be read, and little enough for some doubt. */
const { recipe, config } = parseConfig(
  {
    ...smallRun,
    base: { ...smallRun.base, steps: 160 },
    supervised: { ...smallRun.supervised, critic: { steps: 60, batch: 32, learningRate: 3e-3 } },
  },
  'the run',
)

let place: Awaited<ReturnType<typeof openPlace>>
let opened: OpenDatabase
let worker: DirectWorker

beforeAll(async () => {
  place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
  opened = await openDatabase(place.databaseUrl)
  worker = new DirectWorker(place, opened)
  const round = { run, recipe: recipe.name, config: plainJson(config), state: 'running', round: 0 } as const
  await worker.attempt(({ openRound }) => openRound(round))
  await worker.attempt(({ update }) => update({ run, round: 0, role: 'solver', version: 0, course: 'base' }))
  await worker.attempt(({ update }) => update({ run, round: 0, ...policy, course: 'supervise critic' }))
  await importSet(opened.database, run, suite, recipe.importers['critique']!.read(config, text, 'the lines'))
}, 120_000)
afterAll(async () => {
  await worker.close()
  await opened.close()
  await place.close()
})

async function judged(asked?: Voting): Promise<EvaluationRow[]> {
  for (const shard of [0, 1]) {
    const input = { run, round: 0, suite, shard, policy, ...(asked ? { voting: asked } : {}) }
    await worker.attempt(({ evaluate }) => evaluate(input))
  }
  return readEvaluation(opened.database, { run, evaluation: evaluationName(suite, asked), policy }, 20)
}

test('votes are kept one by one with their majority, beside the greedy answers, and are repeatable', async () => {
  const { database } = opened
  const greedy = await judged()
  expect(greedy.map(({ item, share, votes }) => [item, share, votes])).toEqual(
    Array.from({ length: 20 }, (_, item) => [item, null, null]),
  )
  const voted = await judged(voting)
  expect(voted.map(({ item, label }) => [item, label])).toEqual(greedy.map(({ item, label }) => [item, label]))
  for (const { votes, verdict, share, text: said } of voted) {
    expect(votes).toHaveLength(4)
    expect({ verdict, share, text: said }).toEqual(countVotes(votes ?? []))
  }
  // Sampled indeed, and readable: on some line the votes do not agree.
  expect(voted.filter(({ votes }) => new Set(votes?.map(({ text: one }) => one)).size > 1).length).toBeGreaterThan(0)
  expect(voted.filter(({ verdict }) => verdict !== null).length).toBeGreaterThan(10)

  expect(await judged()).toEqual(greedy)
  expect(await judged(voting)).toEqual(voted)
  await query(place.databaseUrl, `delete from evaluations where suite like '%?votes=%'`)
  await query(place.databaseUrl, `delete from shards where phase like '%?votes=%'`)
  expect(await judged(voting)).toEqual(voted)

  // Another temperature is another evaluation.
  const cold = await judged({ votes: 4, temperature: 0.25 })
  expect(cold).not.toEqual(voted)
  expect(new Set((await readEvaluations(database, run)).map((row) => row.suite))).toEqual(
    new Set([suite, `${suite}?votes=4&temperature=1`, `${suite}?votes=4&temperature=0.25`]),
  )
  const evaluation = evaluationName(suite, voting)
  const phase = `evaluate ${evaluation} critic@0`
  expect(await countShards(database, { run, phase }, 1)).toBe(1)
  expect(await countShards(database, { run, phase }, 9)).toBe(2)
}, 60_000)
