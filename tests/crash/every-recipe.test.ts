/** A SIGKILL at a random instant of each recipe's small run; kill.test.ts has more of SPC, `npm run chaos` many more. */
import { describe, expect, inject, test } from 'vitest'
import { Stream } from '../../shared/random.ts'
import { Arena, victims } from '../support/arena.ts'
import { playThrough } from '../support/run.ts'
import { otherSmallRuns } from '../support/small-run.ts'

const servers = { temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }
const seed = process.env['SPARRING_CRASH_SEED'] || String(Date.now())

describe.each(Object.entries(otherSmallRuns))('the small run of %s', (name, config) => {
  test('killed twice: the same rows and weights', async () => {
    const draws = new Stream('crash tests', seed, name).draws()
    const unbroken = await playThrough(servers, [1], { config })
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
