/** The flat parameter vector, taken apart inside a graph. */
import { type Graph, reshape, split, type Value } from '../graph/index.ts'
import type { ParameterLayout } from './layout.ts'

/** Parameters of a model as values of a graph, by name. */
export interface NamedParameters {
  get(name: string): Value
}

/** Those that lie in one flat vector, which is an input. */
export class Parameters implements NamedParameters {
  readonly layout: ParameterLayout
  /** In the order of the layout. */
  readonly values: readonly Value[]
  readonly #byName: ReadonlyMap<string, Value>

  /** flat: float32 [layout.size]. */
  constructor(flat: Value, layout: ParameterLayout) {
    const sizes = layout.parameters.map(({ size }) => size)
    const names = layout.parameters.map(({ name }) => name)
    const parts = split(flat, 0, sizes, names)
    this.layout = layout
    this.values = layout.parameters.flatMap(({ name, shape }, index) => {
      const part = parts[index]
      return part === undefined ? [] : [reshape(part, shape, name)]
    })
    this.#byName = new Map(
      layout.parameters.flatMap(({ name }, index) => {
        const value = this.values[index]
        return value === undefined ? [] : [[name, value] as const]
      }),
    )
  }

  get(name: string): Value {
    const value = this.#byName.get(name)
    if (value === undefined) throw new RangeError(`the model has no parameter ${name}`)
    return value
  }
}

/** Those that are part of the graph: the runtime keeps them in the form its kernels read, so that no call copies them. */
export class StoredParameters implements NamedParameters {
  readonly #graph: Graph
  readonly #layout: ParameterLayout
  readonly #weights: Float32Array
  readonly #values = new Map<string, Value>()

  constructor(graph: Graph, layout: ParameterLayout, weights: Float32Array) {
    this.#graph = graph
    this.#layout = layout
    this.#weights = weights
  }

  /** The elements of a parameter, row-major. */
  data(name: string): { readonly shape: readonly number[]; readonly elements: Float32Array } {
    const found = this.#layout.parameters.find((parameter) => parameter.name === name)
    if (found === undefined) throw new RangeError(`the model has no parameter ${name}`)
    return { shape: found.shape, elements: this.#weights.subarray(found.offset, found.offset + found.size) }
  }

  get(name: string): Value {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const { shape, elements } = this.data(name)
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength)
    const value = this.#graph.stored(name, 'float32', shape, bytes)
    this.#values.set(name, value)
    return value
  }
}
