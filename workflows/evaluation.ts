import { range } from '../shared/collections.ts'
import type { EvaluationInput } from '../shared/contract.ts'
import { policyName } from '../shared/ids.ts'
import { shardActivities } from './proxies.ts'

/** Judges a whole suite with one policy, outside any round: `sparring evaluate` and `sparring critique`. */
export async function evaluation({ run, suite, shards, policy, queuePrefix }: EvaluationInput): Promise<void> {
  const activities = shardActivities(queuePrefix)
  for (const shard of range(0, shards)) {
    await activities.evaluate.executeWithOptions({ summary: `${policyName(policy)} on ${suite} · shard ${shard}` }, [
      { run, round: 0, suite, shard, policy },
    ])
  }
}
