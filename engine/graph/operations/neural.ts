/** Operations of networks that have a gradient of their own, cheaper or more exact than that of their parts. */
import { emit, emitOne, record, type Value } from '../graph.ts'
import { broadcast, type Dimension, fixedSize, formatShape, GraphError, sameShape, type Shape } from '../types.ts'
import { add, requireFloat } from './elementwise.ts'
import { matmul } from './linear.ts'
import { reshape } from './shape.ts'

/** Softmax over the last axis. */
export function softmax(x: Value): Value {
  requireFloat('softmax', x)
  const result = emitOne('Softmax', [x], 'float32', x.shape, { axis: { int: -1 } })
  record({ op: 'softmax', inputs: [x], outputs: [result], attributes: {} })
  return result
}

/** log softmax over the last axis. */
export function logSoftmax(x: Value): Value {
  requireFloat('logSoftmax', x)
  const result = emitOne('LogSoftmax', [x], 'float32', x.shape, { axis: { int: -1 } })
  record({ op: 'logSoftmax', inputs: [x], outputs: [result], attributes: {} })
  return result
}

/** Running sum over the last axis. */
export function cumulativeSum(x: Value): Value {
  requireFloat('cumulativeSum', x)
  const result = emitOne('CumSum', [x, x.graph.scalar(x.shape.length - 1, 'int64')], 'float32', x.shape)
  record({ op: 'cumulativeSum', inputs: [x], outputs: [result], attributes: {} })
  return result
}

/** log p(label) under softmax(logits): logits [rows, vocabulary], labels int32 [rows] → [rows]. */
export function tokenLogProbability(logits: Value, labels: Value): Value {
  requireFloat('tokenLogProbability', logits)
  const [rows] = logits.shape
  if (logits.shape.length !== 2 || !isLabels(labels, rows) || rows === undefined) {
    throw new GraphError(`tokenLogProbability: ${logits.toString()} and ${labels.toString()} do not fit`)
  }
  const logProbabilities = emitOne('LogSoftmax', [logits], 'float32', logits.shape, { axis: { int: -1 } })
  const axis = labels.graph.constant('int64', [1], [1])
  const column = emitOne('Unsqueeze', [labels, axis], labels.dtype, [rows, 1])
  const picked = emitOne('GatherElements', [logProbabilities, column], 'float32', [rows, 1], { axis: { int: 1 } })
  const result = emitOne('Squeeze', [picked, axis], 'float32', [rows])
  record({
    op: 'tokenLogProbability',
    inputs: [logits, labels],
    outputs: [result, logProbabilities, column],
    attributes: {},
  })
  return result
}

/**
 * log p(label) of a language model's head: hidden [rows, width], table [vocabulary, width], labels int32 [rows] → [rows]. The same
 * as tokenLogProbability(hidden · tableᵀ, labels), but its gradient never spreads the labels over the vocabulary.
 */
export function headLogProbability(hidden: Value, table: Value, labels: Value): Value {
  const logits = emitGemm(hidden, table)
  const [rows] = hidden.shape
  if (!isLabels(labels, rows) || rows === undefined) {
    throw new GraphError(`headLogProbability: ${hidden.toString()} and ${labels.toString()} do not fit`)
  }
  const logProbabilities = emitOne('LogSoftmax', [logits], 'float32', logits.shape, { axis: { int: -1 } })
  const column = reshape(labels, [rows, 1])
  const picked = emitOne('GatherElements', [logProbabilities, column], 'float32', [rows, 1], { axis: { int: 1 } })
  const axis = labels.graph.constant('int64', [1], [1])
  const result = emitOne('Squeeze', [picked, axis], 'float32', [rows])
  const outputs = [result, logProbabilities]
  record({ op: 'headLogProbability', inputs: [hidden, table, labels], outputs, attributes: {} })
  return result
}

function isLabels({ dtype, shape }: Value, rows: Dimension | undefined): boolean {
  return dtype === 'int32' && shape.length === 1 && shape[0] === rows
}

/** hidden · tableᵀ, not recorded. */
function emitGemm(hidden: Value, table: Value): Value {
  const [rows, width] = hidden.shape
  const [vocabulary, columns] = table.shape
  requireFloat('headLogProbability', hidden, table)
  if (rows === undefined || vocabulary === undefined || width !== columns || hidden.shape.length !== 2) {
    throw new GraphError(`headLogProbability: ${hidden.toString()} and ${table.toString()} do not fit`)
  }
  return emitOne('Gemm', [hidden, table], 'float32', [rows, vocabulary], { transB: { int: 1 } })
}

/** silu(gate) · up, the gated unit of SwiGLU (Shazeer 2020). */
export function swiglu(gate: Value, up: Value): Value {
  requireFloat('swiglu', gate, up)
  if (!sameShape(gate.shape, up.shape)) throw new GraphError(`swiglu: ${gate.toString()} and ${up.toString()} differ`)
  const activated = emitOne('QuickGelu', [gate], 'float32', gate.shape, { alpha: { float: 1 } }, 'com.microsoft')
  const result = emitOne('Mul', [activated, up], 'float32', gate.shape)
  record({ op: 'swiglu', inputs: [gate, up], outputs: [result, activated], attributes: {} })
  return result
}

/** weight · x / sqrt(mean(x²) + epsilon) over the last axis (Zhang & Sennrich 2019). x [rows, width], weight [width]. */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  requireFloat('rmsNorm', x, weight)
  if (weight.shape.length !== 1 || weight.shape[0] !== x.shape.at(-1)) {
    throw new GraphError(`rmsNorm: ${x.toString()} and ${weight.toString()} do not fit`)
  }
  const statistics: Shape = [...x.shape.slice(0, -1), 1]
  const outputs = emit(
    'SimplifiedLayerNormalization',
    [x, weight],
    [
      { dtype: 'float32', shape: x.shape },
      { dtype: 'float32', shape: statistics },
    ],
    { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } },
  )
  record({ op: 'rmsNorm', inputs: [x, weight], outputs, attributes: {} })
  return first(outputs)
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
  const statistics = { dtype: 'float32' as const, shape: [...x.shape.slice(0, -1), 1] }
  const outputs = emit(
    'LayerNormalization',
    [x, weight, bias],
    [{ dtype: 'float32', shape: x.shape }, statistics, statistics],
    { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } },
  )
  record({ op: 'layerNorm', inputs: [x, weight, bias], outputs, attributes: {} })
  return first(outputs)
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
  record({ op: 'rotate', inputs: [x], outputs: [result], attributes: { positions, cosine, sine, negativeSine } })
  return result
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
  const shape: Dimension[] = [...query.shape.slice(0, -1), fixedSize('attention', value, -1)]
  const output = emitOne('MatMul', [probabilities, value], 'float32', shape)
  record({
    op: 'attention',
    inputs: [query, key, value],
    outputs: [output, probabilities],
    attributes: { scale },
  })
  return output
}

function first(values: readonly Value[]): Value {
  const [value] = values
  if (value === undefined) throw new GraphError(`expected one value, got ${formatShape([])}`)
  return value
}
