import { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import { permanentErrors, UserError } from '../shared/errors.ts'

/** Results stay small: oversize ones would be retried for ever by Temporal, so they fail here, once and for all. */
const LARGEST_RESULT = 8192

class OversizeResultError extends Error {
  override readonly name = 'OversizeResultError'
}

/**
 * Wraps an activity: heartbeats every two seconds while it works (the engine computes in another process, so this one's
 * clock runs), checks the size of its result, and puts a UserError's remedy where Temporal shows it.
 */
export function running<Input, Result>(
  work: (input: Input, signal: AbortSignal) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const context = Context.current()
    const beat = setInterval(() => context.heartbeat(), 2000)
    try {
      const result = await work(input, context.cancellationSignal)
      const bytes = JSON.stringify(result ?? null).length
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
