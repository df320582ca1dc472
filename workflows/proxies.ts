import type { RetryPolicy } from '@temporalio/common'
import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { permanentErrors } from '../shared/errors.ts'
import { taskQueue } from '../shared/ids.ts'

/**
 * Activities by task queue. Attempts are bounded and backed off; permanent errors are not retried. Heartbeats come every
 * two seconds from every activity, so a lost worker is noticed soon.
 */
const retry = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '30s',
  maximumAttempts: 100,
  nonRetryableErrorTypes: permanentErrors,
} satisfies RetryPolicy

export const controlActivities = (prefix: string) =>
  proxyActivities<Activities>({
    taskQueue: taskQueue(prefix, 'control'),
    startToCloseTimeout: '2m',
    heartbeatTimeout: '15s',
    retry,
  })

export const shardActivities = (prefix: string) =>
  proxyActivities<Activities>({
    taskQueue: taskQueue(prefix, 'infer'),
    startToCloseTimeout: '1h',
    heartbeatTimeout: '15s',
    retry,
  })

export const updateActivities = (prefix: string) =>
  proxyActivities<Activities>({
    taskQueue: taskQueue(prefix, 'train'),
    startToCloseTimeout: '7d',
    heartbeatTimeout: '15s',
    retry,
  })
