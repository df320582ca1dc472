/** Search attributes that a namespace lacks: added where that is allowed, asked for where it is not, and no run that stands still in silence. */
import { Connection } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { until } from '../../cli/services/processes.ts'
import { SparringClient } from '../../client.ts'
import { UserError } from '../../shared/errors.ts'
import {
  ensureSearchAttributes,
  type SearchAttributeRegistry,
  searchAttributes,
} from '../../shared/search-attributes.ts'
import { openPlace } from '../support/run.ts'
import { smallRun } from '../support/small-run.ts'
import { WorkerProcess } from '../support/worker-process.ts'
import { openOnServer, World } from '../support/world.ts'

const command =
  'temporal operator search-attribute create --namespace theirs --name SparringRound --type Int --name SparringScore --type Double'

/** A server that has some of them, and refuses what is named, as Temporal refuses it. */
function registry(refusals: Partial<Record<keyof SearchAttributeRegistry, number>>): SearchAttributeRegistry {
  const refuse = (method: keyof SearchAttributeRegistry): void => {
    const code = refusals[method]
    if (code === undefined) return
    throw Object.assign(new Error(`${code} refused`), { code, details: 'Request unauthorized.', metadata: {} })
  }
  return {
    listSearchAttributes: async () => {
      refuse('listSearchAttributes')
      return { customAttributes: { SparringRecipe: 2, SparringState: 2, Another: 2 } }
    },
    addSearchAttributes: async () => refuse('addSearchAttributes'),
  }
}

describe('a server that refuses', () => {
  test('to add them: the attributes that are missing, and the commands for its operator', async () => {
    const refused = await ensureSearchAttributes(registry({ addSearchAttributes: 7 }), 'theirs').catch(
      (error: unknown) => error,
    )
    expect(refused).toBeInstanceOf(UserError)
    expect(refused).toMatchObject({
      message:
        'The Temporal server lacks the search attributes SparringRound, SparringScore, and adding them failed: Request unauthorized.',
      remedy: expect.stringContaining(command),
    })
    expect(refused).toMatchObject({ remedy: expect.stringContaining('--sa "SparringRound=Int" --sa') })
  })

  test('to list them: the run may go on, and a person is told what it needs', async () => {
    const notice = await ensureSearchAttributes(registry({ listSearchAttributes: 7, addSearchAttributes: 7 }), 'theirs')
    expect(notice).toContain('does not say which search attributes namespace theirs has (Request unauthorized.)')
    for (const [name, type] of Object.entries(searchAttributes))
      expect(notice).toContain(`--name ${name} --type ${type}`)
  })

  test('to list them only: they are added, as the time-skipping server has it', async () => {
    expect(await ensureSearchAttributes(registry({ listSearchAttributes: 12 }), 'theirs')).toBeNull()
  })

  test('as another worker was faster; and an error of another kind stays one', async () => {
    expect(await ensureSearchAttributes(registry({ addSearchAttributes: 6 }), 'theirs')).toBeNull()
    await expect(ensureSearchAttributes(registry({ listSearchAttributes: 14 }), 'theirs')).rejects.toThrow('14 refused')
  })
})

describe('a namespace without them', () => {
  const address = inject('temporalAddress')
  let connection: Connection

  beforeAll(async () => void (connection = await Connection.connect({ address })))
  afterAll(() => connection.close())

  /** Registered, and known to every part of the server. */
  async function namespaceOf(name: string): Promise<string> {
    const namespace = `${name}-${process.pid}`
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    })
    const client = await SparringClient.connect({ address, namespace })
    try {
      const known = async (): Promise<boolean> => {
        try {
          return (await client.openRuns()).length === 0
        } catch {
          return false // not yet
        }
      }
      expect(await until(known, 30_000, 200)).toBe(true)
    } finally {
      await client.close()
    }
    return namespace
  }

  const registered = async (namespace: string): Promise<string[]> =>
    Object.keys((await connection.operatorService.listSearchAttributes({ namespace })).customAttributes).toSorted()

  test('the worker adds them before it works', async () => {
    const namespace = await namespaceOf('lacking')
    expect(await registered(namespace)).toEqual([])
    const place = await openPlace({ temporalAddress: address, databaseUrl: inject('databaseUrl') })
    try {
      const worker = await WorkerProcess.start({ ...place, namespace, engines: 1 })
      expect(await registered(namespace)).toEqual(Object.keys(searchAttributes).toSorted())
      await worker.stop()
    } finally {
      await place.close()
    }
  }, 90_000)

  test('taken from a run under way: its state names the command, and the run goes on when it was followed', async () => {
    const namespace = await namespaceOf('bereft')
    const environment = await openOnServer(address, namespace)
    const world = new World(environment)
    try {
      await world.open()
      await world.client.launch({ name: world.run, config: { ...smallRun, shard: 64 } })
      await world.until(async () => (await world.client.pending(world.run, 0)).retries.length > 0, 'a standstill')
      const [failing] = (await world.client.pending(world.run, 0)).retries
      expect(failing).toMatchObject({
        step: `workflow run/${world.run}`,
        reason: expect.stringMatching(
          /BadSearchAttributes.* temporal operator search-attribute create --namespace bereft/,
        ),
      })
      expect(failing?.attempt).toBeGreaterThan(2)
      await ensureSearchAttributes(connection.operatorService, namespace)
      expect(await world.client.result(world.run)).toMatchObject({ state: 'finished' })
    } finally {
      await world.close()
      await environment.teardown()
    }
  }, 180_000)
})
