/** Operations of networks that have a gradient of their own, cheaper or more exact than that of their parts. */
import { emit, emitOne, type OutputType, record, type Value } from '../graph.ts'
import { broadcast, fixedSize, GraphError, sameShape } from '../types.ts'
import { add, requireFloat } from './elementwise.ts'
import { matmul } from './linear.ts'
import { reshape } from './shape.ts'

/** Running sum over the last axis. */
export function cumulativeSum(x: Value): Value {
  requireFloat('cumulativeSum', x)
  const result = emitOne('CumSum', [x, x.graph.scalar(x.shape.length - 1, 'int64')], 'float32', x.shape)
  return record(result, { op: 'cumulativeSum', inputs: [x], attributes: {} })
}

/** log p(label) under softmax(logits): logits [rows, vocabulary], labels int32 [rows] → [rows]. */
export function tokenLogProbability(logits: Value, labels: Value): Value {
  requireLabels('tokenLogProbability', logits, labels)
  const { result, logProbabilities, column } = logProbabilityOf(logits, labels)
  const attributes = { logProbabilities, column }
  return record(result, { op: 'tokenLogProbability', inputs: [logits, labels], attributes })
}

/**
 * log p(label) of a language model's head: hidden [rows, width], table [vocabulary, width], labels int32 [rows] → [rows]. The same
 * as tokenLogProbability(hidden · tableᵀ, labels), but its gradient never spreads the labels over the vocabulary.
 */
export function headLogProbability(hidden: Value, table: Value, labels: Value): Value {
  requireLabels('headLogProbability', hidden, labels)
  requireFloat('headLogProbability', table)
  const [rows = 0, width] = hidden.shape
  const [vocabulary = 0, columns] = table.shape
  if (width !== columns) {
    throw new GraphError(`headLogProbability: ${hidden.toString()} and ${table.toString()} do not fit`)
  }
  const logits = emitOne('Gemm', [hidden, table], 'float32', [rows, vocabulary], { transB: { int: 1 } })
  const { result, logProbabilities } = logProbabilityOf(logits, labels)
  const inputs = [hidden, table, labels] as const
  return record(result, { op: 'headLogProbability', inputs, attributes: { logProbabilities } })
}

function requireLabels(op: string, x: Value, labels: Value): void {
  requireFloat(op, x)
  const isLabels = labels.dtype === 'int32' && labels.shape.length === 1 && labels.shape[0] === x.shape[0]
  if (!isLabels || x.shape.length !== 2)
    throw new GraphError(`${op}: ${x.toString()} and ${labels.toString()} do not fit`)
}

function logProbabilityOf(logits: Value, labels: Value) {
  const [rows = 0] = logits.shape
  const logProbabilities = emitOne('LogSoftmax', [logits], 'float32', logits.shape, { axis: { int: -1 } })
  const column = reshape(labels, [rows, 1])
  const picked = emitOne('GatherElements', [logProbabilities, column], 'float32', [rows, 1], { axis: { int: 1 } })
  const axis = labels.graph.constant('int64', [1], [1])
  return { result: emitOne('Squeeze', [picked, axis], 'float32', [rows]), logProbabilities, column }
}

/** silu(gate) · up, the gated unit of SwiGLU (Shazeer 2020). */
export function swiglu(gate: Value, up: Value): Value {
  requireFloat('swiglu', gate, up)
  if (!sameShape(gate.shape, up.shape)) throw new GraphError(`swiglu: ${gate.toString()} and ${up.toString()} differ`)
  const activated = emitOne('QuickGelu', [gate], 'float32', gate.shape, { alpha: { float: 1 } }, 'com.microsoft')
  const result = emitOne('Mul', [activated, up], 'float32', gate.shape)
  return record(result, { op: 'swiglu', inputs: [gate, up], attributes: { activated } })
}

/** weight · x / sqrt(mean(x²) + epsilon) over the last axis (Zhang & Sennrich 2019). x [rows, width], weight [width]. */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  requireFloat('rmsNorm', x, weight)
  if (weight.shape.length !== 1 || weight.shape[0] !== x.shape.at(-1)) {
    throw new GraphError(`rmsNorm: ${x.toString()} and ${weight.toString()} do not fit`)
  }
  const [like, statistic] = normalisedTypes(x)
  const settings = { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } }
  const [result, inverseRms] = emit('SimplifiedLayerNormalization', [x, weight], [like, statistic], settings)
  return record(result, { op: 'rmsNorm', inputs: [x, weight], attributes: { inverseRms } })
}

/**
 * weight · (x - mean) / sqrt(variance + epsilon) + bias over the last axis (Ba et al. 2016). x [..., width], weight and bias
 * [width].
 */
export function layerNorm(x: Value, weight: Value, bias: Value, epsilon: number): Value {
  requireFloat('layerNorm', x, weight, bias)
  for (const vector of [weight, bias]) {
    if (vector.shape.length !== 1 || vector.shape[0] !== x.shape.at(-1)) {
      throw new GraphError(`layerNorm: ${x.toString()} and ${vector.toString()} do not fit`)
    }
  }
  const [like, statistic] = normalisedTypes(x)
  const settings = { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } }
  const types = [like, statistic, statistic] as const
  const [result, average, inverseDeviation] = emit('LayerNormalization', [x, weight, bias], types, settings)
  return record(result, { op: 'layerNorm', inputs: [x, weight, bias], attributes: { average, inverseDeviation } })
}

/** What a norm gives: its result, and a statistic of each row. */
function normalisedTypes(x: Value): [OutputType, OutputType] {
  return [
    { dtype: 'float32', shape: x.shape },
    { dtype: 'float32', shape: [...x.shape.slice(0, -1), 1] },
  ]
}

/** Cosines and sines of rotary position embeddings, each float32 [positions, headSize / 2]. */
export interface RotaryTables {
  readonly cosine: Value
  readonly sine: Value
  readonly negativeSine: Value
}

/**
 * Rotary position embedding (Su et al. 2021) in the half-rotated layout of Hugging Face checkpoints.
 * x [batch, length, heads · headSize]; positions int64 [batch, length], or [1]: the position of the first column.
 */
export function rotate(x: Value, positions: Value, tables: RotaryTables): Value {
  requireFloat('rotate', x)
  const { cosine, sine, negativeSine } = tables
  if (x.shape.length !== 3 || cosine.shape.length !== 2 || positions.dtype !== 'int64') {
    throw new GraphError(`rotate: ${x.toString()} by ${cosine.toString()} at positions ${positions.toString()}`)
  }
  for (const table of [sine, negativeSine]) {
    if (sameShape(table.shape, cosine.shape)) continue
    throw new GraphError(`rotate: ${cosine.toString()} and ${table.toString()} differ in shape`)
  }
  const headSize = 2 * fixedSize('rotate', cosine, 1)
  if (fixedSize('rotate', x, 2) % headSize !== 0) {
    throw new GraphError(`rotate: ${x.toString()} holds no heads of ${headSize}, which ${cosine.toString()} are for`)
  }
  const result = emitOne('RotaryEmbedding', [x, positions, cosine, sine], 'float32', x.shape, {}, 'com.microsoft')
  return record(result, { op: 'rotate', inputs: [x], attributes: { positions, cosine, sine, negativeSine } })
}

/**
 * softmax(scale · query · keyᵀ + mask) · value over the last two axes; leading axes equal.
 * query [..., rows, headSize], key and value [..., length, headSize], mask broadcastable to [..., rows, length].
 */
export function attention(query: Value, key: Value, value: Value, mask: Value, scale: number): Value {
  requireFloat('attention', query, key, value, mask)
  if (query.shape.at(-1) !== key.shape.at(-1) || key.shape.at(-2) !== value.shape.at(-2)) {
    throw new GraphError(`attention: ${[query, key, value].join(', ')} do not fit`)
  }
  const product = matmul(query, key, { transposeB: true, scale })
  broadcast('attention', product, mask)
  const scores = add(product, mask)
  const probabilities = emitOne('Softmax', [scores], 'float32', scores.shape, { axis: { int: -1 } })
  const shape = [...query.shape.slice(0, -1), fixedSize('attention', value, -1)]
  const output = emitOne('MatMul', [probabilities, value], 'float32', shape)
  return record(output, { op: 'attention', inputs: [query, key, value], attributes: { scale, probabilities } })
}
