import { Context } from '@temporalio/activity'
import { UserError } from '../shared/errors.ts'

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
      if (error instanceof UserError) error.message = `${error.message} (${error.remedy})`
      throw error
    } finally {
      clearInterval(beat)
    }
  }
}
