/**
 * Plays a small run, steered on the way, and stores its Temporal histories in tests/temporal/histories. The replay test
 * compares every later version of the workflows with them. Run it again when workflows were changed on purpose:
 *
 *   npx tsx scripts/store-history.ts
 *
 * Runs that are under way somewhere break where the replay test breaks: after a release, branch with `patched` instead.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { bringUp } from '../cli/services/index.ts'
import { freePort } from '../cli/services/ports.ts'
import { embeddedEnv, makeTestHome, removeTestHome } from '../tests/services/test-home.ts'
import { fetchHistories, storable } from '../tests/support/histories.ts'
import { playThrough, query, withClient } from '../tests/support/run.ts'
import { until } from '../cli/services/processes.ts'

const folder = fileURLToPath(new URL('../tests/temporal/histories', import.meta.url))
const run = 'stored'
/** The stored run stops after its second round of three. */
const rounds = 1

const home = makeTestHome()
try {
  const ports: number[] = []
  while (ports.length < 3) ports.push(await freePort(ports))
  const [temporal, ui, postgres] = ports.map(String)
  const env = embeddedEnv({ SPARRING_TEMPORAL_PORT: temporal, SPARRING_UI_PORT: ui, SPARRING_POSTGRES_PORT: postgres })
  const services = await bringUp({ home, env, what: 'store-history', onProgress: console.log })
  await playThrough(services, [2], {
    run,
    meddle: async (place) => {
      const reach = async (shards: number): Promise<void> => {
        const sql = 'select count(*) from shards'
        const reached = await until(async () => {
          const [row] = await query<{ count: string }>(place.databaseUrl, sql)
          return Number(row?.count) >= shards
        }, 120_000)
        if (!reached) throw new Error(`the run did not reach ${shards} shards`)
      }
      await withClient(place, async (client) => {
        await reach(3)
        console.log(await client.pause(run))
        console.log(await client.resume(run))
        await reach(30)
        console.log(await client.set(run, { field: 'play.temperature', value: 0.9 }))
        await reach(34)
        console.log(await client.stop(run))
      })
    },
  })
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(folder, { recursive: true })
  for (const { name, history } of await fetchHistories(services.temporalAddress, run, rounds)) {
    fs.writeFileSync(path.join(folder, `${name}.json`), storable(history))
    console.log(`${name}: ${history.events?.length} events`)
  }
} finally {
  await removeTestHome(home)
}
