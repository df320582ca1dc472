import { continueAsNew } from '@temporalio/workflow'
import { range } from '../shared/collections.ts'
import type { EvaluationInput } from '../shared/contract.ts'
import { policyName } from '../shared/ids.ts'
import { evaluationName } from '../shared/votes.ts'
import { shardActivities } from './proxies.ts'

/** Shards of one execution, six events each: its history stays short (DESIGN section 4, rule 9). */
const PART = 250
/** Shards in flight at once, as in a round. */
const CONCURRENCY = 8

/** Judges a whole suite with one policy, outside any round: `sparring evaluate` and `sparring critique`. */
export async function evaluation(input: EvaluationInput): Promise<void> {
  const { run, suite, shards, policy, voting, first, queuePrefix } = input
  const activities = shardActivities(queuePrefix)
  const end = first === undefined ? shards : Math.min(shards, first + PART)
  const waiting = range(first ?? 0, end)
  const name = `${policyName(policy)} on ${evaluationName(suite, voting)}`
  const drain = async (): Promise<void> => {
    for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) {
      await activities.evaluate.executeWithOptions({ summary: `${name} · shard ${shard}` }, [
        { run, round: 0, suite, shard, policy, ...(voting ? { voting } : {}) },
      ])
    }
  }
  // What an older client started replays as it was written: one shard after the other, in one execution.
  await Promise.all(range(0, first === undefined ? 1 : CONCURRENCY).map(drain))
  if (end < shards) await continueAsNew<typeof evaluation>({ ...input, first: end })
}
