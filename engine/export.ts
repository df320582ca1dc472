/**
 * A program: writes stored weights as a folder for others. `node --import tsx engine/export.ts <request as JSON>`; it answers with
 * one JSON object: empty, or why the model has no such folder, or what is wrong with the stored files.
 */
import path from 'node:path'
import { z } from 'zod'
import { checkLlamaConfig, type LlamaConfig, ModelConfigError } from './models/llama.ts'
import { loraLayout, LoraSpecError, mergeLora } from './models/lora.ts'
import { parseTokenizerFile, TokenizerError, type TokenizerFile } from './tokenizers/tokenizer-file.ts'
import { writeAdapter } from './weights/adapter.ts'
import { flatParameters, readWeights, WeightsMismatchError } from './weights/checkpoint.ts'
import { readSafetensors, SafetensorsError } from './weights/safetensors.ts'
import {
  CorruptWeightsError,
  MissingWeightsError,
  readStoredWeights,
  verifyStoredWeights,
  type WeightsReference,
} from './weights/store.ts'
import { writePretrained } from './weights/write-pretrained.ts'

const storedFile = z.object({ path: z.string(), sha256: z.string() })
const request = z.object({
  /** There, and empty. */
  folder: z.string(),
  /** checkLlamaConfig looks into it. */
  model: z.custom<LlamaConfig>((value) => typeof value === 'object' && value !== null),
  /** A whole model's, or an adapter's. */
  weights: storedFile,
  adapter: z
    .object({
      rank: z.number(),
      alpha: z.number(),
      base: storedFile,
      /** What PEFT loads it over; null: the adapter is added to the base's weights. */
      over: z.string().nullable(),
    })
    .nullable(),
  tokenizer: storedFile.nullable(),
})
type Request = z.infer<typeof request>

async function write({ folder, model, weights, adapter, tokenizer }: Request): Promise<void> {
  checkLlamaConfig(model)
  if (adapter === null) {
    await verifyStoredWeights(weights)
    return writePretrained(folder, { model, weights: weights.path, tokenizer: await read(tokenizer) })
  }
  const { over, base, ...spec } = adapter
  const content = readSafetensors(await readStoredWeights(weights), weights.path)
  const learnt = flatParameters(loraLayout(model, spec), content, weights.path)
  if (over !== null) return writeAdapter(folder, model, { spec, weights: learnt }, { baseModel: over })
  await verifyStoredWeights(base)
  const merged = mergeLora(model, spec, { base: await readWeights(model, base.path), adapter: learnt })
  await writePretrained(folder, { model, weights: merged, tokenizer: await read(tokenizer) })
}

async function read(file: WeightsReference | null): Promise<TokenizerFile | null> {
  return (
    file && parseTokenizerFile(Buffer.from(await readStoredWeights(file)).toString('utf8'), path.basename(file.path))
  )
}

const ofTheFiles = [
  CorruptWeightsError,
  LoraSpecError,
  MissingWeightsError,
  SafetensorsError,
  TokenizerError,
  WeightsMismatchError,
]

try {
  await write(request.parse(JSON.parse(process.argv[2] ?? '')))
  console.log('{}')
} catch (error) {
  if (!(error instanceof Error)) throw error
  const unreadable = ofTheFiles.some((kind) => error instanceof kind)
  if (!unreadable && !(error instanceof ModelConfigError)) throw error
  console.log(JSON.stringify({ [unreadable ? 'unreadable' : 'refused']: error.message }))
}
