/**
 * What a watcher sees of an update under way: the step of its last heartbeat, ahead of the checkpoints that are stored. And that a
 * watcher looks no more once its command ends.
 */
import { expect, inject, test } from 'vitest'
import { watch } from '../../cli/foreground.ts'
import { silent } from '../../cli/live.ts'
import { bringUp } from '../../cli/services/index.ts'
import { until } from '../../cli/services/processes.ts'
import { takeSnapshot } from '../../cli/snapshot.ts'
import { openDatabase } from '../../db/client.ts'
import { readRun } from '../../db/runs.ts'
import { openPlace, runName, withClient } from '../support/run.ts'
import { smallRun } from '../support/small-run.ts'
import { WorkerProcess } from '../support/worker-process.ts'

test('an update shows its step between its checkpoints, too', async () => {
  const place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
  const worker = await WorkerProcess.start(place)
  const opened = await openDatabase(place.databaseUrl)
  const run = runName('pending')
  try {
    await withClient(place, async (client) => {
      const env = { ...process.env, TEMPORAL_ADDRESS: place.temporalAddress, DATABASE_URL: place.databaseUrl }
      const services = await bringUp({ home: place.home, env, what: 'test' })
      const nothing = async (): Promise<void> => undefined
      const closing = new AbortController()
      const session = {
        services,
        database: opened.database,
        client,
        repair: nothing,
        defer: () => undefined,
        closing: closing.signal,
        close: nothing,
      }
      // Some seconds between two checkpoints.
      const base = { ...smallRun.base, batch: 256 }
      await client.launch({ name: run, config: { ...smallRun, base } })
      let step = 0
      const seen = await until(
        async () => {
          const row = await readRun(opened.database, run)
          if (!row) return false
          const phase = (await takeSnapshot(session, row)).phases.find(({ name }) => name === 'update solver')
          step = phase?.steps?.done ?? 0
          expect(phase?.steps?.of ?? base.steps).toBe(base.steps)
          return step % 160 !== 0
        },
        60_000,
        200,
      )
      expect(seen).toBe(true)
      // As many steps as the engine calls so far had, which their time decides.
      expect(step).toBeGreaterThan(0)
      expect(step).toBeLessThan(base.steps)

      await watch(session, run, { ...silent, show: () => closing.abort() })
      expect(await client.execution(run)).toBe('RUNNING')
    })
  } finally {
    await worker.killGroup()
    await opened.close()
    await place.close()
  }
}, 120_000)
