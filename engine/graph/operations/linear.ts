/** Products of matrices, and reductions over axes. */
import { emitOne, record, type Value } from '../graph.ts'
import type { Reduction } from '../operation.ts'
import { broadcastShapes, type Dimension, GraphError, normaliseAxis, reducedShape, type Shape } from '../types.ts'
import { add, exp, log, mul, requireFloat, requireNumbers, stopGradient, sub } from './elementwise.ts'
import { reshape } from './shape.ts'

export interface MatmulOptions {
  readonly transposeA?: boolean
  readonly transposeB?: boolean
  /** Multiplies the product. */
  readonly scale?: number
}

/**
 * scale · op(a) · op(b) over the last two axes; leading axes broadcast.
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
  return record(result, { op: 'matmul', inputs: [a, b], attributes: { transposeA, transposeB, scale } })
}

/** Sum over axes. */
export function sum(x: Value, axes: readonly number[], keepDimensions = false): Value {
  requireFloat('sum', x)
  const at = axes.map((axis) => normaliseAxis('sum', axis, x))
  if (at.length === 0) return x
  const result = reduce('ReduceSum', x, at, keepDimensions)
  return record(result, { op: 'sum', inputs: [x], attributes: { axes: at, keepDimensions } })
}

/** Mean over axes of fixed size. */
export function mean(x: Value, axes: readonly number[], keepDimensions = false): Value {
  const count = axes.reduce((product, axis) => {
    const dimension = x.shape[normaliseAxis('mean', axis, x)]
    if (typeof dimension !== 'number') throw new GraphError(`mean: axis ${axis} of ${x.toString()} has no fixed size`)
    return product * dimension
  }, 1)
  return mul(sum(x, axes, keepDimensions), 1 / count)
}

/** Sum of all elements, a scalar. */
export function total(x: Value): Value {
  return sum(x, [...x.shape.keys()])
}

/** Largest element along one axis; equal ones share the gradient. */
export function largest(x: Value, axis: number, keepDimensions = false): Value {
  return extremum('largest', 'ReduceMax', x, axis, keepDimensions)
}

/** Smallest element along one axis; equal ones share the gradient. */
export function smallest(x: Value, axis: number, keepDimensions = false): Value {
  return extremum('smallest', 'ReduceMin', x, axis, keepDimensions)
}

/** log Σ exp(x) along one axis, without overflow. */
export function logSumExp(x: Value, axis: number, keepDimensions = false): Value {
  const at = normaliseAxis('logSumExp', axis, x)
  const shift = stopGradient(largest(x, at, true))
  const result = add(log(sum(exp(sub(x, shift)), [at], true)), shift)
  return keepDimensions ? result : reshape(result, reducedShape(x.shape, [at], false))
}

function extremum(name: 'largest' | 'smallest', op: string, x: Value, axis: number, keepDimensions: boolean): Value {
  requireNumbers(name, x)
  const attributes: Reduction = { axes: [normaliseAxis(name, axis, x)], keepDimensions }
  const result = reduce(op, x, attributes.axes, keepDimensions)
  return x.dtype === 'float32' ? record(result, { op: name, inputs: [x], attributes }) : result
}

function reduce(op: string, x: Value, axes: readonly number[], keepDimensions: boolean): Value {
  const operand = x.graph.constant('int64', [axes.length], axes)
  const shape = reducedShape(x.shape, axes, keepDimensions)
  return emitOne(op, [x, operand], x.dtype, shape, { keepdims: { int: Number(keepDimensions) } })
}

function matmulShape(a: Value, b: Value, transposeA: boolean, transposeB: boolean): Shape {
  const matrix = ({ shape }: Value, transposed: boolean): [Dimension | undefined, Dimension | undefined] =>
    transposed ? [shape.at(-1), shape.at(-2)] : [shape.at(-2), shape.at(-1)]
  const [rows, inner] = matrix(a, transposeA)
  const [otherInner, columns] = matrix(b, transposeB)
  const leading = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))
  if (rows === undefined || columns === undefined || inner !== otherInner || leading === null) {
    const name = (value: Value, transposed: boolean): string => `${value.toString()}${transposed ? ' transposed' : ''}`
    throw new GraphError(`matmul: ${name(a, transposeA)} and ${name(b, transposeB)} do not fit`)
  }
  return [...leading, rows, columns]
}
