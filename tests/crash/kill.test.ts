/**
 * SIGKILL of anything at any instant, and the run ends with the rows and weights of the unbroken one (DESIGN section 4).
 * Instants are drawn anew each time; the seed is printed, and SPARRING_CRASH_SEED repeats them. Many more kills:
 * `npm run chaos` (docs/durability.md).
 */
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { until } from '../../cli/services/processes.ts'
import { Stream } from '../../shared/random.ts'
import { Arena, type Victim } from '../support/arena.ts'
import type { Fingerprint } from '../support/fingerprint.ts'
import { unbrokenRun } from '../support/run.ts'

const seed = process.env['SPARRING_CRASH_SEED'] || String(Date.now())
const draws = new Stream('crash tests', seed).draws()

let unbroken: Fingerprint
let arena: Arena

beforeAll(async () => {
  console.log(`crash tests: SPARRING_CRASH_SEED=${seed}`)
  unbroken = (await unbrokenRun({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }))
    .print
}, 240_000)

beforeEach(async () => {
  arena = await Arena.open()
})
afterEach(() => arena.close())

/** Kills when so many shards are done, and a random part of one more. */
async function killAt(shards: number, victim: Victim): Promise<void> {
  await arena.untilShards(shards)
  const delay = draws.between(0, 250)
  await new Promise((resolve) => setTimeout(resolve, delay))
  const met = await arena.kill(victim)
  console.log(`crash tests: ${victim} killed ${delay} ms after shard ${shards}${met ? '' : ' (there was none)'}`)
  await arena.restore()
}

test('engine, Temporal and Postgres killed one after the other: the same rows and weights, by the same worker', async () => {
  const all = unbroken.rows['shards'] ?? 0
  const third = Math.floor(all / 3)
  const order: Victim[] = ['engine', 'temporal', 'postgres']
  for (const [index, victim] of order.entries()) {
    await killAt(draws.between(index * third, (index + 1) * third - 5), victim)
  }
  expect(await arena.finish()).toEqual(unbroken)
  expect(arena.restarts).toBe(0)
}, 360_000)

test('worker killed in the midst of a long update: it goes on from the checkpoint inside', async () => {
  // The base model's update stores its state at steps 160, 320 and 480 of 640.
  const reached = draws.between(1, 3)
  expect(await until(async () => (await arena.count('checkpoints')) >= reached, 120_000, 5)).toBe(true)
  await arena.kill('worker')
  const stored = await arena.checkpointFiles()
  const done = await arena.count('shards')
  console.log(`crash tests: worker killed at ${done} shards with ${Object.keys(stored).join(', ')}`)
  await arena.restore()
  expect(await arena.finish()).toEqual(unbroken)
  // Had the update begun anew, it would have stored those states once more, as other files of the same name.
  expect(await arena.checkpointFiles()).toMatchObject(stored)
}, 360_000)

test('everything killed at once: the same rows and weights', async () => {
  await killAt(draws.between(0, (unbroken.rows['shards'] ?? 0) - 5), 'everything')
  expect(await arena.finish()).toEqual(unbroken)
}, 360_000)
