/** The parameters of a model inside a graph: one flat vector taken apart, or constants of the graph. */
import { type FileRange } from '../graph/types.ts'
import { type Graph, matmul, reshape, split, type Value } from '../graph/index.ts'
import type { ParameterLayout } from './layout.ts'

/** Parameters of a model as values of a graph, by name. */
export interface NamedParameters {
  get(name: string): Value
}

/** What a decoder computes with. */
export interface DecoderParameters extends NamedParameters {
  /** x [rows, inputs] → x · Wᵀ [rows, outputs] for the matrix W [outputs, inputs] of that name. */
  project(x: Value, name: string): Value
}

/** Those that lie in one flat vector, which is an input. */
export class Parameters implements DecoderParameters {
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

  project(x: Value, name: string): Value {
    return matmul(x, this.get(name), { transposeB: true })
  }
}

/** A file that holds parameters in float32, by name. */
export interface ParameterFile {
  readonly ranges: ReadonlyMap<string, FileRange>
}

/** Those that are part of the graph, so that no call copies them. */
export class StoredParameters implements DecoderParameters {
  readonly #graph: Graph
  readonly #layout: ParameterLayout
  readonly #weights: Float32Array | ParameterFile
  readonly #values = new Map<string, Value>()

  /** weights: flat, in the order of the layout; or a file, which the runtime maps into memory. Throws RangeError for another size. */
  constructor(graph: Graph, layout: ParameterLayout, weights: Float32Array | ParameterFile) {
    if (weights instanceof Float32Array && weights.length !== layout.size) {
      throw new RangeError(`the frozen model has ${layout.size} parameters, got ${weights.length}`)
    }
    this.#graph = graph
    this.#layout = layout
    this.#weights = weights
  }

  /** The elements of a parameter in memory, row-major. */
  data(name: string): { readonly shape: readonly number[]; readonly elements: Float32Array } {
    const { shape, offset, size } = this.#find(name)
    if (!(this.#weights instanceof Float32Array)) throw new RangeError(`${name} lies in a file`)
    return { shape, elements: this.#weights.subarray(offset, offset + size) }
  }

  get(name: string): Value {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const value = this.#graph.stored(name, 'float32', this.#find(name).shape, this.#bytes(name))
    this.#values.set(name, value)
    return value
  }

  project(x: Value, name: string): Value {
    return matmul(x, this.get(name), { transposeB: true })
  }

  #bytes(name: string): Uint8Array | FileRange {
    if (this.#weights instanceof Float32Array) {
      const { elements } = this.data(name)
      return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength)
    }
    const range = this.#weights.ranges.get(name)
    if (range === undefined) throw new RangeError(`the file of the model has no parameter ${name}`)
    return range
  }

  #find(name: string): ParameterLayout['parameters'][number] {
    const found = this.#layout.parameters.find((parameter) => parameter.name === name)
    if (found === undefined) throw new RangeError(`the model has no parameter ${name}`)
    return found
  }
}
