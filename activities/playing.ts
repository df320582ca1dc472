import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Database } from '../db/client.ts'
import { readPolicy } from '../db/policies.ts'
import { readRound } from '../db/runs.ts'
import type { EngineProcess, LlamaConfig, WeightsReference } from '../engine/index.ts'
import { type AnyRecipe, parseConfig } from '../recipes/registry.ts'
import type { PlayedBy } from '../shared/ids.ts'
import { Stream } from '../shared/random.ts'
import type { Answer, BaseConfig, Question, Sampling } from '../shared/recipe.ts'
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

/**
 * Samples answers. The batch shape is a function of the questions alone, and the uniform behind each token one of (seed,
 * place, question, sample, position), so the answers depend on nothing else.
 */
export async function ask(
  engine: EngineProcess,
  request: {
    settings: RoundSettings
    weights: WeightsReference
    questions: readonly Question[]
    sampling: Sampling
    /** Path of the counted random numbers, e.g. `1/2/deceive`. */
    place: string
  },
): Promise<Answer[]> {
  const { questions, sampling, weights, place, settings } = request
  if (questions.length === 0) return []
  const { samples, temperature, maximumNewTokens } = sampling
  const { vocabulary, model, recipe } = settings
  const prompts = questions.map((question) => vocabulary.encode(question.prompt))
  const longest = Math.max(...prompts.map((prompt) => prompt.length))
  const calls = Math.ceil((prompts.length * samples) / ROWS_PER_CALL)
  const uniforms = new Float32Array(temperature === 0 ? 0 : questions.length * samples * maximumNewTokens)
  if (temperature > 0) {
    questions.forEach((question, index) => {
      for (let sample = 0; sample < samples; sample++) {
        const stream = new Stream(seedOf(place, question, sample))
        const first = (index * samples + sample) * maximumNewTokens
        for (let position = 0; position < maximumNewTokens; position++) {
          uniforms[first + position] = stream.uniform(position)
        }
      }
    })
  }
  const { completions } = await engine.sample({
    weights,
    model,
    prompts,
    samplesPerPrompt: samples,
    maximumNewTokens,
    temperature,
    uniforms,
    padToken: PAD,
    stopTokens: [vocabulary.id(recipe.stop)],
    promptLength: Math.min(roundUp(longest, 8), Math.max(longest, model.context - maximumNewTokens)),
    batch: roundUp(Math.ceil(prompts.length / calls), 16),
  })
  return questions.map((question, index) => {
    const said = completions.slice(index * samples, (index + 1) * samples)
    return {
      question,
      texts: said.map((tokens) => vocabulary.decode(tokens)),
      tokens: said.map(({ length }) => length),
    }
  })
}

/** The path of the random numbers that sampled an answer; kept with every turn. */
export const seedOf = (place: string, question: Question, sample: number): string =>
  `${place}/${question.key}/${sample}`

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

export const tokensOf = (answers: readonly Answer[]): number =>
  answers.reduce((sum, answer) => sum + answer.tokens.reduce((inner, count) => inner + count, 0), 0)
