/** One decoding step: one new token of every row, against the prompt's and its own earlier keys and values. */
import {
  add,
  concat,
  gatherRows,
  matmul,
  reshape,
  rmsNorm,
  rotate,
  type RotaryTables,
  softmax,
  transpose,
  type Value,
} from '../graph/index.ts'
import { emitOne } from '../graph/graph.ts'
import { decoderLayer, feedForward } from '../models/llama-forward.ts'
import { EMBEDDING, headSize, type LlamaConfig } from '../models/llama.ts'
import type { Parameters } from '../models/parameters.ts'

export interface PromptCache {
  /** Per layer: keyTransposed [prompts, keyValueHeads, headSize, prefix], value [prompts, keyValueHeads, prefix, headSize]. */
  readonly layers: readonly { readonly keyTransposed: Value; readonly value: Value }[]
  /** Additive mask of pad tokens, [prompts, 1, 1, prefix]. */
  readonly mask: Value
}

export interface DecodeStep {
  readonly model: LlamaConfig
  readonly parameters: Parameters
  readonly tables: RotaryTables
  readonly cache: PromptCache
  readonly shape: { readonly prompts: number; readonly samplesPerPrompt: number; readonly promptLength: number }
  /** int32 [rows]. */
  readonly token: Value
  /** int64 [rows]. */
  readonly positions: Value
  /** Key and value of each layer in turn, [prompts, keyValueHeads, samples, generated, headSize]. */
  readonly generated: readonly Value[]
}

/** Returns the normalised last hidden states [rows, width] and the grown keys and values. */
export function decodeStep(step: DecodeStep): { hidden: Value; generated: Value[] } {
  const { model, parameters, tables, cache, token } = step
  const { prompts, samplesPerPrompt: samples, promptLength } = step.shape
  const { heads, keyValueHeads } = model
  const rows = prompts * samples
  const size = headSize(model)
  const group = heads / keyValueHeads
  const prefix = promptLength - 1
  const positions = reshape(step.positions, [rows, 1])
  const rotated = (x: Value, columns: number): Value => rotate(reshape(x, [rows, 1, columns]), positions, tables)
  /** [rows, (1,) heads · size] → [prompts, keyValueHeads, samples, heads per keyValueHead, size] */
  const byPrompt = (x: Value, perKey: number): Value =>
    transpose(reshape(x, [prompts, samples, keyValueHeads, perKey, size]), [0, 2, 1, 3, 4])
  const generated: Value[] = []
  let x = gatherRows(parameters.get(EMBEDDING), token)
  for (const [index, prompt] of cache.layers.entries()) {
    const layer = decoderLayer(model, parameters, index)
    const earlier = step.generated.slice(2 * index, 2 * index + 2)
    const [earlierKeys, earlierValues] = earlier
    if (earlierKeys === undefined || earlierValues === undefined) throw new RangeError(`layer ${index} has no cache`)
    const normalised = rmsNorm(x, layer.attentionNorm, model.normEpsilon)
    const query = byPrompt(rotated(layer.query(normalised), heads * size), group)
    const newKey = byPrompt(rotated(layer.key(normalised), keyValueHeads * size), 1)
    const newValue = byPrompt(layer.value(normalised), 1)
    const keys = concat([earlierKeys, newKey], 3, `grown_${2 * index}`)
    const values = concat([earlierValues, newValue], 3, `grown_${2 * index + 1}`)
    generated.push(keys, values)

    const scale = 1 / Math.sqrt(size)
    const shared = [prompts, keyValueHeads, samples * group]
    const promptScores = matmul(reshape(query, [...shared, size]), prompt.keyTransposed, { scale })
    const ownScores = matmul(query, keys, { transposeB: true, scale })
    const own = `grown_${2 * index}`
    const scores = concat([add(promptScores, cache.mask), reshape(ownScores, [...shared, own])], 3, 'attended')
    const probabilities = softmax(scores)
    const onPrompt = matmul(slicePrefix(probabilities, prefix), prompt.value)
    const rest = reshape(sliceRest(probabilities, prefix, own), [prompts, keyValueHeads, samples, group, own])
    const onOwn = emitOne('MatMul', [rest, values], 'float32', [prompts, keyValueHeads, samples, group, size])
    const mixed = add(reshape(onPrompt, [prompts, keyValueHeads, samples, group, size]), onOwn)
    const joined = reshape(transpose(mixed, [0, 2, 1, 3, 4]), [rows, heads * size])
    x = add(x, layer.output(joined))
    x = add(x, feedForward(rmsNorm(x, layer.feedForwardNorm, model.normEpsilon), layer))
  }
  return { hidden: rmsNorm(x, parameters.get('model.norm.weight'), model.normEpsilon), generated }
}

function slicePrefix(x: Value, end: number): Value {
  return sliceLast(x, 0, end, end)
}

function sliceRest(x: Value, start: number, name: string): Value {
  return sliceLast(x, start, 2 ** 31 - 1, name)
}

/** x[..., start:end] where the last axis is named. */
function sliceLast(x: Value, start: number, end: number, size: number | string): Value {
  const bound = (value: number): Value => x.graph.constant('int64', [1], [value])
  const shape = [...x.shape.slice(0, -1), size]
  return emitOne('Slice', [x, bound(start), bound(end), bound(x.shape.length - 1)], x.dtype, shape)
}
