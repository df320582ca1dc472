/**
 * The graph builder. Operations are free functions over values (`mul(ratio, advantage)`); a node lands in the innermost
 * graph that any of its operands belongs to, so that what does not depend on a loop variable is computed outside the loop.
 */
import type { Operation, UnmadeOperation } from './operation.ts'
import {
  type Attribute,
  type DataType,
  describe,
  type FileRange,
  formatShape,
  type GraphBody,
  GraphError,
  type Initializer,
  type NodeRecord,
  type Shape,
} from './types.ts'

/** A tensor of a graph: an input, a constant or the output of a node. */
export class Value {
  readonly graph: Graph
  readonly name: string
  readonly dtype: DataType
  readonly shape: Shape

  constructor(graph: Graph, name: string, dtype: DataType, shape: Shape) {
    this.graph = graph
    this.name = name
    this.dtype = dtype
    this.shape = shape
  }

  toString(): string {
    return describe(this)
  }
}

export class Graph implements GraphBody {
  readonly name: string
  readonly parent: Graph | null
  readonly depth: number
  readonly nodes: NodeRecord[] = []
  readonly inputs: Value[] = []
  readonly outputs: Value[] = []
  readonly initializers: Initializer[] = []
  readonly values: Value[] = []
  /** Differentiable operations in the order in which they were built (see autodiff). */
  readonly tape: Operation[] = []
  readonly #constants = new Map<string, Value>()
  readonly #produced = new Set<string>()
  #counter = 0

  constructor(name: string, parent: Graph | null = null) {
    this.name = name
    this.parent = parent
    this.depth = parent === null ? 0 : parent.depth + 1
  }

  get root(): Graph {
    return this.parent === null ? this : this.parent.root
  }

  /** Names are unique over all nested graphs: ONNX forbids a body to shadow an outer name. */
  uniqueName(prefix: string): string {
    const root = this.root
    root.#counter += 1
    return `${prefix}_${root.#counter}`
  }

  /** Declares an input. In the outermost graph its name is the one that callers feed. */
  input(name: string, dtype: DataType, shape: Shape): Value {
    const unique = this.parent === null ? name : this.uniqueName(name)
    if (this.inputs.some((other) => other.name === unique)) throw new GraphError(`input ${unique} is declared twice`)
    const value = new Value(this, unique, dtype, shape)
    const isSize = (size: number | string): boolean => typeof size === 'string' || (Number.isInteger(size) && size >= 0)
    if (!shape.every(isSize)) throw new GraphError(`input ${value.toString()}: a size is a whole number or a name`)
    this.inputs.push(value)
    return value
  }

  /**
   * Declares an output and returns its name. A value that no node of this very graph produces (an input, a constant, a value of
   * an outer graph), one that is an output already, and one to be renamed get an Identity node, as ONNX demands.
   */
  output(value: Value, name?: string): string {
    const direct = value.graph === this && this.#produced.has(value.name) && name === undefined
    if (direct && !this.outputs.includes(value)) {
      this.outputs.push(value)
      return value.name
    }
    if (this.outputs.some((other) => other.name === name)) throw new GraphError(`output ${name} is declared twice`)
    const renamed = new Value(this, name ?? this.uniqueName('output'), value.dtype, value.shape)
    this.append({ op: 'Identity', domain: '', inputs: [value.name], outputs: [renamed.name], attributes: {} })
    this.outputs.push(renamed)
    return renamed.name
  }

  append(node: NodeRecord): void {
    this.nodes.push(node)
    for (const name of node.outputs) this.#produced.add(name)
  }

  /** A constant tensor; equal small constants are stored once, in the outermost graph. */
  constant(dtype: DataType, shape: readonly number[], data: readonly number[] | Float32Array): Value {
    const root = this.root
    const count = shape.reduce((product, dimension) => product * dimension, 1)
    if (data.length !== count) {
      throw new GraphError(`constant of shape ${formatShape(shape)} needs ${count} elements, got ${data.length}`)
    }
    const key = count <= 64 ? `${dtype} ${shape.join('x')} ${data.join(' ')}` : undefined
    const known = key === undefined ? undefined : root.#constants.get(key)
    if (known !== undefined) return known
    const value = new Value(root, root.uniqueName('constant'), dtype, shape)
    root.initializers.push({ name: value.name, dtype, shape, data: encode(dtype, data) })
    if (key !== undefined) root.#constants.set(key, value)
    return value
  }

  /** A constant tensor of the outermost graph whose bytes are not copied. */
  stored(name: string, dtype: DataType, shape: readonly number[], data: Uint8Array | FileRange): Value {
    const root = this.root
    const value = new Value(root, root.uniqueName(name), dtype, shape)
    root.initializers.push({ name: value.name, dtype, shape, data })
    return value
  }

  scalar(value: number, dtype: DataType = 'float32'): Value {
    return this.constant(dtype, [], [value])
  }
}

export interface OutputType {
  readonly dtype: DataType
  readonly shape: Shape
  /** What the value's name begins with; that of the operator unless given. */
  readonly name?: string | undefined
}

/** The innermost graph of the operands. */
export function innermostGraph(op: string, operands: readonly (Value | null)[]): Graph {
  let innermost: Graph | null = null
  for (const operand of operands) {
    if (operand !== null && (innermost === null || operand.graph.depth > innermost.depth)) innermost = operand.graph
  }
  if (innermost === null) throw new GraphError(`${op} has no operand`)
  for (const operand of operands) {
    if (operand !== null && !isAncestor(operand.graph, innermost)) {
      throw new GraphError(`${op}: operand ${operand.toString()} belongs to another graph`)
    }
  }
  return innermost
}

/** Appends one ONNX node and returns its outputs. An omitted optional input is null. */
export function emit<const Types extends readonly OutputType[]>(
  op: string,
  operands: readonly (Value | null)[],
  outputs: Types,
  attributes?: Readonly<Record<string, Attribute>>,
  domain?: string,
): { readonly [Index in keyof Types]: Value }
export function emit(
  op: string,
  operands: readonly (Value | null)[],
  outputs: readonly OutputType[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): readonly Value[] {
  const graph = innermostGraph(op, operands)
  const values = outputs.map(({ dtype, shape, name }) => new Value(graph, graph.uniqueName(name ?? op), dtype, shape))
  graph.values.push(...values)
  graph.append({
    op,
    domain,
    inputs: operands.map((operand) => operand?.name ?? ''),
    outputs: values.map((value) => value.name),
    attributes,
  })
  return values
}

/** emit() for a node with one output. */
export function emitOne(
  op: string,
  operands: readonly (Value | null)[],
  dtype: DataType,
  shape: Shape,
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
  name = op,
): Value {
  return emit(op, operands, [{ dtype, shape, name }], attributes, domain)[0]
}

/** Remembers how a value was made, so that autodiff can go back, and returns it. */
export function record(result: Value, operation: UnmadeOperation): Value {
  innermostGraph(operation.op, operation.inputs).tape.push({ ...operation, outputs: [result] })
  return result
}

function isAncestor(candidate: Graph, graph: Graph): boolean {
  for (let current: Graph | null = graph; current !== null; current = current.parent) {
    if (current === candidate) return true
  }
  return false
}

function encode(dtype: DataType, data: readonly number[] | Float32Array): Uint8Array {
  switch (dtype) {
    case 'float32':
      return new Uint8Array(Float32Array.from(data).buffer)
    case 'uint8':
      return Uint8Array.from(data)
    case 'int32':
      return new Uint8Array(Int32Array.from(data).buffer)
    case 'int64':
      return new Uint8Array(BigInt64Array.from(data, BigInt).buffer)
    case 'bool':
      return Uint8Array.from(data, (element) => (element === 0 ? 0 : 1))
  }
}
