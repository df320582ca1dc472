/** What callers feed to graphs of their own: numbers by the name of an input, checked before anything runs. */
import { GraphError, type Shape } from '../graph/index.ts'
import { describe } from '../graph/types.ts'
import { type Feed, floatFeed, integerFeed } from './session.ts'

export interface InputSpec {
  readonly dtype?: 'float32' | 'int32'
  readonly shape: Shape
}

export type InputSpecs = Readonly<Record<string, InputSpec>>
export type Numbers = Float32Array | Int32Array | readonly number[]
export type Feeds<Name extends string = string> = { readonly [Key in Name]: Numbers }

/** Throws GraphError for a name that the runtime or this library would take for another. */
export function checkNames(names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) throw new GraphError(`'${name}' is no name: letters, digits, _ and -`)
    if (names.indexOf(name) !== index) throw new GraphError(`the name '${name}' occurs twice`)
  }
}

/**
 * The numbers of several calls side by side, as one tensor per input with the calls as first axis; a single call keeps its shape
 * where `stacked` is false. Throws GraphError that names the operation, the input, its shape and what was given.
 */
export function packFeeds(
  op: string,
  specs: InputSpecs,
  calls: readonly Feeds[],
  { stacked }: { readonly stacked: boolean },
): Record<string, Feed> {
  const known = Object.entries(specs).map(([name, spec]) => formatInput(name, spec))
  for (const name of calls.flatMap((feeds) => Object.keys(feeds))) {
    if (specs[name] === undefined) throw new GraphError(`${op}: no input '${name}'; there are ${known.join(', ')}`)
  }
  const packed = Object.entries(specs).map(([name, spec]): [string, Feed] => {
    const parts = calls.map((feeds) => {
      const numbers = feeds[name]
      if (numbers === undefined) throw new GraphError(`${op}: input ${formatInput(name, spec)} is missing`)
      return numbers
    })
    const shape = fixedShape(op, name, spec, parts)
    const size = shape.reduce((product, dimension) => product * dimension, 1)
    const data = spec.dtype === 'int32' ? new Int32Array(size * parts.length) : new Float32Array(size * parts.length)
    for (const [index, numbers] of parts.entries()) data.set(numbers, index * size)
    const outer = stacked ? [parts.length, ...shape] : shape
    return [name, data instanceof Int32Array ? integerFeed(data, outer) : floatFeed(data, outer)]
  })
  return Object.fromEntries(packed)
}

/** The shape with a named size settled by the count of numbers. */
function fixedShape(op: string, name: string, spec: InputSpec, parts: readonly Numbers[]): number[] {
  const fixed = spec.shape.reduce<number>((product, size) => (typeof size === 'number' ? product * size : product), 1)
  const named = spec.shape.filter((size) => typeof size === 'string').length
  const count = parts[0]?.length ?? 0
  const free = named === 1 ? count / fixed : 1
  for (const { length } of parts) {
    if (named > 1 || !Number.isInteger(free) || free < 1 || length !== fixed * free) {
      throw new GraphError(`${op}: input ${formatInput(name, spec)} got ${length} numbers`)
    }
  }
  return spec.shape.map((size) => (typeof size === 'number' ? size : free))
}

function formatInput(name: string, { dtype = 'float32', shape }: InputSpec): string {
  return describe({ name, dtype, shape })
}
