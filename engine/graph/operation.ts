/** The differentiable operations: their operands, and what the tape stores about each beside its results. */
import type { Value } from './graph.ts'

interface Signature<Inputs extends readonly Value[], Attributes = Readonly<Record<never, never>>> {
  readonly inputs: Inputs
  readonly attributes: Attributes
}
type One = readonly [Value]
type Two = readonly [Value, Value]
type Three = readonly [Value, Value, Value]

type Unary =
  | ('stopGradient' | 'neg' | 'abs' | 'exp' | 'log' | 'sqrt' | 'sin' | 'cos' | 'erf')
  | ('tanh' | 'sigmoid' | 'softplus' | 'relu' | 'gelu' | 'silu' | 'softmax' | 'logSoftmax')
  | ('cumulativeSum' | 'reshape' | 'expand')
type Binary = 'add' | 'sub' | 'mul' | 'div' | 'minimum' | 'maximum' | 'gatherRows'

/** Every differentiable operation. autodiff/ holds one entry for each key. */
export interface Operations extends Record<Unary, Signature<One>>, Record<Binary, Signature<Two>> {
  where: Signature<Three>
  sum: Signature<One, Reduction>
  largest: Signature<One, Reduction>
  smallest: Signature<One, Reduction>
  tokenLogProbability: Signature<Two, { readonly logProbabilities: Value; readonly column: Value }>
  headLogProbability: Signature<Three, { readonly logProbabilities: Value }>
  swiglu: Signature<Two, { readonly activated: Value }>
  rmsNorm: Signature<Two, { readonly inverseRms: Value }>
  layerNorm: Signature<Three, { readonly average: Value; readonly inverseDeviation: Value }>
  rotate: Signature<One, Rotation>
  matmul: Signature<Two, { readonly transposeA: boolean; readonly transposeB: boolean; readonly scale: number }>
  attention: Signature<Three, { readonly scale: number; readonly probabilities: Value }>
  convolve: Signature<Two, Convolution>
  transpose: Signature<One, { readonly permutation: readonly number[] }>
  concat: Signature<readonly Value[], { readonly axis: number }>
  split: Signature<One, { readonly axis: number }>
  slice: Signature<One, { readonly axis: number; readonly start: number; readonly end: number }>
  pad: Signature<One, { readonly axis: number; readonly before: number; readonly after: number }>
  rearrange: Signature<One, { readonly backward: Value }>
  takeAlong: Signature<Two, { readonly axis: number }>
  scatterAdd: Signature<Three, { readonly axis: number }>
}

export interface Reduction {
  readonly axes: readonly number[]
  readonly keepDimensions: boolean
}

export interface Rotation {
  readonly positions: Value
  readonly cosine: Value
  readonly sine: Value
  readonly negativeSine: Value
}

/** One entry per spatial axis. */
export interface Convolution {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Zeros before and after each axis. */
  readonly padding: readonly (readonly [before: number, after: number])[]
}

export type OperationName = keyof Operations

export interface OperationOf<Name extends OperationName> {
  readonly op: Name
  readonly inputs: Operations[Name]['inputs']
  /** One result, but for split. */
  readonly outputs: readonly Value[]
  readonly attributes: Operations[Name]['attributes']
}

/** An operation with one result, but for that. */
export type UnmadeOperation = { [Name in OperationName]: Omit<OperationOf<Name>, 'outputs'> }[OperationName]
export type Operation = { [Name in OperationName]: OperationOf<Name> }[OperationName]
