import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPolicy } from '../db/policies.ts'
import { readRound } from '../db/runs.ts'
import {
  type AdoptedModel as PublishedModel,
  createTokenizer,
  type LlamaConfig,
  parseTokenizerFile,
  type StoredBase,
  type WeightsReference,
} from '../engine/index.ts'
import { type AnyRecipe, parseConfig } from '../recipes/registry.ts'
import { type PlayedBy, policyName } from '../shared/ids.ts'
import { adopted, ownForm } from '../shared/model-form.ts'
import { ADOPTED, type AdoptedModel, isAdopted } from '../shared/models.ts'
import type { BaseConfig, Data } from '../shared/recipe.ts'
import { type Texts, vocabularyTexts } from '../shared/texts.ts'
import type { Dependencies } from './dependencies.ts'
import { chatTexts } from './chat-texts.ts'

/** What generate, evaluate and update share: a round's settings, and the form of its policies. */
export interface RoundSettings {
  recipe: AnyRecipe
  config: BaseConfig
  texts: Texts
  model: LlamaConfig
  /** The frozen model that the run's policies are adapters over; null where a policy is a whole model. */
  lora: StoredBase | null
}

type Stored = Pick<Dependencies, 'database' | 'artefacts'>

export async function readSettings(stored: Stored, run: string, round: number): Promise<RoundSettings> {
  const row = await readRound(stored.database, run, round)
  const { recipe, config } = parseConfig(row.config, `run ${run}, round ${round}`)
  const { model } = config
  const vocabulary = recipe.vocabulary(config)
  if (isAdopted(model)) return { recipe, config, ...(await readAdopted(stored, run, model, recipe.stop)) }
  if (vocabulary === null) throw new Error(`recipe ${recipe.name} has no vocabulary for a model of its own`)
  const texts = vocabularyTexts(vocabulary, recipe.stop)
  return { recipe, config, texts, model: ownForm(model, vocabulary), lora: null }
}

export async function weightsOf(
  { database, artefacts }: Stored,
  run: string,
  policy: PlayedBy,
): Promise<WeightsReference> {
  const { sha256 } = await readPolicy(database, run, policy)
  return { sha256, path: join(artefacts, `${sha256}.safetensors`) }
}

/** What a policy is sampled with; null where it is the model below all adapters. */
export async function samplingWeights(
  stored: Stored,
  run: string,
  { lora }: RoundSettings,
  policy: PlayedBy,
): Promise<WeightsReference | null> {
  return lora && policyName(policy) === policyName(ADOPTED) ? null : weightsOf(stored, run, policy)
}

/** `context` is the model's own longest sequence. */
export function describeAdopted(
  source: string,
  { model, context }: Omit<PublishedModel, 'file'>,
  tokenizer: string,
): Data {
  return { ...adopted.parse({ source, tokenizer, context, model }) }
}

async function readAdopted(
  stored: Stored,
  run: string,
  { adapter }: AdoptedModel,
  stop: string,
): Promise<Pick<RoundSettings, 'texts' | 'model' | 'lora'>> {
  const { lesson } = await readPolicy(stored.database, run, ADOPTED)
  const { model, tokenizer } = adopted.parse(lesson)
  const base = await weightsOf(stored, run, ADOPTED)
  return { texts: await textsOf(stored.artefacts, tokenizer, stop), model, lora: adapter && { ...adapter, base } }
}

/** Tokenizers take a moment to build: those in use are kept, by their file's hash. */
const built = new Map<string, Texts>()

async function textsOf(artefacts: string, sha256: string, stop: string): Promise<Texts> {
  const key = `${sha256} ${stop}`
  let texts = built.get(key)
  if (!texts) {
    const file = join(artefacts, `${sha256}.json`)
    texts = chatTexts(createTokenizer(parseTokenizerFile(await readFile(file, 'utf8'), file)), stop)
    built.set(key, texts)
  }
  return texts
}
