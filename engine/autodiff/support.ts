/** What several gradient rules share. */
import type { Value } from '../graph/graph.ts'
import { emitOne } from '../graph/graph.ts'
import type { OperationName, OperationOf } from '../graph/operation.ts'
import { cast, div, equal, mul, sub } from '../graph/operations/elementwise.ts'
import { oneHot, scatterAdd } from '../graph/operations/indexing.ts'
import { matmul, sum } from '../graph/operations/linear.ts'
import { expand, reshape } from '../graph/operations/shape.ts'
import { fixedDimension, product, reducedShape, type Shape } from '../graph/types.ts'

/** What comes back to an operation. */
export interface Flow {
  /** Its result and the cotangent of it. */
  readonly y: Value
  readonly dy: Value
  /** Of each of several results; null where none comes. */
  readonly cotangents: readonly (Value | null)[]
  /** Whether the cotangent of an input is wanted. Work for others may be left out. */
  readonly needed: (input: Value) => boolean
}

/** Returns one cotangent per input; null says that none flows. */
export type Rule<Name extends OperationName> = (operation: OperationOf<Name>, flow: Flow) => readonly (Value | null)[]

interface Inputs<Operands extends readonly Value[]> {
  readonly inputs: Operands
}

/** The rule of y = f(x), from its derivative: dx = dy · derivative(x, y). */
export function chain(derivative: (x: Value, y: Value) => Value) {
  return ({ inputs: [x] }: Inputs<readonly [Value]>, { y, dy }: Flow): Value[] => [mul(dy, derivative(x, y))]
}

/** The rule of f(a, b) that hands the cotangent to one operand, the first where the condition holds. */
export function choice(isFirst: (a: Value, b: Value) => Value) {
  return ({ inputs: [a, b] }: Inputs<readonly [Value, Value]>, { dy }: Flow): Value[] => {
    const mask = cast(isFirst(a, b), 'float32')
    return [unbroadcast(mul(dy, mask), a.shape), unbroadcast(mul(dy, sub(1, mask)), b.shape)]
  }
}

/** The rule of a maximum or minimum over axes: the elements that reach it share the cotangent. */
export const sharedExtremum: Rule<'largest' | 'smallest'> = ({ inputs: [x], attributes: { axes } }, { y, dy }) => {
  const kept = reducedShape(x.shape, axes, true)
  const reached = cast(equal(x, reshape(y, kept)), 'float32')
  return [mul(reached, div(reshape(dy, kept), sum(reached, axes, true)))]
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
