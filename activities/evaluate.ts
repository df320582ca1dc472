import { writeEvaluations } from '../db/evaluations.ts'
import { commitShard, isShardDone, readSet } from '../db/shards.ts'
import type { EvaluateShard } from '../shared/contract.ts'
import { policyName } from '../shared/ids.ts'
import type { Answer, EvaluationRow } from '../shared/recipe.ts'
import { countVotes, evaluationName } from '../shared/votes.ts'
import type { Dependencies } from './dependencies.ts'
import type { Attempt } from './running.ts'
import { ask, policySampler, tokensOf } from './playing.ts'
import { readSettings, samplingWeights } from './settings.ts'

/** Lets a policy answer one shard of a suite, greedily or with sampled votes, and stores one row per line. */
export async function evaluateShard(dependencies: Dependencies, input: EvaluateShard, attempt: Attempt): Promise<void> {
  const { database, engines, worker } = dependencies
  const { run, round, suite, shard, policy, voting } = input
  const { signal, times } = attempt
  const evaluation = evaluationName(suite, voting)
  const phase = `evaluate ${evaluation} ${policyName(policy)}`
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
  const sampling = definition.sampling(config, voting?.votes ?? 1, voting?.temperature ?? 0)
  // Every policy votes with the same random numbers, and a vote's do not depend on how many follow: what differs is the critic.
  const seeds = `${config.seed}/vote/${suite}`
  const answers = await engines.use({ ...attempt, device: config.device }, (engine) =>
    ask(policySampler(engine, { settings, weights, signal }), { questions, sampling, place: seeds }),
  )
  const rows = answers.map((answer): EvaluationRow => {
    const item = items.get(answer.question.key)
    if (!item) throw new Error(`suite ${suite} asked about the unknown item ${answer.question.key}`)
    const [first, ...others] = answer.texts.map((_, sample) => definition.judge(config, item, answerOf(answer, sample)))
    if (!first) throw new Error(`nothing was said to item ${answer.question.key} of suite ${suite}`)
    const row = { suite: evaluation, ...policy, ...first }
    if (!voting) return row
    const votes = [first, ...others].map(({ verdict, text }) => ({ verdict, text }))
    return { ...row, ...countVotes(votes), votes }
  })
  const cost = { tokens: tokensOf(answers), rows: rows.length, worker, spent: () => times.spent() }
  await times.storing(commitShard(database, place, cost, (transaction) => writeEvaluations(transaction, run, rows)))
}

/** One sample of an answer, as if it were the only one. */
const answerOf = ({ question, texts, tokens, turns }: Answer, sample: number): Answer => ({
  question,
  texts: texts.slice(sample, sample + 1),
  tokens: tokens.slice(sample, sample + 1),
  ...(turns ? { turns: turns.slice(sample, sample + 1) } : {}),
})
