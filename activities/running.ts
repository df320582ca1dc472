import { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import { permanentErrors, UserError } from '../shared/errors.ts'
import type { Data } from '../shared/recipe.ts'
import { Times } from './times.ts'

/** Results stay small: oversize ones would be retried for ever by Temporal, so they fail here, once and for all. */
const LARGEST_RESULT = 8192

class OversizeResultError extends Error {
  override readonly name = 'OversizeResultError'
}

/** What an activity knows of the attempt that runs it. */
export interface Attempt {
  /** Aborted when nobody wants the result any more: the worker stops, or the attempt is given up. */
  signal: AbortSignal
  /** What its time goes to. */
  times: Times
  /** Where the work stands. It travels with the heartbeats and shows in the Temporal UI; the truth is in the database. */
  report(progress: Data): void
}

/**
 * Wraps an activity: heartbeats every two seconds while it works (the engine computes in another process, so this one's
 * clock runs), checks the size of its result, and puts a UserError's remedy where Temporal shows it.
 */
export function running<Input, Result>(
  work: (input: Input, attempt: Attempt) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const context = Context.current()
    let progress: Data | undefined
    const beat = setInterval(() => context.heartbeat(progress), 2000)
    const report = (now: Data): void => {
      // Only the first is sent by itself, so that a watcher sees where an attempt began.
      if (!progress) context.heartbeat(now)
      progress = now
    }
    try {
      const result = await work(input, { signal: context.cancellationSignal, times: new Times(), report })
      const bytes = Buffer.byteLength(JSON.stringify(result ?? null))
      if (bytes > LARGEST_RESULT) {
        throw new OversizeResultError(
          `${context.info.activityType} returned ${bytes} bytes; results stay under ${LARGEST_RESULT}`,
        )
      }
      return result
    } catch (error) {
      if (context.cancellationSignal.aborted) return context.cancelled
      throw sorted(error)
    } finally {
      clearInterval(beat)
    }
  }
}

/** Errors that no retry can mend end the run; the type that Temporal shows is the error's own name. */
function sorted(error: unknown): unknown {
  if (!(error instanceof Error) || !permanentErrors.includes(error.name)) return error
  const message = error instanceof UserError ? `${error.message} — ${error.remedy}` : error.message
  return ApplicationFailure.create({ message, type: error.name, nonRetryable: true, cause: error })
}
