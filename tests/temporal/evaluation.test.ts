/** An evaluation outside of any round: every shard once, several at a time, in histories that stay short. */
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { range } from '../../shared/collections.ts'
import type { EvaluationInput } from '../../shared/contract.ts'
import { evaluationWorkflowId, taskQueue } from '../../shared/ids.ts'
import { evaluationName } from '../../shared/votes.ts'
import { openOnServer, World } from '../support/world.ts'

const suite = 'processbench/0a'
const policy = { role: 'critic', version: 2 }
const voting = { votes: 3, temperature: 0.7 }

let environment: TestWorkflowEnvironment
let world: World
let [most, now] = [0, 0]

beforeAll(async () => {
  environment = await openOnServer(inject('temporalAddress'), 'default')
  world = new World(environment)
  await world.open()
  world.intervene = async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setImmediate(resolve))
    now--
  }
}, 120_000)
afterAll(async () => {
  await world.close()
  await environment.teardown()
})

const labels = (shards: number): string[] => range(0, shards).map((shard) => `evaluate ${suite} critic@2/${shard}`)

test('a large suite is judged in several executions, none of them long', async () => {
  const shards = 253
  await world.client.evaluate({ run: world.run, suite, shards, policy, voting })
  expect(world.labels.toSorted()).toEqual(labels(shards).toSorted())
  const id = evaluationWorkflowId(world.run, evaluationName(suite, voting), policy)
  const last = await environment.client.workflow.getHandle(id).fetchHistory()
  const started = last.events?.[0]?.workflowExecutionStartedEventAttributes
  const first = await environment.client.workflow.getHandle(id, started?.firstExecutionRunId ?? '').fetchHistory()
  expect(first.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId).toBe(
    started?.originalExecutionRunId,
  )
  expect(first.events?.length).toBeLessThan(2000)
  expect(last.events?.length).toBeLessThan(50)
}, 120_000)

test('what an older client asks for is judged as it was: one shard after the other', async () => {
  world.calls.length = 0
  most = 0
  const queuePrefix = world.queuePrefix
  const input: EvaluationInput = { run: world.run, suite, shards: 12, policy, queuePrefix }
  await environment.client.workflow.execute('evaluation', {
    workflowId: evaluationWorkflowId(world.run, suite, policy),
    taskQueue: taskQueue(queuePrefix, 'control'),
    args: [input],
  })
  expect(world.labels).toEqual(labels(12))
  expect(most).toBe(1)
}, 60_000)
