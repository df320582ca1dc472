import { writeEvaluations } from '../db/evaluations.ts'
import { commitShard, isShardDone, readSet } from '../db/shards.ts'
import type { EvaluateShard } from '../shared/contract.ts'
import { policyName } from '../shared/ids.ts'
import type { EvaluationRow } from '../shared/recipe.ts'
import type { Dependencies } from './dependencies.ts'
import type { Attempt } from './running.ts'
import { ask, policySampler, tokensOf } from './playing.ts'
import { readSettings, samplingWeights } from './settings.ts'

/** Lets a policy answer one shard of a suite, greedily, and stores one row per line. */
export async function evaluateShard(dependencies: Dependencies, input: EvaluateShard, attempt: Attempt): Promise<void> {
  const { database, engines, worker } = dependencies
  const { run, round, suite, shard, policy } = input
  const { signal, times } = attempt
  const phase = `evaluate ${suite} ${policyName(policy)}`
  const place = { run, round, phase, shard }
  if (await times.storing(isShardDone(database, place))) return
  const settings = await times.storing(readSettings(dependencies, run, round))
  const { recipe, config } = settings
  const definition = recipe.suite(suite)
  if (!definition) throw new Error(`recipe ${recipe.name} has no suite ${suite}`)
  const from = shard * config.shard
  const set = { run, round: definition.set.round, set: definition.set.name, from, to: from + config.shard }
  const items = new Map((await times.storing(readSet(database, set))).map((item) => [String(item.item), item]))
  const questions = [...items.values()].flatMap((item) => definition.ask(config, item) ?? [])
  const weights = await times.storing(samplingWeights(dependencies, run, settings, policy))
  const sampling = { samples: 1, temperature: 0, maximumNewTokens: definition.maximumNewTokens(config) }
  const answers = await engines.use({ ...attempt, device: config.device }, (engine) =>
    ask(policySampler(engine, { settings, weights, signal }), { questions, sampling, place: phase }),
  )
  const rows = answers.map((answer): EvaluationRow => {
    const item = items.get(answer.question.key)
    if (!item) throw new Error(`suite ${suite} asked about the unknown item ${answer.question.key}`)
    return { suite, ...policy, ...definition.judge(config, item, answer) }
  })
  const cost = { tokens: tokensOf(answers), rows: rows.length, worker, spent: () => times.spent() }
  await times.storing(commitShard(database, place, cost, (transaction) => writeEvaluations(transaction, run, rows)))
}
