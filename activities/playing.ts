import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Database } from '../db/client.ts'
import { readPolicy } from '../db/policies.ts'
import { readRound } from '../db/runs.ts'
import type { EngineProcess, LlamaConfig, WeightsReference } from '../engine/index.ts'
import { type AnyRecipe, parseConfig } from '../recipes/registry.ts'
import type { PlayedBy } from '../shared/ids.ts'
import { range } from '../shared/collections.ts'
import { Stream } from '../shared/random.ts'
import { type Answer, type BaseConfig, ofTurn, type Question, type Said, type Sampling } from '../shared/recipe.ts'
import type { Vocabulary } from '../shared/vocabulary.ts'

/** What generate, evaluate and update share: a round's settings, its model, a policy's file, and asking a policy. */
export interface RoundSettings {
  recipe: AnyRecipe
  config: BaseConfig
  vocabulary: Vocabulary
  model: LlamaConfig
}

export const PAD = 0

export async function readSettings(database: Database, run: string, round: number): Promise<RoundSettings> {
  const row = await readRound(database, run, round)
  const { recipe, config } = parseConfig(row.config, `run ${run}, round ${round}`)
  const vocabulary = recipe.vocabulary(config)
  return { recipe, config, vocabulary, model: { ...config.model, vocabulary: vocabulary.size, normEpsilon: 1e-5 } }
}

export async function weightsOf(
  database: Database,
  artefacts: string,
  run: string,
  policy: PlayedBy,
): Promise<WeightsReference> {
  const { sha256 } = await readPolicy(database, run, policy)
  return { sha256, path: join(artefacts, `${sha256}.safetensors`) }
}

/** One hash for the prompts and answer formats that a recipe uses. */
export function templateHash({ templates }: AnyRecipe): string {
  return createHash('sha256').update(templates.join('\n')).digest('hex')
}

/** Rows of one sampling graph: what fits a core's cache and is still worth a call. */
const ROWS_PER_CALL = 256

interface Asked {
  prompt: string
  seeds: readonly string[]
}

interface Asking {
  settings: RoundSettings
  weights: WeightsReference
  sampling: Sampling
  /** Aborted when nobody wants the answers any more. */
  signal: AbortSignal
}

/**
 * Samples answers, turn by turn. The batch shape is a function of the questions (and of what was said) alone, and the
 * uniform behind each token one of (seed, place, question, sample, turn, position), so the answers depend on nothing else.
 */
export async function ask(
  engine: EngineProcess,
  { questions, place, ...asking }: Asking & { questions: readonly Question[]; place: string },
): Promise<Answer[]> {
  const { samples } = asking.sampling
  const sampled = async (turn: number, count: number, asked: Asked[]): Promise<Said[][]> => {
    const { temperature, maximumNewTokens } = asking.sampling
    const sampling = { temperature: ofTurn(temperature, turn), maximumNewTokens: ofTurn(maximumNewTokens, turn) }
    return sampleTurn(engine, asking, { samples: count, ...sampling }, asked)
  }
  const opened = questions.map((question) => ({
    prompt: question.prompt,
    seeds: range(0, samples).map((sample) => seedOf(place, question, sample, 0)),
  }))
  const answers = (await sampled(0, samples, opened)).map((said, index) => ({
    question: questions[index]!,
    turns: said.map((turn) => [turn]),
  }))
  for (let turn = 1; ; turn++) {
    const next = answers.flatMap(({ question, turns }) =>
      turns.flatMap((said, sample) => {
        const prompt = said.length === turn ? question.next?.(said.map(({ text }) => text)) : null
        return typeof prompt === 'string' ? [{ said, prompt, seeds: [seedOf(place, question, sample, turn)] }] : []
      }),
    )
    if (next.length === 0) break
    const texts = await sampled(turn, 1, next)
    next.forEach(({ said }, index) => said.push(...(texts[index] ?? [])))
  }
  return answers.map(({ question, turns }) => ({
    question,
    texts: turns.map((said) => said.at(-1)?.text ?? ''),
    tokens: turns.map((said) => said.reduce((sum, { tokens }) => sum + tokens, 0)),
    turns,
  }))
}

/** One turn of many answers: so many texts for each prompt, each with the seed of its random numbers. */
async function sampleTurn(
  engine: EngineProcess,
  { settings, weights, signal }: Asking,
  { samples, temperature, maximumNewTokens }: { samples: number; temperature: number; maximumNewTokens: number },
  asked: readonly Asked[],
): Promise<Said[][]> {
  if (asked.length === 0) return []
  const { vocabulary, model, recipe } = settings
  const prompts = asked.map(({ prompt }) => vocabulary.encode(prompt))
  const longest = Math.max(...prompts.map((prompt) => prompt.length))
  const calls = Math.ceil((prompts.length * samples) / ROWS_PER_CALL)
  const uniforms = new Float32Array(temperature === 0 ? 0 : asked.length * samples * maximumNewTokens)
  if (temperature > 0) {
    asked
      .flatMap(({ seeds }) => seeds)
      .forEach((seed, row) => {
        const stream = new Stream(seed)
        for (let position = 0; position < maximumNewTokens; position++) {
          uniforms[row * maximumNewTokens + position] = stream.uniform(position)
        }
      })
  }
  const batch = roundUp(Math.ceil(prompts.length / calls), 16)
  const call = {
    weights,
    model,
    samplesPerPrompt: samples,
    maximumNewTokens,
    temperature,
    padToken: PAD,
    stopTokens: [vocabulary.id(recipe.stop)],
    promptLength: Math.min(roundUp(longest, 8), Math.max(longest, model.context - maximumNewTokens)),
    batch,
  }
  /** One graph run for each call, so that who is told to stop stops after it; the graph and its rows are the plan's. */
  const completions: number[][] = []
  const perPrompt = samples * maximumNewTokens
  for (let from = 0; from < prompts.length; from += batch) {
    signal.throwIfAborted()
    const part = uniforms.subarray(from * perPrompt, (from + batch) * perPrompt)
    const sampled = await engine.sample({ ...call, prompts: prompts.slice(from, from + batch), uniforms: part })
    completions.push(...sampled.completions)
  }
  return asked.map(({ prompt }, index) =>
    completions
      .slice(index * samples, (index + 1) * samples)
      .map((tokens) => ({ prompt, text: vocabulary.decode(tokens), tokens: tokens.length })),
  )
}

/** The path of the random numbers that sampled an answer; kept with every turn. */
export const seedOf = (place: string, question: Question, sample: number, turn: number): string =>
  `${place}/${question.key}/${sample}${turn === 0 ? '' : `/${turn}`}`

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

export const tokensOf = (answers: readonly Answer[]): number =>
  answers.reduce((sum, answer) => sum + answer.tokens.reduce((inner, count) => inner + count, 0), 0)
