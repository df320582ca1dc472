import type { PlayedBy } from './ids.ts'

/** What a run's players are: what a run file says of models, and where they compute. */
export interface ModelConfig {
  width: number
  layers: number
  heads: number
  keyValueHeads: number
  hidden: number
  ropeTheta: number
  context: number
}

/** Weights of the matrices in the layers of a decoder: what nearly all work of training and sampling is about. */
export function layerWeights(model: Omit<ModelConfig, 'ropeTheta' | 'context'>): number {
  const { width, heads, keyValueHeads, hidden, layers } = model
  const narrow = (width / heads) * keyValueHeads
  return layers * (2 * width * width + 2 * width * narrow + 3 * width * hidden)
}

/** A published model. The players are adapters over it, which stays as it is; or, with none, they begin as copies of it. */
export interface AdoptedModel {
  /** A folder with config.json, safetensors and tokenizer.json; or a .gguf file. */
  from: string
  /** Longest sequence in tokens. */
  context: number
  adapter: { rank: number; alpha: number } | null
}

export const isAdopted = (model: ModelConfig | AdoptedModel): model is AdoptedModel => 'from' in model

/** Whose policy the adopted model is. */
export const ADOPTED: PlayedBy = { role: 'base', version: 0 }

/** A model behind a server that speaks OpenAI's chat completions, as vLLM and llama.cpp do: it plays, and nobody trains it. */
export interface Endpoint {
  /** Up to what stands before `/chat/completions`, e.g. `http://127.0.0.1:8000/v1`. */
  url: string
  model: string
  /** The environment variable of the worker that holds the key; null: none is sent. */
  keyFrom: string | null
}

export type Device = 'webgpu' | 'cuda' | `cuda:${number}`
