import { commitShard, isShardDone, readRows, writeRows } from '../db/shards.ts'
import type { WeightsReference } from '../engine/index.ts'
import type { PlayShard } from '../shared/contract.ts'
import { type Answer, askInTurn, phaseOf, type Reading, type TurnRow } from '../shared/recipe.ts'
import type { Dependencies } from './dependencies.ts'
import type { Attempt } from './running.ts'
import { endpointSampler } from './endpoint.ts'
import { ask, policySampler, seedOf, templateHash, tokensOf } from './playing.ts'
import { scoreCandidates } from './scoring.ts'
import { readSettings, samplingWeights } from './settings.ts'

/** Plays one shard of a phase: reads its rows, asks the player, stores what the recipe makes of the answers. */
export async function playShard(dependencies: Dependencies, input: PlayShard, attempt: Attempt): Promise<void> {
  const { database, engines, worker } = dependencies
  const { run, round, phase, shard, player } = input
  const { signal, times } = attempt
  const place = { run, round, phase, shard }
  if (await times.storing(isShardDone(database, place))) return
  const settings = await times.storing(readSettings(dependencies, run, round))
  const { recipe, config } = settings
  const definition = phaseOf(recipe, phase)
  if (!definition) throw new Error(`recipe ${recipe.name} has no phase ${phase}`)
  const from = shard * config.shard
  const to = Math.min(from + config.shard, definition.items(config))
  const context = { config, round, phase, player, from, to }
  const reading: Reading = definition.reads?.(context) ?? { rounds: [round], sets: ['problems'] }
  const wanted = { run, ...reading, ...(reading.whole ? {} : { range: { from, to } }) }
  const rows = await times.storing(readRows(database, wanted))

  const seeds = placeOfSeeds(config.seed, round, phase)
  const questions = definition.ask?.(context, rows) ?? []
  const askOn = (given: readonly Answer[]) => definition.askOn?.(context, rows, given) ?? []
  let answers: Answer[] = []
  if (questions.length > 0) {
    if (!player) throw new Error(`phase ${phase} asks, but nobody plays it`)
    const sampling = definition.sampling?.(config, phase)
    const endpoint = recipe.endpoint(config, player)
    if (endpoint) {
      if (!sampling) throw new Error(`phase ${phase} has texts scored, which a server does not do`)
      const server = endpointSampler(endpoint, recipe.stop, signal)
      answers = await askInTurn(questions, askOn, (asked) => ask(server, { questions: asked, sampling, place: seeds }))
    } else {
      const weights = await times.storing(samplingWeights(dependencies, run, settings, player))
      answers = await engines.use({ ...attempt, device: config.device }, (engine) =>
        askInTurn(questions, askOn, (asked) =>
          sampling
            ? ask(policySampler(engine, { settings, weights, signal }), { questions: asked, sampling, place: seeds })
            : scoreCandidates(engine, { settings, weights: scored(weights), signal }, asked),
        ),
      )
    }
  }
  signal.throwIfAborted()
  const made = definition.answer(context, rows, answers)
  const template = templateHash(recipe)
  const seedOfTurn = seedsOf(answers, seeds)
  const turns = made.turns.map((turn) => ({ ...turn, template, seed: seedOfTurn(turn) }))
  const cost = {
    tokens: tokensOf(answers),
    rows: made.items.length + made.episodes.length + made.turns.length,
    worker,
    spent: () => times.spent(),
  }
  await times.storing(
    commitShard(database, place, cost, (transaction) => writeRows(transaction, run, { ...made, turns })),
  )
}

function scored(weights: WeightsReference | null): WeightsReference {
  if (weights) return weights
  throw new Error('texts are scored by policies, and not by the model below them')
}

const placeOfSeeds = (seed: number, round: number, phase: string): string => `${seed}/${round}/${phase}`

/** Finds the seed of a turn by its prompt and sample number. A turn that nobody sampled here has none. */
function seedsOf(answers: readonly Answer[], place: string): (turn: TurnRow) => string {
  const seeds = new Map(
    answers.flatMap(({ question, turns = [] }) =>
      turns.flatMap((said, sample) =>
        said.map(({ prompt }, turn): [string, string] => [
          `${question.key.split('/')[0]}|${prompt}|${sample}`,
          seedOf(place, question, sample, turn),
        ]),
      ),
    ),
  )
  return ({ episode, prompt, turn }) => seeds.get(`${episode}|${prompt}|${Number(turn.split('/').at(-1))}`) ?? ''
}
