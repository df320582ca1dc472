/** Operations that move elements without changing them. */
import { emit, emitOne, record, type Value } from '../graph.ts'
import { requireFloat } from './elementwise.ts'
import {
  broadcastShapes,
  type Dimension,
  factored,
  fixedSize,
  formatShape,
  GraphError,
  normaliseAxis,
  sameShape,
  type Shape,
} from '../types.ts'

/** The same elements in row-major order under another shape. At most one dimension may be named; errors call the result `name`. */
export function reshape(x: Value, shape: Shape, name?: string): Value {
  if (sameShape(x.shape, shape)) return x
  const [from, to] = [measure(x.shape), measure(shape)]
  if (from.names.length > 1 || from.names.join() !== to.names.join() || from.count !== to.count) {
    throw new GraphError(`reshape: ${x.toString()} cannot become ${formatShape(shape)}`)
  }
  const target = shape.map((dimension) => (typeof dimension === 'string' ? -1 : dimension))
  const operand = x.graph.constant('int64', [target.length], target)
  const result = emitOne('Reshape', [x, operand], x.dtype, shape, { allowzero: { int: 1 } }, '', name)
  return record(result, { op: 'reshape', inputs: [x], attributes: {} })
}

/** The plain names of a shape, and the product of all else. */
function measure(shape: Shape): { names: string[]; count: number } {
  const names: string[] = []
  let count = 1
  for (const dimension of shape) {
    if (typeof dimension === 'number') {
      count *= dimension
      continue
    }
    const { name, factor } = factored(dimension)
    names.push(name)
    count *= factor
  }
  return { names, count }
}

/** result.shape[i] = x.shape[permutation[i]]. */
export function transpose(x: Value, permutation: readonly number[]): Value {
  const axes = [...permutation].sort((a, b) => a - b)
  if (axes.length !== x.shape.length || axes.some((axis, index) => axis !== index)) {
    throw new GraphError(`transpose: ${formatShape(permutation)} does not permute the axes of ${x.toString()}`)
  }
  if (permutation.every((axis, index) => axis === index)) return x
  const shape = permutation.map((axis) => dimensionAt(x, axis))
  const result = emitOne('Transpose', [x], x.dtype, shape, { perm: { ints: permutation } })
  return record(result, { op: 'transpose', inputs: [x], attributes: { permutation } })
}

/**
 * Joins values along an axis. When a joined size is named, the sum gets the name `resultName`.
 */
export function concat(values: readonly Value[], axis: number, resultName?: string): Value {
  const [first] = values
  if (first === undefined) throw new GraphError('concat needs at least one operand')
  if (values.length === 1) return first
  const at = normaliseAxis('concat', axis, first)
  const others = (shape: Shape): Shape => shape.filter((_, index) => index !== at)
  let size: Dimension = 0
  for (const value of values) {
    if (value.dtype !== first.dtype || !sameShape(others(value.shape), others(first.shape))) {
      throw new GraphError(`concat along axis ${axis}: ${value.toString()} does not fit ${first.toString()}`)
    }
    const dimension = dimensionAt(value, at)
    size = typeof size === 'number' && typeof dimension === 'number' ? size + dimension : (resultName ?? 'joined')
  }
  const shape = first.shape.map((dimension, index) => (index === at ? size : dimension))
  const result = emitOne('Concat', values, first.dtype, shape, { axis: { int: at } })
  return record(result, { op: 'concat', inputs: values, attributes: { axis: at } })
}

/** Cuts x along an axis of fixed size into parts of the given sizes; errors call the parts by `names`. */
export function split(
  x: Value,
  axis: number,
  sizes: readonly number[],
  names: readonly string[] = [],
): readonly Value[] {
  const at = normaliseAxis('split', axis, x)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (fixedSize('split', x, at) !== total || !sizes.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new GraphError(
      `split along axis ${axis}: sizes ${formatShape(sizes)} add up to ${total}, not to the size in ${x.toString()}`,
    )
  }
  if (sizes.length === 1) return [x]
  const outputs = sizes.map((size, part) => ({
    dtype: x.dtype,
    name: names[part],
    shape: x.shape.map((dimension, index) => (index === at ? size : dimension)),
  }))
  const operand = x.graph.constant('int64', [sizes.length], sizes)
  const results = emit('Split', [x, operand], outputs, { axis: { int: at } })
  x.graph.tape.push({ op: 'split', inputs: [x], outputs: results, attributes: { axis: at } })
  return results
}

/** x[..., start:end, ...] along one axis of fixed size. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const at = normaliseAxis('slice', axis, x)
  const size = fixedSize('slice', x, at)
  const whole = Number.isInteger(start) && Number.isInteger(end)
  if (!whole || start < 0 || end > size || start >= end) {
    throw new GraphError(`slice ${start}:${end} along axis ${axis} lies outside ${x.toString()}`)
  }
  if (start === 0 && end === size) return x
  const shape = x.shape.map((dimension, index) => (index === at ? end - start : dimension))
  const bound = (value: number): Value => x.graph.constant('int64', [1], [value])
  const result = emitOne('Slice', [x, bound(start), bound(end), bound(at)], x.dtype, shape)
  return record(result, { op: 'slice', inputs: [x], attributes: { axis: at, start, end } })
}

/** x with zeros before and after it along one axis of fixed size. */
export function pad(x: Value, axis: number, before: number, after: number): Value {
  requireFloat('pad', x)
  const at = normaliseAxis('pad', axis, x)
  if (![before, after].every((count) => Number.isInteger(count) && count >= 0)) {
    throw new GraphError(`pad: ${before} and ${after} zeros along axis ${axis} of ${x.toString()}`)
  }
  if (before + after === 0) return x
  const size = before + fixedSize('pad', x, at) + after
  const counts = x.graph.constant('int64', [2], [before, after])
  const axes = x.graph.constant('int64', [1], [at])
  const shape = x.shape.map((dimension, index) => (index === at ? size : dimension))
  const result = emitOne('Pad', [x, counts, null, axes], 'float32', shape)
  return record(result, { op: 'pad', inputs: [x], attributes: { axis: at, before, after } })
}

/** Repeats axes of size 1 (or missing leading axes) up to a fixed shape. */
export function expand(x: Value, shape: readonly number[]): Value {
  if (sameShape(x.shape, shape)) return x
  if (!sameShape(broadcastShapes(x.shape, shape) ?? [], shape)) {
    throw new GraphError(`expand: ${x.toString()} does not broadcast to ${formatShape(shape)}`)
  }
  const result = emitOne('Expand', [x, x.graph.constant('int64', [shape.length], shape)], x.dtype, shape)
  return record(result, { op: 'expand', inputs: [x], attributes: {} })
}

function dimensionAt(x: Value, axis: number): Dimension {
  const dimension = x.shape[axis]
  if (dimension === undefined) throw new GraphError(`${x.toString()} has no axis ${axis}`)
  return dimension
}
