/** Data types, shapes and attributes of graph values. */

export type DataType = 'float32' | 'uint8' | 'int32' | 'int64' | 'bool'

/** A size known when the graph is built, or the name of one known only when it runs; `lines*96` is 96 times `lines`. */
export type Dimension = number | string
export type Shape = readonly Dimension[]

/** TensorProto.DataType codes of the ONNX format. */
export const DATA_TYPE_CODES: Readonly<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
}

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string }
  | { readonly graph: GraphBody }

/** What an attribute that holds a subgraph needs to know about it (see Graph). */
export interface GraphBody {
  readonly name: string
  readonly nodes: readonly NodeRecord[]
  readonly inputs: readonly TypedName[]
  readonly outputs: readonly TypedName[]
  /** What the nodes make. */
  readonly values: readonly TypedName[]
  readonly initializers: readonly Initializer[]
}

export interface TypedName {
  readonly name: string
  readonly dtype: DataType
  readonly shape: Shape
}

export interface Initializer {
  readonly name: string
  readonly dtype: DataType
  readonly shape: readonly number[]
  readonly data: Uint8Array | FileRange
}

/** Bytes of a file that the runtime maps into memory: they are read when they are needed and take no memory of their own. */
export interface FileRange {
  /** Absolute. */
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

export interface NodeRecord {
  readonly op: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** A graph that cannot be built: wrong shapes, wrong types, values of unrelated graphs. */
export class GraphError extends Error {
  override readonly name = 'GraphError'
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

/** name: type[shape], as errors name an operand. */
export function describe({ name, dtype, shape }: TypedName): string {
  return `${name}: ${dtype}${formatShape(shape)}`
}

export function sameShape(left: Shape, right: Shape): boolean {
  return left.length === right.length && left.every((dimension, axis) => dimension === right[axis])
}

/** The number of elements; throws if a dimension is named. */
export function elementCount(shape: Shape): number {
  let count = 1
  for (const dimension of shape) {
    if (typeof dimension === 'string') throw new GraphError(`shape ${formatShape(shape)} has no fixed size`)
    count *= dimension
  }
  return count
}

/** `count` times a size. */
export function times(dimension: Dimension, count: number): Dimension {
  if (typeof dimension === 'number') return dimension * count
  const { name, factor } = factored(dimension)
  return factor * count === 1 ? name : `${name}*${factor * count}`
}

/** The product of sizes, of which at most one is named. */
export function product(dimensions: Shape): Dimension {
  return dimensions.reduce<Dimension>((result, dimension) => {
    if (typeof dimension === 'number') return times(result, dimension)
    if (typeof result === 'number') return times(dimension, result)
    throw new GraphError(`the product of ${formatShape(dimensions)} has two names`)
  }, 1)
}

/** A named size as a multiple of the plain name. */
export function factored(dimension: string): { name: string; factor: number } {
  const [name = dimension, factor = '1'] = dimension.split('*')
  return { name, factor: Number(factor) }
}

/** The size of one axis; throws if it is named. Negative axes count from the end. */
export function fixedDimension(shape: Shape, axis: number): number {
  const dimension = shape.at(axis)
  if (typeof dimension !== 'number') {
    throw new GraphError(`axis ${axis} of shape ${formatShape(shape)} must have a fixed size`)
  }
  return dimension
}

/** fixedDimension() of an operand: the error names the operation and the operand. */
export function fixedSize(op: string, operand: TypedName, axis: number): number {
  const dimension = operand.shape.at(axis)
  if (typeof dimension !== 'number') {
    throw new GraphError(`${op}: axis ${axis} of ${describe(operand)} must have a fixed size`)
  }
  return dimension
}

/** NumPy broadcasting of two shapes; named dimensions match only themselves and 1. Null if they do not broadcast. */
export function broadcastShapes(left: Shape, right: Shape): Shape | null {
  const rank = Math.max(left.length, right.length)
  const result: Dimension[] = []
  for (let axis = 0; axis < rank; axis++) {
    const a = left[axis - rank + left.length] ?? 1
    const b = right[axis - rank + right.length] ?? 1
    if (a !== b && a !== 1 && b !== 1) return null
    result.push(a === 1 ? b : a)
  }
  return result
}

/** The shape that operands broadcast to; the error of an operation whose operands do not names them. */
export function broadcast(op: string, ...operands: readonly TypedName[]): Shape {
  let shape: Shape | null = []
  for (const operand of operands) {
    shape = broadcastShapes(shape, operand.shape)
    if (shape === null) throw new GraphError(`${op}: ${operands.map(describe).join(' and ')} do not broadcast`)
  }
  return shape
}

/** The shape without some axes, or with size 1 in their place. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDimensions: boolean): Shape {
  return keepDimensions
    ? shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension))
    : shape.filter((_, axis) => !axes.includes(axis))
}

/** An axis in [0, rank); throws if it lies outside. */
export function normaliseAxis(op: string, axis: number, operand: TypedName): number {
  const { length } = operand.shape
  const positive = axis < 0 ? axis + length : axis
  if (!Number.isInteger(positive) || positive < 0 || positive >= length) {
    throw new GraphError(`${op}: ${describe(operand)} has no axis ${axis}`)
  }
  return positive
}
