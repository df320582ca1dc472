/** What Temporal keeps of a run: small, without texts, and still understood by the workflows of today (DESIGN section 4, rules 6 and 9). */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parseConfig } from '../../recipes/registry.ts'
import { roundWorkflowId, runWorkflowId } from '../../shared/ids.ts'
import { planRound } from '../../workflows/plan.ts'
import { fetchHistories, payloadsOf, type StoredHistory } from '../support/histories.ts'
import { unbrokenRun } from '../support/run.ts'
import { smallRun } from '../support/small-run.ts'
import { workflowsPath } from '../support/world.ts'

const MOST_EVENTS = 2000
const LARGEST_PAYLOAD = 8192

describe('the histories of the small run', () => {
  let histories: StoredHistory[]

  beforeAll(async () => {
    const servers = { temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }
    const { run } = await unbrokenRun(servers)
    histories = await fetchHistories(servers.temporalAddress, run, smallRun.rounds)
  }, 240_000)

  test('are short: a child for each round, the run continued as new between them', () => {
    expect(histories.map(({ name }) => name).toSorted()).toEqual([
      'round-0',
      'round-1',
      'round-2',
      'run-0',
      'run-1',
      'run-2',
    ])
    for (const { name, history } of histories) {
      expect(history.events?.length, name).toBeGreaterThan(10)
      expect(history.events?.length, name).toBeLessThan(MOST_EVENTS)
    }
    console.log(histories.map(({ name, history }) => `${name}: ${history.events?.length} events`).join(', '))
  })

  test('hold ids and small numbers, no text of any game', () => {
    const payloads = histories.flatMap(({ history }) => payloadsOf(history))
    expect(payloads.length).toBeGreaterThan(100)
    for (const { event, bytes, text } of payloads) {
      expect(bytes, `event ${event}: ${text.slice(0, 100)}`).toBeLessThan(LARGEST_PAYLOAD)
      // Every step of every solution, right or wrong, is an equation.
      expect(text, `event ${event}`).not.toMatch(/\d+ *[-+*] *\d+ *= *\d+/)
    }
  })
})

test('the default run stays below the bound, too', async () => {
  const { config } = parseConfig({ recipe: 'spc' }, 'the default')
  for (let round = 0; round <= config.rounds; round++) {
    const shards = (await planRound(config, round)).reduce((sum, phase) => sum + phase.shards, 0)
    // Three events for each activity, and at most three more for the workflow task that each one's end wakes up.
    expect(shards * 6 + 50, `round ${round}`).toBeLessThan(MOST_EVENTS)
  }
})

describe('replay', () => {
  const folder = fileURLToPath(new URL('histories', import.meta.url))
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.json'))

  test('there are stored histories of rounds, of executions that went on and of one that was steered', () => {
    expect(files.toSorted()).toEqual(['round-0.json', 'round-1.json', 'run-0.json', 'run-1.json'])
    const text = files.map((file) => fs.readFileSync(path.join(folder, file), 'utf8')).join('')
    for (const part of ['EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED', 'CONTINUED_AS_NEW', 'SIGNALED']) {
      expect(text).toContain(part)
    }
  })

  test('the workflows do what they did in every stored history', async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') })
    const histories = files.map((file) => ({
      workflowId: file.startsWith('run')
        ? runWorkflowId('stored')
        : roundWorkflowId('stored', Number(/\d+/.exec(file)?.[0])),
      history: historyFromJSON(JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'))),
    }))
    const replayed: string[] = []
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowsPath }, histories)) {
      if (error) throw error
      replayed.push(workflowId)
    }
    expect(replayed).toHaveLength(files.length)
  }, 120_000)
})
