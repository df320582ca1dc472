/**
 * Sparring from a script: launch a run, look at it, steer it.
 *
 *   const client = await SparringClient.connect()
 *   await client.launch({ name: 'mine', config: { recipe: 'spc', rounds: 2 } })
 *   console.log(await client.status('mine'))
 */
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { z } from 'zod'
import { parseConfig } from './recipes/registry.ts'
import {
  type Branch,
  type EvaluationInput,
  messages,
  type RoundProgress,
  type RunStatus,
  type SetField,
  type TrainingInput,
  type TrainingResult,
} from './shared/contract.ts'
import { messageOf, UserError } from './shared/errors.ts'
import {
  defaultQueuePrefix,
  evaluationWorkflowId,
  policyName,
  roundWorkflowId,
  runNamePattern,
  runWorkflowId,
  taskQueue,
} from './shared/ids.ts'
import type { BaseConfig, Data } from './shared/recipe.ts'
import { searchAttributeCommands } from './shared/search-attributes.ts'
import { evaluationName } from './shared/votes.ts'

export { planRound, type PlannedPhase } from './workflows/plan.ts'
export { parseConfig } from './recipes/registry.ts'

export interface LaunchOptions {
  name: string
  /** A run's configuration as it stands in a YAML file; checked here, before anything starts. */
  config: unknown
  /** Where the configuration came from, for error messages. */
  source?: string
  /** Rounds that are finished already: a stopped or failed run goes on behind them. */
  finished?: { scores: (number | null)[] }
  /** Fields that were set while the round to go on with was played: they hold from the next one on. */
  changes?: SetField[]
  /** Begin behind a finished round of another run instead of at round 0. */
  branch?: Branch
}

/** A step that failed, will be tried again, and why it failed. */
export interface Retry {
  step: string
  attempt: number
  reason: string
}

/** How far an update (the training of one policy) is, as its last heartbeat says. */
export type UpdateStep = z.infer<typeof updateStep>
const updateStep = z.object({
  role: z.string(),
  version: z.number(),
  step: z.number(),
  steps: z.number(),
  /** What a step took so far; null before the first. */
  secondsPerStep: z.number().nullable(),
})

export interface Pending {
  retries: Retry[]
  updates: UpdateStep[]
}

type RawDescription = WorkflowExecutionDescription['raw']
type PendingActivity = NonNullable<RawDescription['pendingActivities']>[number]
type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number]

export class SparringClient {
  readonly #client: Client
  readonly #connection: Connection
  readonly #queuePrefix: string

  private constructor(connection: Connection, namespace: string, queuePrefix: string) {
    this.#connection = connection
    this.#client = new Client({ connection, namespace })
    this.#queuePrefix = queuePrefix
  }

  /** Connects as the environment says (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TLS, profiles), or to `address`. */
  static async connect(
    options: { address?: string; namespace?: string; queuePrefix?: string } = {},
  ): Promise<SparringClient> {
    const { connectionOptions, namespace } = loadClientConnectConfig()
    const address = options.address ?? connectionOptions?.address
    const connection = await Connection.connect({ ...connectionOptions, ...(address ? { address } : {}) })
    return new SparringClient(
      connection,
      options.namespace || namespace || 'default',
      options.queuePrefix ?? process.env['SPARRING_QUEUE_PREFIX'] ?? defaultQueuePrefix,
    )
  }

  /** Starts a run. A name that is running is refused; a stopped or failed one may be started again. */
  async launch(options: LaunchOptions): Promise<void> {
    const { name, config: given, source = 'the configuration', finished, changes = [], branch } = options
    checkRunName(name)
    const { recipe, config } = parseConfig(given, source)
    const scores = finished?.scores ?? []
    const input: TrainingInput = {
      run: name,
      recipe: recipe.name,
      config: plainJson(config),
      queuePrefix: this.#queuePrefix,
      round: branch ? branch.round + 1 : scores.length,
      scores,
      ...(changes.length > 0 ? { changes } : {}),
      ...(branch ? { branch } : {}),
    }
    try {
      await this.#client.workflow.start('training', {
        workflowId: runWorkflowId(name),
        taskQueue: taskQueue(this.#queuePrefix, 'control'),
        args: [input],
        staticSummary: `${recipe.name}: ${config.rounds} rounds, seed ${config.seed}`,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
      })
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      throw new UserError(
        `run ${name} is under way`,
        `watch it with \`sparring watch ${name}\`, or choose another --name`,
      )
    }
  }

  /** Whether the run's workflow is open, closed (and how), or unknown to Temporal. */
  async execution(name: string): Promise<'RUNNING' | 'COMPLETED' | 'FAILED' | 'TERMINATED' | 'UNKNOWN'> {
    try {
      const { status } = await this.#client.workflow.getHandle(runWorkflowId(name)).describe()
      if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return 'RUNNING'
      return status.name === 'COMPLETED' ? 'COMPLETED' : status.name === 'FAILED' ? 'FAILED' : 'TERMINATED'
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'UNKNOWN'
      throw error
    }
  }

  /** Names of the runs that are under way, as far as Temporal's index knows (it may lag a second). */
  async openRuns(): Promise<string[]> {
    const query = `WorkflowType = 'training' AND ExecutionStatus = 'Running'`
    const names: string[] = []
    for await (const { workflowId } of this.#client.workflow.list({ query })) {
      if (workflowId.startsWith(runWorkflowId(''))) names.push(workflowId.slice(runWorkflowId('').length))
    }
    return names.sort()
  }

  status(name: string): Promise<RunStatus> {
    return this.#ask(name, () => this.#client.workflow.getHandle(runWorkflowId(name)).query<RunStatus>(messages.status))
  }

  /** Phases of the round under way; null between rounds. */
  async progress(name: string, round: number): Promise<RoundProgress | null> {
    try {
      return await this.#client.workflow.getHandle(roundWorkflowId(name, round)).query<RoundProgress>(messages.progress)
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null
      throw error
    }
  }

  /** What only Temporal knows of a run's work under way: failures that will be tried again, and how far its updates are. */
  async pending(name: string, round: number): Promise<Pending> {
    const found: Pending = { retries: [], updates: [] }
    for (const workflowId of [runWorkflowId(name), roundWorkflowId(name, round)]) {
      try {
        const { raw } = await this.#client.workflow.getHandle(workflowId).describe()
        const activities = raw.pendingActivities ?? []
        found.retries.push(...activities.flatMap(retryOf), ...(await this.#standstill(workflowId, raw)))
        found.updates.push(...activities.flatMap(updateStepOf))
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error
      }
    }
    return found
  }

  /** A workflow that cannot take its next step, for example since code or search attributes do not fit it: Temporal tries for ever. */
  async #standstill(workflowId: string, { pendingWorkflowTask }: RawDescription): Promise<Retry[]> {
    const attempt = pendingWorkflowTask?.attempt ?? 1
    if (attempt <= 2) return []
    const { events } = await this.#client.workflow.getHandle(workflowId).fetchHistory()
    const last = events?.findLast((event) => event.workflowTaskCompletedEventAttributes ?? failureOf(event))
    const reason = last && failureOf(last)
    if (!reason) return []
    const remedy = reason.startsWith('BadSearchAttributes')
      ? ` — ${searchAttributeCommands(this.#client.options.namespace)}`
      : ''
    return [{ step: `workflow ${workflowId}`, attempt, reason: `${reason}${remedy}` }]
  }

  /** Waits for the end of a run. Rejects with the reason when it failed. */
  result(name: string): Promise<TrainingResult> {
    return this.#client.workflow.result<(input: TrainingInput) => Promise<TrainingResult>>(runWorkflowId(name))
  }

  pause(name: string): Promise<string> {
    return this.#update(name, messages.pause)
  }

  resume(name: string): Promise<string> {
    return this.#update(name, messages.resume)
  }

  /** Ends the run after the round under way. */
  stop(name: string): Promise<string> {
    return this.#update(name, messages.stopAfterRound)
  }

  /** Ends the run at once: steps under way are given up, finished ones stay, and a run started again goes on behind them. */
  async cancel(name: string): Promise<string> {
    // The server takes a request to cancel what has ended, and does nothing.
    if ((await this.execution(name)) !== 'RUNNING') throw notUnderWay(name)
    await this.#ask(name, () => this.#client.workflow.getHandle(runWorkflowId(name)).cancel())
    return `run ${name} stops now`
  }

  /** Changes a steerable field from the next round on. */
  set(name: string, field: SetField): Promise<string> {
    return this.#update(name, messages.set, field)
  }

  /**
   * Lets a policy judge a suite; its judgements are rows when this resolves. The signal ends the waiting, not the judging: a
   * connection that is closed under it would be tried again, and break the process.
   */
  async evaluate(input: Omit<EvaluationInput, 'queuePrefix' | 'first'>, signal?: AbortSignal): Promise<void> {
    const name = evaluationName(input.suite, input.voting)
    const judged = () =>
      this.#client.workflow.execute('evaluation', {
        workflowId: evaluationWorkflowId(input.run, name, input.policy),
        taskQueue: taskQueue(this.#queuePrefix, 'control'),
        args: [{ ...input, first: 0, queuePrefix: this.#queuePrefix } satisfies EvaluationInput],
        staticSummary: `${policyName(input.policy)} on ${name}`,
        workflowIdConflictPolicy: 'USE_EXISTING',
      })
    await (signal ? this.#connection.withAbortSignal(signal, judged) : judged())
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #update(name: string, message: string, argument?: SetField): Promise<string> {
    const handle = this.#client.workflow.getHandle(runWorkflowId(name))
    return this.#ask(name, () =>
      argument
        ? handle.executeUpdate<string, [SetField]>(message, { args: [argument] })
        : handle.executeUpdate<string, []>(message, { args: [] }),
    )
  }

  async #ask<T>(name: string, question: () => Promise<T>): Promise<T> {
    try {
      return await question()
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) {
        throw notUnderWay(name)
      }
      if (error instanceof WorkflowUpdateFailedError) {
        throw new UserError(messageOf(error.cause ?? error), `\`sparring status ${name}\` shows how the run stands`)
      }
      throw error
    }
  }
}

const notUnderWay = (name: string): UserError =>
  new UserError(`no run ${name} is under way`, '`sparring runs` lists the runs')

export function checkRunName(name: string): void {
  if (runNamePattern.test(name)) return
  throw new UserError(
    `${JSON.stringify(name)} is no run name`,
    'use up to 63 small letters, digits, dots, dashes and underscores, a letter or digit first',
  )
}

/** temporal.api.enums.v1.PendingActivityState: waits for its next attempt. */
const scheduled = 1

function retryOf({ state, attempt, activityType, lastFailure }: PendingActivity): Retry[] {
  // An attempt under way may succeed; one that a lost worker left behind did not fail by itself.
  if (!lastFailure || lastFailure.timeoutFailureInfo || Number(state) !== scheduled) return []
  let failure = lastFailure
  while (failure.cause) failure = failure.cause
  return [{ step: activityType?.name ?? '', attempt: attempt ?? 1, reason: failure.message ?? '' }]
}

function updateStepOf({ activityType, heartbeatDetails }: PendingActivity): UpdateStep[] {
  const [payload] = heartbeatDetails?.payloads ?? []
  if (activityType?.name !== 'update' || !payload) return []
  const { data } = updateStep.safeParse(defaultPayloadConverter.fromPayload(payload))
  return data ? [data] : []
}

const failureOf = (event: HistoryEvent): string | null | undefined =>
  event.workflowTaskFailedEventAttributes?.failure?.message

/** The configuration as plain JSON, as it travels and is stored. */
export function plainJson(config: BaseConfig): BaseConfig & Data {
  const copy: BaseConfig & Data = JSON.parse(JSON.stringify(config))
  return copy
}
