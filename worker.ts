/**
 * The worker: polls Temporal for steps and computes them. Start as many as you like, on as many machines as share the
 * database and the artefact folder; their number changes no result.
 *
 *   TEMPORAL_ADDRESS=… DATABASE_URL=… npx tsx worker.ts
 */
import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { createActivities } from './activities/index.ts'
import { EnginePool } from './activities/dependencies.ts'
import { openDatabase } from './db/client.ts'
import { EngineProcess } from './engine/index.ts'
import { messageOf, UserError } from './shared/errors.ts'
import { defaultQueuePrefix, taskQueue } from './shared/ids.ts'
import { ensureSearchAttributes } from './shared/search-attributes.ts'

export interface WorkerOptions {
  databaseUrl: string
  /** Folder for weights and reports. */
  home: string
  queuePrefix?: string
  /** Engine processes: one per core by default. */
  engines?: number
}

export interface RunningWorker {
  /** Resolves when the worker has stopped; rejects when it failed. */
  finished: Promise<void>
  /** Lets go of the shards under way (others, or the next worker, compute them again) and stops. */
  stop(): void
}

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { databaseUrl, home, queuePrefix = defaultQueuePrefix, engines = availableParallelism() } = options
  const { connectionOptions, namespace } = loadClientConnectConfig()
  const connection = await NativeConnection.connect(connectionOptions)
  const lacking = await connection.withDeadline(Date.now() + 10_000, () =>
    ensureSearchAttributes(connection.operatorService, namespace || 'default'),
  )
  if (lacking !== null) console.warn(`worker: ${lacking}`)
  const { database, close } = await openDatabase(databaseUrl)
  const pool = new EnginePool(engines, (device) => new EngineProcess({ device }))
  const activities = createActivities({
    database,
    engines: pool,
    worker: `${hostname()}/${process.pid}`,
    artefacts: join(home, 'artefacts'),
    reports: join(home, 'reports'),
  })
  const common = {
    connection,
    namespace: namespace || 'default',
    // Heartbeats say how far an update is: the SDK would hold most of them back.
    maxHeartbeatThrottleInterval: '2s',
    shutdownGraceTime: 0,
    shutdownForceTime: '10s',
  } as const
  const workers = await Promise.all([
    Worker.create({
      ...common,
      activities,
      taskQueue: taskQueue(queuePrefix, 'control'),
      workflowsPath: fileURLToPath(new URL('workflows/index.ts', import.meta.url)),
    }),
    ...(['infer', 'train'] as const).map((queue) =>
      Worker.create({
        ...common,
        activities,
        taskQueue: taskQueue(queuePrefix, queue),
        maxConcurrentActivityTaskExecutions: engines,
      }),
    ),
  ])
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  }
  const finished = (async () => {
    // When one fails the others stop too, and everything is closed before the failure is told.
    const ended = await Promise.allSettled(
      workers.map((worker) =>
        worker.run().catch((error: unknown) => {
          stop()
          throw error
        }),
      ),
    )
    await pool.close()
    await close()
    await connection.close()
    for (const end of ended) if (end.status === 'rejected') throw end.reason
  })()
  return { finished, stop }
}

function fromEnvironment(): WorkerOptions {
  const databaseUrl = process.env['DATABASE_URL']
  if (!databaseUrl) {
    throw new UserError('DATABASE_URL is not set', 'use `sparring worker`, which finds the services of this project')
  }
  return {
    databaseUrl,
    home: resolve(process.env['SPARRING_HOME'] ?? '.sparring'),
    queuePrefix: process.env['SPARRING_QUEUE_PREFIX'] ?? defaultQueuePrefix,
    engines: Number(process.env['SPARRING_ENGINES'] ?? availableParallelism()),
  }
}

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] })
  const worker = await startWorker(fromEnvironment())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => worker.stop())
  whenParentIsGone(() => {
    console.error('worker: the process that started this worker is gone; stopping')
    worker.stop()
  })
  // A parent that is gone by now is told nothing, and misses nothing.
  if (process.connected) process.send?.('ready', undefined, {}, () => undefined)
  await worker.finished
}

/** Started by `sparring`: when that process is gone, perhaps before this one was ready, nobody is left to stop this one. */
function whenParentIsGone(stop: () => void): void {
  if (!process.send) return
  if (process.connected) process.once('disconnect', stop)
  else stop()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(`worker: ${messageOf(error)}${error instanceof UserError ? ` — ${error.remedy}` : ''}`)
      process.exit(1)
    },
  )
}
