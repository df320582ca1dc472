/**
 * The table of gradients: one entry per differentiable operation, mapping the cotangents of its outputs to those of its inputs
 * (vector-Jacobian products). ONNX Runtime has no gradient operators in its inference build, so each is written in forward ones.
 */
import type { Value } from '../graph/graph.ts'
import { add, cast, div, exp, lessOrEqual, mul, neg, sub } from '../graph/operations/elementwise.ts'
import { matmul, mean, sum } from '../graph/operations/linear.ts'
import { oneHot, rotate } from '../graph/operations/neural.ts'
import { concat, expand, reshape, split, transpose } from '../graph/operations/shape.ts'
import type { OperationName, OperationOf } from '../graph/operation.ts'
import { emitOne } from '../graph/graph.ts'
import { elementCount, fixedDimension, GraphError, type Shape } from '../graph/types.ts'

/** Returns one cotangent per input; null says that none flows. Work for inputs that are not `needed` may be left out. */
export type Rule<Name extends OperationName> = (
  operation: OperationOf<Name>,
  cotangents: readonly (Value | null)[],
  needed: (input: Value) => boolean,
) => readonly (Value | null)[]

type Rules = { readonly [Name in OperationName]: Rule<Name> }

/** Up to this many rows the gradient of a table is a product with one-hot rows, which is faster than a scatter. */
const LARGEST_ONE_HOT = 4096

export const vectorJacobianProducts: Rules = {
  add: ({ inputs }, cotangents) => inputs.map((input) => unbroadcast(only(cotangents), input.shape)),
  sub: ({ inputs }, cotangents, needed) => {
    const dy = only(cotangents)
    const [a, b] = pair(inputs)
    return [unbroadcast(dy, a.shape), needed(b) ? unbroadcast(neg(dy), b.shape) : null]
  },
  mul: ({ inputs }, cotangents, needed) => {
    const dy = only(cotangents)
    const [a, b] = pair(inputs)
    return [needed(a) ? unbroadcast(mul(dy, b), a.shape) : null, needed(b) ? unbroadcast(mul(dy, a), b.shape) : null]
  },
  div: ({ inputs, outputs }, cotangents, needed) => {
    const dy = only(cotangents)
    const [a, b] = pair(inputs)
    const da = div(dy, b)
    return [unbroadcast(da, a.shape), needed(b) ? unbroadcast(neg(mul(da, operand(outputs))), b.shape) : null]
  },
  neg: (_, cotangents) => [neg(only(cotangents))],
  exp: ({ outputs }, cotangents) => [mul(only(cotangents), operand(outputs))],
  log: ({ inputs }, cotangents) => [div(only(cotangents), operand(inputs))],
  sqrt: ({ outputs }, cotangents) => [div(mul(only(cotangents), 0.5), operand(outputs))],
  sigmoid: ({ outputs }, cotangents) => {
    const y = operand(outputs)
    return [mul(only(cotangents), mul(y, sub(1, y)))]
  },
  softplus: ({ inputs }, cotangents) => [mul(only(cotangents), plainSigmoid(operand(inputs)))],
  // d(x·s)/dx = s·(1 + x·(1 - s)) = s + y·(1 - s) = y + s·(1 - y), with s = sigmoid(x) and y = x·s.
  silu: ({ inputs, outputs }, cotangents) => {
    const x = operand(inputs)
    const y = operand(outputs)
    const s = plainSigmoid(x)
    return [mul(only(cotangents), add(y, mul(s, sub(1, y))))]
  },
  // Of equal operands the first takes the whole gradient.
  minimum: ({ inputs }, cotangents) => choose(inputs, only(cotangents), lessOrEqual),
  maximum: ({ inputs }, cotangents) => choose(inputs, only(cotangents), (a, b) => lessOrEqual(b, a)),
  stopGradient: () => [null],
  sum: ({ inputs, attributes }, cotangents) => {
    const x = operand(inputs)
    const kept = x.shape.map((dimension, axis) => (attributes.axes.includes(axis) ? 1 : dimension))
    return [expand(reshape(only(cotangents), kept), fixed(x.shape))]
  },
  cumulativeSum: (_, cotangents) => {
    const dy = only(cotangents)
    const axis = dy.graph.scalar(dy.shape.length - 1, 'int64')
    return [emitOne('CumSum', [dy, axis], 'float32', dy.shape, { reverse: { int: 1 } })]
  },
  softmax: ({ outputs }, cotangents) => [softmaxBackward(operand(outputs), only(cotangents))],
  logSoftmax: ({ outputs }, cotangents) => {
    const dy = only(cotangents)
    return [sub(dy, mul(exp(operand(outputs)), sum(dy, [-1], true)))]
  },
  // d log p(label) / d logits = onehot(label) - softmax(logits).
  tokenLogProbability: ({ outputs }, cotangents) => {
    const [, logProbabilities, column] = outputs
    const [dy] = cotangents
    if (logProbabilities === undefined || column === undefined || dy === undefined || dy === null) throw missing()
    const vocabulary = fixedDimension(logProbabilities.shape, 1)
    const weight = reshape(dy, [fixedDimension(dy.shape, 0), 1])
    return [mul(sub(oneHot(column, vocabulary), exp(logProbabilities)), weight), null]
  },
  // y = w·x̂ with x̂ = x·r: dw = Σ dy·x̂ and dx = r·(w·dy - x̂·mean(w·dy·x̂)).
  rmsNorm: ({ inputs, outputs }, cotangents, needed) => {
    const [x, weight] = pair(inputs)
    const [dy] = cotangents
    const inverseRms = outputs[1]
    if (dy === undefined || dy === null || inverseRms === undefined) throw missing()
    const normalised = mul(x, inverseRms)
    const product = mul(dy, normalised)
    const scaled = mul(dy, weight)
    const projection = mean(mul(product, weight), [-1], true)
    return [
      needed(x) ? mul(sub(scaled, mul(normalised, projection)), inverseRms) : null,
      needed(weight) ? unbroadcast(product, weight.shape) : null,
    ]
  },
  // A rotation's transpose turns the other way.
  rotate: ({ attributes }, cotangents) => {
    const { positions, cosine, sine, negativeSine } = attributes
    return [rotate(only(cotangents), positions, { cosine, sine: negativeSine, negativeSine: sine })]
  },
  matmul: ({ inputs, attributes }, cotangents, needed) => {
    const dy = only(cotangents)
    const [a, b] = pair(inputs)
    const { transposeA, transposeB, scale } = attributes
    const da = (): Value =>
      transposeA
        ? matmul(b, dy, { transposeA: transposeB, transposeB: true, scale })
        : matmul(dy, b, { transposeB: !transposeB, scale })
    const db = (): Value =>
      transposeB
        ? matmul(dy, a, { transposeA: true, transposeB: transposeA, scale })
        : matmul(a, dy, { transposeA: !transposeA, scale })
    return [needed(a) ? da() : null, needed(b) ? db() : null]
  },
  reshape: ({ inputs }, cotangents) => [reshape(only(cotangents), operand(inputs).shape)],
  transpose: ({ attributes: { permutation } }, cotangents) => {
    const inverse = permutation.map((_, axis) => permutation.indexOf(axis))
    return [transpose(only(cotangents), inverse)]
  },
  concat: ({ inputs, attributes: { axis } }, cotangents) =>
    split(
      only(cotangents),
      axis,
      inputs.map((input) => fixedDimension(input.shape, axis)),
    ),
  split: ({ outputs, attributes: { axis } }, cotangents) => {
    const parts = outputs.map((output, index) => cotangents[index] ?? zeros(output))
    return [concat(parts, axis)]
  },
  expand: ({ inputs }, cotangents) => [unbroadcast(only(cotangents), operand(inputs).shape)],
  slice: ({ inputs, attributes: { axis, start, end } }, cotangents) => {
    const x = operand(inputs)
    const dy = only(cotangents)
    const size = fixedDimension(x.shape, axis)
    const padding = (length: number): Value[] => {
      const shape = fixed(x.shape).map((dimension, index) => (index === axis ? length : dimension))
      return length === 0 ? [] : [expand(dy.graph.scalar(0), shape)]
    }
    return [concat([...padding(start), dy, ...padding(size - end)], axis)]
  },
  // ScatterND(add) loses updates when rows repeat and more than one thread runs; these two forms do not.
  gatherRows: ({ inputs }, cotangents) => {
    const [table, indices] = pair(inputs)
    const [rows, width] = fixed(table.shape)
    if (rows === undefined || width === undefined) throw missing()
    const count = elementCount(indices.shape)
    const dy = reshape(only(cotangents), [count, width])
    const column = reshape(indices, [count, 1])
    if (rows <= LARGEST_ONE_HOT) return [matmul(oneHot(column, rows), dy, { transposeA: true }), null]
    const empty = expand(dy.graph.scalar(0), [rows, width])
    const spread = expand(column, [count, width])
    return [scatterAdd(empty, spread, dy), null]
  },
  // O = P·V, P = softmax(S), S = scale·Q·Kᵀ + mask: dS = P·(dP - rowsum(dO·O)), for rowsum(P·dP) = rowsum(dO·O).
  attention: ({ inputs, outputs, attributes: { scale } }, cotangents) => {
    const [query, key, value] = inputs
    const [output, probabilities] = outputs
    const [dy] = cotangents
    if (query === undefined || key === undefined || value === undefined) throw missing()
    if (output === undefined || probabilities === undefined || dy === undefined || dy === null) throw missing()
    const dProbabilities = matmul(dy, value, { transposeB: true })
    const rowSum = sum(mul(dy, output), [-1], true)
    const dScores = mul(probabilities, sub(dProbabilities, rowSum))
    return [
      matmul(dScores, key, { scale }),
      matmul(dScores, query, { transposeA: true, scale }),
      matmul(probabilities, dy, { transposeA: true }),
    ]
  },
}

/** Not recorded: nothing is differentiated twice. */
function plainSigmoid(x: Value): Value {
  return emitOne('Sigmoid', [x], 'float32', x.shape)
}

function scatterAdd(target: Value, indices: Value, updates: Value): Value {
  const attributes = { axis: { int: 0 }, reduction: { string: 'add' } }
  return emitOne('ScatterElements', [target, indices, updates], 'float32', target.shape, attributes)
}

function softmaxBackward(probabilities: Value, dy: Value): Value {
  const product = mul(dy, probabilities)
  return sub(product, mul(probabilities, sum(product, [-1], true)))
}

function choose(inputs: readonly Value[], dy: Value, first: (a: Value, b: Value) => Value): (Value | null)[] {
  const [a, b] = pair(inputs)
  const mask = cast(first(a, b), 'float32')
  return [unbroadcast(mul(dy, mask), a.shape), unbroadcast(mul(dy, sub(1, mask)), b.shape)]
}

/** Sums a cotangent over the axes along which its operand was repeated. */
function unbroadcast(dy: Value, shape: Shape): Value {
  const added = dy.shape.length - shape.length
  const axes = dy.shape.flatMap((dimension, axis) => (axis < added || shape[axis - added] !== dimension ? [axis] : []))
  return axes.length === 0 ? dy : reshape(sum(dy, axes), shape)
}

function zeros(like: Value): Value {
  return expand(like.graph.scalar(0), fixed(like.shape))
}

function fixed(shape: Shape): number[] {
  return shape.map((_, axis) => fixedDimension(shape, axis))
}

function only(cotangents: readonly (Value | null)[]): Value {
  const [cotangent] = cotangents
  if (cotangent === undefined || cotangent === null) throw missing()
  return cotangent
}

function operand(values: readonly Value[]): Value {
  const [value] = values
  if (value === undefined) throw missing()
  return value
}

function pair(values: readonly Value[]): [Value, Value] {
  const [a, b] = values
  if (a === undefined || b === undefined) throw missing()
  return [a, b]
}

function missing(): GraphError {
  return new GraphError('a gradient rule misses an operand')
}
