/** The flat parameter vector, taken apart inside a graph. */
import { reshape, split, type Value } from '../graph/index.ts'
import type { ParameterLayout } from './layout.ts'

/** The parameters of a model as values of a graph, by name. */
export class Parameters {
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
