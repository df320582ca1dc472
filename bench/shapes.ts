/** The models and batches that are measured, and the work in them. */
import { type LlamaConfig, loraLayout, type LoraSpec } from '../engine/index.ts'
import { layerWeights } from '../shared/models.ts'

const decoder = { ropeTheta: 10_000, normEpsilon: 1e-5 }

export const tinyModel: LlamaConfig = {
  ...decoder,
  vocabulary: 64,
  width: 128,
  layers: 4,
  heads: 4,
  keyValueHeads: 4,
  hidden: 384,
  context: 640,
}

export const mediumModel: LlamaConfig = {
  ...decoder,
  vocabulary: 512,
  width: 384,
  layers: 6,
  heads: 6,
  keyValueHeads: 6,
  hidden: 1024,
  context: 640,
}

/** SmolLM2-135M. */
export const smolModel: LlamaConfig = {
  vocabulary: 49_152,
  width: 576,
  layers: 30,
  heads: 9,
  keyValueHeads: 3,
  hidden: 1536,
  ropeTheta: 100_000,
  context: 8192,
  normEpsilon: 1e-5,
}

export interface TrainingShape {
  readonly model: LlamaConfig
  readonly batchRows: number
  /** Tokens of a row, of which all but the last are read and all but the first can be predicted. */
  readonly length: number
  /** The first token that the loss is about. */
  readonly completionFrom: number
  /** An adapter is learnt, on all linear maps, in the place of all weights. */
  readonly lora?: LoraSpec | undefined
}

export const trainingShapes: Readonly<Record<string, TrainingShape>> = {
  tiny: { model: tinyModel, batchRows: 64, length: 97, completionFrom: 1 },
  medium: { model: mediumModel, batchRows: 16, length: 257, completionFrom: 1 },
  lora: { model: smolModel, batchRows: 4, length: 257, completionFrom: 129, lora: { rank: 16, alpha: 32 } },
}

/**
 * Multiplications and additions that a step needs: two per weight and token forward, two for the gradient of the layer's input,
 * and two for that of the weight unless it is frozen; and attention over whole rows, as is customary although half of it is masked.
 * The optimizer and everything element by element do not count.
 */
export function trainingFlop({ model, batchRows, length, completionFrom, lora }: TrainingShape): number {
  const tokens = batchRows * (length - 1)
  const predicted = batchRows * (length - completionFrom)
  const head = model.vocabulary * model.width
  const attention = 12 * model.layers * model.width * (length - 1) * tokens
  const perWeight = lora === undefined ? 6 : 4
  const adapter = lora === undefined ? 0 : 6 * loraLayout(model, lora).size * tokens
  return perWeight * (layerWeights(model) * tokens + head * predicted) + adapter + attention
}

/**
 * Of generating `made` tokens after a prompt each: two per weight and token, the head only where a token is chosen, and attention
 * of every token over those before it. The last token is not read.
 */
export function samplingFlop(model: LlamaConfig, promptLengths: readonly number[], made: number): number {
  const head = 2 * model.vocabulary * model.width
  return promptLengths.reduce((total, length) => {
    const tokens = length + made - 1
    return total + 2 * layerWeights(model) * tokens + head * made + 2 * model.layers * model.width * tokens ** 2
  }, 0)
}

/** Tokens, the same ones for every caller. A linear congruence is random enough to keep a model busy. */
export function randomTokens(vocabulary: number): () => number {
  let state = 1
  return () => (state = (state * 48_271) % 2_147_483_647) % vocabulary
}
