/** Why a run failed, out of the chain in which Temporal wraps the reason. */
import { messageOf } from '../shared/errors.ts'
import type { SparringClient } from '../client.ts'

/** The innermost message: "workflow failed" and "activity failed" say nothing that a person can mend. */
export function rootMessage(error: unknown): string {
  let cause = error
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  return messageOf(cause)
}

export async function failureOf(client: SparringClient, run: string): Promise<string | null> {
  try {
    await client.result(run)
    return null
  } catch (error) {
    return rootMessage(error)
  }
}
