/** Models of the Llama family as others publish them: a GGUF file, or a folder with config.json and safetensors. */
import type { LlamaConfig } from '../models/llama.ts'
import type { ModelDescription } from './architectures.ts'
import { describeGguf, readGgufModel } from './gguf-model.ts'
import { describeFolder, readFolder } from './hugging-face.ts'

export interface Pretrained {
  readonly model: LlamaConfig
  /** Flat, in the order of llamaLayout. */
  readonly weights: Float32Array
}

export interface PretrainedOptions {
  /** The longest sequence that will be asked for, if shorter than the model's own: tables of positions are that long. */
  readonly context?: number
}

/** Throws GgufError, SafetensorsError, ModelConfigError or WeightsMismatchError; each names the file and the field. */
export async function readPretrained(source: string, { context }: PretrainedOptions = {}): Promise<Pretrained> {
  const { model, weights } = source.endsWith('.gguf') ? await readGgufModel(source) : await readFolder(source)
  return { model: context === undefined ? model : { ...model, context: Math.min(context, model.context) }, weights }
}

/** The configuration alone; throws as readPretrained does. */
export async function describePretrained(source: string): Promise<ModelDescription> {
  return source.endsWith('.gguf') ? describeGguf(source) : describeFolder(source)
}
