/** What several gradient rules share. */
import type { Value } from '../graph/graph.ts'
import { emitOne } from '../graph/graph.ts'
import type { OperationName, OperationOf } from '../graph/operation.ts'
import { cast, div, equal, mul, sub } from '../graph/operations/elementwise.ts'
import { oneHot, scatterAdd } from '../graph/operations/indexing.ts'
import { matmul, sum } from '../graph/operations/linear.ts'
import { expand, reshape } from '../graph/operations/shape.ts'
import { fixedDimension, GraphError, product, reducedShape, type Shape } from '../graph/types.ts'

/** Returns one cotangent per input; null says that none flows. Work for inputs that are not `needed` may be left out. */
export type Rule<Name extends OperationName> = (
  operation: OperationOf<Name>,
  cotangents: readonly (Value | null)[],
  needed: (input: Value) => boolean,
) => readonly (Value | null)[]

/** The rule of y = f(x), from its derivative: dx = dy · derivative(x, y). */
export function chain<Name extends OperationName>(derivative: (x: Value, y: Value) => Value): Rule<Name> {
  return ({ inputs, outputs }, cotangents) => [mul(only(cotangents), derivative(first(inputs), first(outputs)))]
}

/** The rule of f(a, b) that hands the cotangent to one operand, the first where the condition holds. */
export function choice<Name extends OperationName>(isFirst: (a: Value, b: Value) => Value): Rule<Name> {
  return ({ inputs }, cotangents) => {
    const dy = only(cotangents)
    const [a, b] = pair(inputs)
    const mask = cast(isFirst(a, b), 'float32')
    return [unbroadcast(mul(dy, mask), a.shape), unbroadcast(mul(dy, sub(1, mask)), b.shape)]
  }
}

/** The rule of a maximum or minimum over axes: the elements that reach it share the cotangent. */
export const sharedExtremum: Rule<'largest' | 'smallest'> = ({ inputs, outputs, attributes: { axes } }, cotangents) => {
  const x = first(inputs)
  const kept = reducedShape(x.shape, axes, true)
  const reached = cast(equal(x, reshape(first(outputs), kept)), 'float32')
  return [mul(reached, div(reshape(only(cotangents), kept), sum(reached, axes, true)))]
}

/** Not recorded: nothing is differentiated twice. */
export function plainSigmoid(x: Value): Value {
  return emitOne('Sigmoid', [x], 'float32', x.shape)
}

/** Sums a cotangent over the axes along which its operand was repeated. */
export function unbroadcast(dy: Value, shape: Shape): Value {
  const added = dy.shape.length - shape.length
  const axes = dy.shape.flatMap((dimension, axis) => (axis < added || shape[axis - added] !== dimension ? [axis] : []))
  return axes.length === 0 ? dy : reshape(sum(dy, axes), shape)
}

/** x repeated up to the shape of another value. */
export function expandLike(x: Value, like: Value): Value {
  if (like.shape.every((dimension) => typeof dimension === 'number')) return expand(x, fixed(like.shape))
  const shape = emitOne('Shape', [like], 'int64', [like.shape.length])
  return emitOne('Expand', [x, shape], x.dtype, like.shape)
}

/** Up to this many rows the gradient of a table is a product with one-hot rows, which is faster than a scatter. */
const LARGEST_ONE_HOT = 4096

/** The gradient of rows that were read from a table: each goes to its place, and those of equal indices add up. */
export function sumRows(indices: Value, rows: Value, table: Value): Value {
  const [size, width] = [fixedDimension(table.shape, 0), fixedDimension(table.shape, 1)]
  const count = product(indices.shape)
  const updates = reshape(rows, [count, width])
  const column = reshape(indices, [count, 1])
  if (size <= LARGEST_ONE_HOT) return matmul(oneHot(column, size), updates, { transposeA: true })
  return scatterAdd(zeros(table), expandLike(column, updates), updates, 0)
}

export function zeros(like: Value): Value {
  return expand(like.graph.scalar(0), fixed(like.shape))
}

export function fixed(shape: Shape): number[] {
  return shape.map((_, axis) => fixedDimension(shape, axis))
}

/** The cotangent of the first output. */
export function only(cotangents: readonly (Value | null)[]): Value {
  const [cotangent] = cotangents
  if (cotangent === undefined || cotangent === null) throw missing()
  return cotangent
}

export function first(values: readonly Value[]): Value {
  const [value] = values
  if (value === undefined) throw missing()
  return value
}

export function pair(values: readonly Value[]): [Value, Value] {
  const [a, b] = values
  if (a === undefined || b === undefined) throw missing()
  return [a, b]
}

export function triple(values: readonly Value[]): [Value, Value, Value] {
  const [a, b, c] = values
  if (a === undefined || b === undefined || c === undefined) throw missing()
  return [a, b, c]
}

function missing(): GraphError {
  return new GraphError('a gradient rule misses an operand')
}
