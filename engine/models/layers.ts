/** What the small networks share. */
import { add, gelu, matmul, relu, silu, tanh, type UnaryOperation, type Value } from '../graph/index.ts'
import { ModelConfigError } from './llama.ts'

export const ACTIVATIONS = { relu, tanh, gelu, silu } as const satisfies Record<string, UnaryOperation>
export type Activation = keyof typeof ACTIVATIONS

/** Parameters by name: those of a model, or of a part of it. */
export interface NamedValues {
  get(name: string): Value
}

/** The parameters whose names begin with `prefix.`, without it. */
export function within(parameters: NamedValues, prefix: string): NamedValues {
  return { get: (name) => parameters.get(`${prefix}.${name}`) }
}

/** A tensor of a network, and its initial values: uniform in [-bound, bound], or all equal to `fill`. */
export interface NetworkTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly initial: { readonly bound: number } | { readonly fill: number }
}

/** Tensors, and the sizes of one row of the input and the output, without the batch. */
export interface NetworkDescription {
  readonly tensors: readonly NetworkTensor[]
  readonly input: readonly number[]
  readonly output: readonly number[]
}

/** x · Wᵀ + b for x [batch, inputs], W [outputs, inputs], b [outputs]. */
export function linear(x: Value, weight: Value, bias: Value): Value {
  return add(matmul(x, weight, { transposeB: true }), bias)
}

export function requireSizes(kind: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new ModelConfigError(`${kind}: ${name} must be a positive integer, got ${size}`)
    }
  }
}
