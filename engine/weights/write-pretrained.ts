/** Writes a model of the Llama family as a folder of Hugging Face, which readPretrained and readTokenizer read and others load. */
import fs from 'node:fs/promises'
import path from 'node:path'
import type { LlamaConfig } from '../models/llama.ts'
import type { TokenizerFile } from '../tokenizers/tokenizer-file.ts'
import { writeTokenizer } from '../tokenizers/write.ts'
import { encodeWeights, openWeights } from './checkpoint.ts'
import { CONFIG, WEIGHTS } from './hugging-face.ts'
import { huggingFaceConfig } from './hugging-face-config.ts'

export interface WrittenModel {
  readonly model: LlamaConfig
  /** Flat, in the order of llamaLayout; or a file that encodeWeights made, which is copied. */
  readonly weights: Float32Array | string
  /** Null for a model whose tokens are known elsewhere. */
  readonly tokenizer: TokenizerFile | null
}

/** `folder` is there and empty. Throws ModelConfigError for a model that has no config.json, or WeightsMismatchError. */
export async function writePretrained(folder: string, { model, weights, tokenizer }: WrittenModel): Promise<void> {
  const { bosToken, eosToken, padToken } = tokenizer ?? { bosToken: null, eosToken: null, padToken: null }
  const config = huggingFaceConfig(model, { bosToken, eosToken, padToken })
  await fs.writeFile(path.join(folder, CONFIG), `${JSON.stringify(config, null, 2)}\n`)
  const file = path.join(folder, WEIGHTS)
  if (typeof weights === 'string') {
    await openWeights(model, weights)
    await fs.copyFile(weights, file)
  } else {
    await fs.writeFile(file, encodeWeights(model, weights))
  }
  if (tokenizer !== null) await writeTokenizer(folder, tokenizer, model.context)
}
