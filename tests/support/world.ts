/**
 * The workflows as they are, with activities that only note that they were called: what is tested with it is the order of
 * events and the control of a run, not what the events do.
 */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { TestWorkflowEnvironment } from '@temporalio/testing'
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker'
import type { Activities } from '../../activities/index.ts'
import { until } from '../../cli/services/processes.ts'
import { SparringClient } from '../../client.ts'
import { taskQueue, type Queue } from '../../shared/ids.ts'
import { ensureSearchAttributes } from '../../shared/search-attributes.ts'
import { runName } from './run.ts'

export const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url))

type Name = keyof Activities
type Input<Of extends Name> = Parameters<Activities[Of]>[0]
/** A call that an activity received. */
export interface Call {
  name: Name
  /** For example `play presolve/0`, `update solver`, `openRound 1`. */
  label: string
}

let bundle: Promise<WorkflowBundleWithSourceMap> | null = null

/** The time-skipping server with the workflows on it. */
export async function openEnvironment(program: string): Promise<TestWorkflowEnvironment> {
  await prepareWorkflows()
  const environment = await startSkipping(program, 6)
  // As every server, this one refuses attributes that it does not know.
  await ensureSearchAttributes(environment.connection.operatorService, environment.namespace ?? 'default')
  return environment
}

/** The SDK gives the server five seconds to start, which on a busy machine the Java program may need more than once. */
async function startSkipping(program: string, tries: number): Promise<TestWorkflowEnvironment> {
  try {
    return await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: program } },
    })
  } catch (error) {
    if (tries === 1) throw error
    return startSkipping(program, tries - 1)
  }
}

/** The real server with the workflows on it, in a namespace that knows our search attributes or does not. */
export async function openOnServer(address: string, namespace: string): Promise<TestWorkflowEnvironment> {
  await prepareWorkflows()
  return TestWorkflowEnvironment.createFromExistingServer({ address, namespace })
}

async function prepareWorkflows(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  bundle ??= bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })
  await bundle
}

export class World {
  readonly run = runName('control')
  readonly calls: Call[] = []
  readonly opened: Input<'openRound'>[] = []
  readonly orders: Input<'recordControl'>[] = []
  readonly closed: string[] = []
  /** Runs inside every activity, before it returns. */
  intervene: (call: Call) => Promise<void> | void = () => undefined
  readonly queuePrefix = randomUUID()
  readonly #environment: TestWorkflowEnvironment
  #client: SparringClient | null = null
  #workers: Worker[] = []
  #running: Promise<void>[] = []
  readonly #gates = new Map<string, () => void>()

  constructor(environment: TestWorkflowEnvironment) {
    this.#environment = environment
  }

  get client(): SparringClient {
    if (!this.#client) throw new Error('the world is not open')
    return this.#client
  }

  async open(): Promise<void> {
    const { nativeConnection: connection, namespace = 'default' } = this.#environment
    const activities = this.#activities()
    const workflowBundle = await bundle
    if (!workflowBundle) throw new Error('openEnvironment comes first')
    const queue = (name: Queue) => taskQueue(this.queuePrefix, name)
    this.#workers = await Promise.all([
      Worker.create({ connection, namespace, activities, workflowBundle, taskQueue: queue('control') }),
      Worker.create({ connection, namespace, activities, taskQueue: queue('infer') }),
      Worker.create({ connection, namespace, activities, taskQueue: queue('train') }),
    ])
    this.#running = this.#workers.map((worker) => worker.run())
    this.#client = await SparringClient.connect({
      address: this.#environment.address,
      namespace,
      queuePrefix: this.queuePrefix,
    })
  }

  async close(): Promise<void> {
    for (const release of this.#gates.values()) release()
    for (const worker of this.#workers) worker.shutdown()
    await Promise.all(this.#running)
    await this.#client?.close()
  }

  get labels(): string[] {
    return this.calls.map(({ label }) => label)
  }

  /** Activities of this label wait until `release`. */
  hold(label: string): { release: () => void; reached: () => Promise<void> } {
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    this.#gates.set(label, release)
    const before = this.intervene
    this.intervene = async (call) => {
      await before(call)
      if (call.label === label) await gate
    }
    return { release, reached: () => this.until(() => this.labels.includes(label), label) }
  }

  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    if (await until(condition, 30_000, 20)) return
    throw new Error(`not within 30 s: ${what}. So far: ${this.labels.join(', ')}`)
  }

  #activities(): Activities {
    const note = async (name: Name, what: string): Promise<void> => {
      const call = { name, label: `${name} ${what}` }
      this.calls.push(call)
      await this.intervene(call)
    }
    return {
      play: ({ phase, shard }) => note('play', `${phase}/${shard}`),
      evaluate: ({ suite, policy, shard }) => note('evaluate', `${suite} ${policy.role}@${policy.version}/${shard}`),
      update: ({ role, version }) => note('update', `${role}@${version}`),
      adoptModel: ({ run }) => note('adoptModel', run),
      importFiles: ({ run }) => note('importFiles', run),
      adoptRounds: async ({ branch }) => {
        await note('adoptRounds', `${branch.run}@${branch.round}`)
        return Array.from({ length: branch.round + 1 }, (_, round) => round / 10)
      },
      openRound: async (input) => {
        this.opened.push(input)
        await note('openRound', String(input.round))
      },
      closeRound: async ({ round }) => {
        await note('closeRound', String(round))
        return { score: round / 10, numbers: {} }
      },
      closeRun: async ({ state }) => {
        this.closed.push(state)
        await note('closeRun', state)
      },
      recordControl: async (input) => {
        this.orders.push(input)
        await note('recordControl', input.kind)
      },
      report: ({ run }) => note('report', run),
    }
  }
}
