/** Operations that choose elements by number. Indices are int32 or int64. */
import { emit, emitOne, record, type Value } from '../graph.ts'
import { fixedSize, GraphError, normaliseAxis, reducedShape, sameShape } from '../types.ts'
import { cast, equal, requireFloat, requireNumbers } from './elementwise.ts'

/** Rows of a table: table [size, width], indices of any shape → [...indices.shape, width]. */
export function gatherRows(table: Value, indices: Value): Value {
  if (table.shape.length !== 2 || !isIndex(indices)) {
    throw new GraphError(`gatherRows: ${table.toString()} by ${indices.toString()}`)
  }
  const shape = [...indices.shape, ...table.shape.slice(1)]
  const result = emitOne('Gather', [table, indices], table.dtype, shape, { axis: { int: 0 } })
  return record(result, { op: 'gatherRows', inputs: [table, indices], attributes: {} })
}

/** result[i][j] = x[i][indices[i][j]] for axis 1, and likewise for others: the values of chosen actions, for example. */
export function takeAlong(x: Value, indices: Value, axis: number): Value {
  requireFloat('takeAlong', x)
  const at = checkAlong('takeAlong', x, indices, axis)
  const result = emitOne('GatherElements', [x, indices], x.dtype, indices.shape, { axis: { int: at } })
  return record(result, { op: 'takeAlong', inputs: [x, indices], attributes: { axis: at } })
}

/**
 * x with updates added at indices along an axis; repeated indices add up. ONNX's ScatterElements, never ScatterND: that one
 * loses updates when indices repeat and more than one thread runs.
 */
export function scatterAdd(x: Value, indices: Value, updates: Value, axis: number): Value {
  requireFloat('scatterAdd', x, updates)
  const at = checkAlong('scatterAdd', x, indices, axis)
  if (!sameShape(indices.shape, updates.shape)) {
    throw new GraphError(`scatterAdd: indices ${indices.toString()} and updates ${updates.toString()} differ in shape`)
  }
  const attributes = { axis: { int: at }, reduction: { string: 'add' } }
  const result = emitOne('ScatterElements', [x, indices, updates], 'float32', x.shape, attributes)
  return record(result, { op: 'scatterAdd', inputs: [x, indices, updates], attributes: { axis: at } })
}

/**
 * Rows of x put into another order, each used at most once: result[i] = x[forward[i]], and zeros where forward[i] is -1. `backward`
 * is the way back: the place of each row of x in the result, -1 where it has none. So the gradient is a Gather too, and no scatter.
 */
export function rearrange(x: Value, forward: Value, backward: Value): Value {
  requireFloat('rearrange', x)
  const [rows] = x.shape
  const isWay = isIndex(forward) && isIndex(backward) && backward.shape.length === 1
  if (rows === undefined || !isWay || backward.shape[0] !== rows) {
    throw new GraphError(`rearrange: ${x.toString()} by ${forward.toString()} and back by ${backward.toString()}`)
  }
  const result = rowsOrZeros(x, forward)
  return record(result, { op: 'rearrange', inputs: [x], attributes: { backward } })
}

/** x[indices] along the first axis, and zeros where an index is -1. Not recorded. */
export function rowsOrZeros(x: Value, indices: Value): Value {
  const rest = x.shape.slice(1)
  const row = rest.map((_, axis) => fixedSize('rearrange', x, axis + 1))
  const size = row.reduce((product, count) => product * count, 1)
  const zero = x.graph.constant('float32', [1, ...row], new Float32Array(size))
  // Gather takes -1 for the last row, which is the added one.
  const padded = emitOne('Concat', [x, zero], 'float32', [x.graph.uniqueName('padded'), ...rest], { axis: { int: 0 } })
  return emitOne('Gather', [padded, indices], 'float32', [...indices.shape, ...rest], { axis: { int: 0 } })
}

/** x[start:end] along the first axis, which gets a name; start and end are int64 [1]. No gradient flows through it. */
export function rowsBetween(x: Value, start: Value, end: Value, name: string): Value {
  for (const bound of [start, end]) {
    if (bound.dtype === 'int64' && sameShape(bound.shape, [1]) && x.shape.length > 0) continue
    throw new GraphError(`rowsBetween: ${x.toString()} between ${start.toString()} and ${end.toString()}`)
  }
  const axis = x.graph.constant('int64', [1], [0])
  return emitOne('Slice', [x, start, end, axis], x.dtype, [name, ...x.shape.slice(1)], {}, '', x.name)
}

/** One-hot rows: indices [rows, 1] → float32 [rows, size]. No gradient flows through it. */
export function oneHot(indices: Value, size: number): Value {
  if (!isIndex(indices) || indices.shape.length !== 2 || indices.shape[1] !== 1) {
    throw new GraphError(`oneHot: ${indices.toString()} is no column of indices`)
  }
  const classes = indices.graph.root.constant(indices.dtype, [1, size], [...Array(size).keys()])
  return cast(equal(indices, classes), 'float32')
}

/** x[index] along the first axis; index is a scalar. No gradient flows through it: it reads what is fed, not what is learnt. */
export function at(x: Value, index: Value): Value {
  if (index.shape.length !== 0 || !isIndex(index) || x.shape.length === 0) {
    throw new GraphError(`at: index ${index.toString()} of ${x.toString()} must be a scalar int32 or int64`)
  }
  return emitOne('Gather', [x, index], x.dtype, x.shape.slice(1), { axis: { int: 0 } }, '', x.name)
}

/** Index of the largest element of the last axis (the first of equals), int64. No gradient flows through it. */
export function argMax(x: Value): Value {
  requireNumbers('argMax', x)
  const last = normaliseAxis('argMax', -1, x)
  const shape = reducedShape(x.shape, [last], false)
  return emitOne('ArgMax', [x], 'int64', shape, { axis: { int: last }, keepdims: { int: 0 } })
}

/**
 * Indices of the k largest elements of the last axis, from the largest on (the first of equals first), int64. No gradient flows
 * through it; takeAlong() reads the elements themselves with one.
 */
export function topK(x: Value, k: number): Value {
  requireNumbers('topK', x)
  const last = normaliseAxis('topK', -1, x)
  const size = fixedSize('topK', x, last)
  if (!Number.isInteger(k) || k < 1 || k > size) {
    throw new GraphError(`topK: the last axis of ${x.toString()} has ${size} elements, not the ${k} largest`)
  }
  const count = x.graph.constant('int64', [1], [k])
  const shape = [...x.shape.slice(0, -1), k]
  const outputs = [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ] as const
  return emit('TopK', [x, count], outputs, { axis: { int: last } })[1]
}

function isIndex(indices: Value): boolean {
  return indices.dtype === 'int32' || indices.dtype === 'int64'
}

/** The axis along which indices choose: the other axes must be equal. */
function checkAlong(op: string, x: Value, indices: Value, axis: number): number {
  const at = normaliseAxis(op, axis, x)
  const others = (value: Value): (number | string)[] => reducedShape(value.shape, [at], false).slice()
  if (!isIndex(indices) || indices.shape.length !== x.shape.length || !sameShape(others(x), others(indices))) {
    throw new GraphError(`${op} along axis ${axis}: ${indices.toString()} does not choose from ${x.toString()}`)
  }
  fixedSize(op, x, at)
  return at
}
