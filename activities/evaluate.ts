import { writeEvaluations } from '../db/evaluations.ts'
import { commitShard, isShardDone, readSet } from '../db/shards.ts'
import type { EvaluateShard } from '../shared/contract.ts'
import { policyName } from '../shared/ids.ts'
import type { Answer, EvaluationRow, ItemRow, Judgement } from '../shared/recipe.ts'
import { countVotes, evaluationName, type Voting } from '../shared/votes.ts'
import type { Dependencies } from './dependencies.ts'
import { judgeInOrder } from './judging-in-order.ts'
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
  const items = await times.storing(readSet(database, set))
  const weights = await times.storing(samplingWeights(dependencies, run, settings, policy))
  const sampling = definition.sampling(config, voting?.votes ?? 1, voting?.temperature ?? 0)
  // Every policy votes with the same random numbers, and a vote's do not depend on how many follow: what differs is the critic.
  const seeds = `${config.seed}/vote/${suite}`
  let tokens = 0
  const rows = await engines.use({ ...attempt, device: config.device }, (engine) => {
    const judge = async (asked: readonly ItemRow[]): Promise<EvaluationRow[]> => {
      const byKey = new Map(asked.map((item) => [String(item.item), item]))
      const questions = asked.flatMap((item) => definition.ask(config, item) ?? [])
      const answers = await ask(policySampler(engine, { settings, weights, signal }), {
        questions,
        sampling,
        place: seeds,
      })
      tokens += tokensOf(answers)
      return answers.map((answer) => {
        const item = byKey.get(answer.question.key)
        if (!item) throw new Error(`suite ${suite} asked about the unknown item ${answer.question.key}`)
        const judgements = answer.texts.map((_, sample) => definition.judge(config, item, answerOf(answer, sample)))
        return rowOf(judgements, { suite: evaluation, ...policy }, voting)
      })
    }
    // Votes say how far they can be trusted (calibration), which is a question about every line.
    return definition.behind && !voting ? judgeInOrder(items, definition.behind, judge) : judge(items)
  })
  const cost = { tokens, rows: rows.length, worker, spent: () => times.spent() }
  await times.storing(commitShard(database, place, cost, (transaction) => writeEvaluations(transaction, run, rows)))
}

function rowOf(
  [first, ...others]: readonly Judgement[],
  of: Pick<EvaluationRow, 'suite' | 'role' | 'version'>,
  voting: Voting | undefined,
): EvaluationRow {
  if (!first) throw new Error(`nothing was said to an item of suite ${of.suite}`)
  const row = { ...of, ...first }
  if (!voting) return row
  const votes = [first, ...others].map(({ verdict, text }) => ({ verdict, text }))
  return { ...row, ...countVotes(votes), votes }
}

/** One sample of an answer, as if it were the only one. */
const answerOf = ({ question, texts, tokens, turns }: Answer, sample: number): Answer => ({
  question,
  texts: texts.slice(sample, sample + 1),
  tokens: tokens.slice(sample, sample + 1),
  ...(turns ? { turns: turns.slice(sample, sample + 1) } : {}),
})
