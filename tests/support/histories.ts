/** A run's histories as Temporal keeps them: the run workflow's chain of executions, and a child for each round. */
import { Client, Connection, type WorkflowHandle } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { roundWorkflowId, runWorkflowId } from '../../shared/ids.ts'

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>

export interface StoredHistory {
  /** For a file name: `run-0`, `round-2`. */
  name: string
  workflowId: string
  history: History
}

export async function fetchHistories(address: string, run: string, rounds: number): Promise<StoredHistory[]> {
  const connection = await Connection.connect({ address })
  try {
    const client = new Client({ connection })
    const found: StoredHistory[] = []
    const add = async (name: string, workflowId: string, runId?: string): Promise<History> => {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
      found.push({ name, workflowId, history })
      return history
    }
    for (let round = 0; round <= rounds; round++) await add(`round-${round}`, roundWorkflowId(run, round))
    // The last execution names the first; from there each names the one it was continued as.
    const workflowId = runWorkflowId(run)
    const last = await client.workflow.getHandle(workflowId).fetchHistory()
    let next = last.events?.[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId
    for (let execution = 0; next; execution++) {
      const history = await add(`run-${execution}`, workflowId, next)
      next = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId
    }
    return found
  } finally {
    await connection.close()
  }
}

/** The history as JSON for a file, without the names of the machine and the processes that made it. */
export function storable(history: History): string {
  const text = historyToJSON(history)
  return `${JSON.stringify(
    JSON.parse(text, (key, value: unknown) => {
      if (key === 'identity') return 'worker'
      if (key === 'taskQueue' && isSticky(value)) return { ...value, name: 'sticky' }
      return value
    }),
    null,
    1,
  )}\n`
}

function isSticky(value: unknown): value is { kind: string } {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'TASK_QUEUE_KIND_STICKY'
}

export interface Payload {
  /** The event that carries it. */
  event: string
  bytes: number
  text: string
}

/** Every payload in a history: inputs, results, heartbeats, details, memos. */
export function payloadsOf(history: History): Payload[] {
  return (history.events ?? []).flatMap((event) => {
    const name = String(event.eventId)
    const found: Payload[] = []
    collect(event, (data) => found.push({ event: name, bytes: data.length, text: Buffer.from(data).toString('utf8') }))
    return found
  })
}

function collect(value: unknown, take: (data: Uint8Array) => void): void {
  if (typeof value !== 'object' || value === null) return
  if ('metadata' in value && 'data' in value && value.data instanceof Uint8Array) return take(value.data)
  for (const inner of Object.values(value)) collect(inner, take)
}
