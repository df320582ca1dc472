/** Same plan, same bytes, whatever the recipe: the frame keeps the promise, not the algorithm. same-bytes.test.ts has more of SPC. */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { until } from '../../cli/services/processes.ts'
import { planRound } from '../../client.ts'
import { parseConfig, recipeNames } from '../../recipes/registry.ts'
import { Stream } from '../../shared/random.ts'
import { Arena, victims } from '../support/arena.ts'
import type { Fingerprint } from '../support/fingerprint.ts'
import { playThrough, query, withClient } from '../support/run.ts'
import { otherSmallRuns, smallRun } from '../support/small-run.ts'

const seed = process.env['SPARRING_CRASH_SEED'] || String(Date.now())
const servers = { temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }

test('every registered recipe has a small run: add one to tests/support/small-run.ts', () => {
  const played = new Set([smallRun.recipe, ...Object.values(otherSmallRuns).map(({ recipe }) => recipe)])
  expect([...played].toSorted()).toEqual(recipeNames.toSorted())
})

describe.each(Object.entries(otherSmallRuns))('the small run of %s', (name, config) => {
  let unbroken: Fingerprint
  beforeAll(async () => {
    unbroken = await playThrough(servers, [1], { config })
  }, 180_000)

  test('has games and, where anybody learns, updates with checkpoints inside them', async () => {
    const plan = await planRound(parseConfig(config, 'the small run').config, 0)
    const learns = plan.some(({ update }) => update && update.steps !== 0)
    const learned = learns ? ['metrics', 'checkpoints'] : []
    for (const table of ['shards', 'items', 'episodes', 'turns', 'policies', ...learned]) {
      expect(unbroken.rows[table], table).toBeGreaterThan(0)
    }
  })

  test('two workers, of one engine and of two, paused and resumed, and steered to what cannot be: the same rows and weights', async () => {
    const paused = await playThrough(servers, [1, 2], {
      config,
      meddle: async ({ databaseUrl, ...place }, run) => {
        const shards = async (): Promise<number> =>
          Number(
            (await query<{ count: string }>(databaseUrl, 'select count(*) from shards where run = $1', [run]))[0]
              ?.count,
          )
        expect(await until(async () => (await shards()) >= 4, 90_000)).toBe(true)
        await withClient({ databaseUrl, ...place }, async (client) => {
          await client.pause(run)
          await expect(client.set(run, { field: 'seed', value: 8 })).rejects.toThrow(/seed/)
          await client.resume(run)
        })
      },
    })
    expect(paused).toEqual(unbroken)
  }, 180_000)

  // The crash tier's share of every recipe; tests/crash/kill.test.ts has more of SPC, `npm run chaos` many more.
  test('killed twice at random instants: the same rows and weights', async () => {
    const draws = new Stream('crash tests', seed, name).draws()
    const all = unbroken.rows['shards'] ?? 0
    const arena = await Arena.open(config)
    try {
      for (const part of [0, 1]) {
        const [victim, shards] = [draws.pick(victims), Math.floor(((part + draws.uniform()) * (all - 4)) / 2)]
        await arena.untilShards(shards)
        const met = await arena.kill(victim)
        console.log(
          `crash tests: ${name}: SPARRING_CRASH_SEED=${seed}, ${victim} killed after shard ${shards}${met ? '' : ' (there was none)'}`,
        )
        await arena.restore()
      }
      expect(await arena.finish()).toEqual(unbroken)
    } finally {
      await arena.close()
    }
  }, 360_000)
})
