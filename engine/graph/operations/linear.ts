/** Products of matrices and sums over axes. */
import { emitOne, record, type Value } from '../graph.ts'
import { type Dimension, formatShape, GraphError, normaliseAxis, type Shape } from '../types.ts'
import { mul, requireFloat } from './elementwise.ts'

export interface MatmulOptions {
  readonly transposeA?: boolean
  readonly transposeB?: boolean
  /** Multiplies the product. */
  readonly scale?: number
}

/**
 * scale · op(a) · op(b) over the last two axes; leading axes must be equal.
 * Two matrices go through Gemm, batches through ONNX Runtime's FusedMatMul, so that no transpose is ever materialised.
 */
export function matmul(a: Value, b: Value, options: MatmulOptions = {}): Value {
  const { transposeA = false, transposeB = false, scale = 1 } = options
  requireFloat('matmul', a, b)
  const shape = matmulShape(a, b, transposeA, transposeB)
  const flags = { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) }, alpha: { float: scale } }
  const result =
    shape.length === 2
      ? emitOne('Gemm', [a, b], 'float32', shape, flags)
      : emitOne('FusedMatMul', [a, b], 'float32', shape, flags, 'com.microsoft')
  record({ op: 'matmul', inputs: [a, b], outputs: [result], attributes: { transposeA, transposeB, scale } })
  return result
}

/** Sum over axes. */
export function sum(x: Value, axes: readonly number[], keepDimensions = false): Value {
  requireFloat('sum', x)
  const at = axes.map((axis) => normaliseAxis('sum', axis, x.shape))
  if (at.length === 0) return x
  const result = reduce('ReduceSum', x, at, keepDimensions)
  record({ op: 'sum', inputs: [x], outputs: [result], attributes: { axes: at, keepDimensions } })
  return result
}

/** Mean over axes of fixed size. */
export function mean(x: Value, axes: readonly number[], keepDimensions = false): Value {
  const count = axes.reduce((product, axis) => {
    const dimension = x.shape.at(axis)
    if (typeof dimension !== 'number') throw new GraphError(`mean: axis ${axis} of ${x.toString()} has no fixed size`)
    return product * dimension
  }, 1)
  return mul(sum(x, axes, keepDimensions), 1 / count)
}

/** Sum of all elements, a scalar. */
export function total(x: Value): Value {
  return sum(
    x,
    x.shape.map((_, axis) => axis),
  )
}

/** Largest element along one axis; no gradient flows through it. */
export function largest(x: Value, axis: number, keepDimensions = false): Value {
  return reduce('ReduceMax', x, [normaliseAxis('largest', axis, x.shape)], keepDimensions)
}

/** Smallest element along one axis; no gradient flows through it. */
export function smallest(x: Value, axis: number, keepDimensions = false): Value {
  return reduce('ReduceMin', x, [normaliseAxis('smallest', axis, x.shape)], keepDimensions)
}

function reduce(op: string, x: Value, axes: readonly number[], keepDimensions: boolean): Value {
  const shape: Dimension[] = []
  for (const [axis, dimension] of x.shape.entries()) {
    if (!axes.includes(axis)) shape.push(dimension)
    else if (keepDimensions) shape.push(1)
  }
  const operand = x.graph.constant('int64', [axes.length], axes)
  return emitOne(op, [x, operand], x.dtype, shape, { keepdims: { int: Number(keepDimensions) } })
}

function matmulShape(a: Value, b: Value, transposeA: boolean, transposeB: boolean): Shape {
  const fail = (): never => {
    const describe = (value: Value, transposed: boolean): string =>
      `${formatShape(value.shape)}${transposed ? ' transposed' : ''}`
    throw new GraphError(`matmul: ${describe(a, transposeA)} and ${describe(b, transposeB)} do not fit`)
  }
  if (a.shape.length < 2 || a.shape.length !== b.shape.length) fail()
  const leading = a.shape.slice(0, -2)
  const [aRows, aColumns] = transposeA ? [a.shape.at(-1), a.shape.at(-2)] : [a.shape.at(-2), a.shape.at(-1)]
  const [bRows, bColumns] = transposeB ? [b.shape.at(-1), b.shape.at(-2)] : [b.shape.at(-2), b.shape.at(-1)]
  if (aColumns !== bRows || leading.some((dimension, axis) => dimension !== b.shape[axis])) fail()
  if (aRows === undefined || bColumns === undefined) return fail()
  return [...leading, aRows, bColumns]
}
