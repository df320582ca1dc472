/** The differentiable operations: what the tape stores about each, beside its operands and results. */
import type { Value } from './graph.ts'

type None = Readonly<Record<never, never>>

type Elementwise =
  | ('add' | 'sub' | 'mul' | 'div' | 'minimum' | 'maximum' | 'where' | 'stopGradient')
  | ('neg' | 'abs' | 'exp' | 'log' | 'sqrt' | 'sin' | 'cos' | 'erf')
  | ('tanh' | 'sigmoid' | 'softplus' | 'relu' | 'gelu' | 'silu')

/** Attributes of every differentiable operation. autodiff/ holds one entry for each key. */
export interface OperationAttributes extends Record<Elementwise, None> {
  sum: Reduction
  largest: Reduction
  smallest: Reduction
  cumulativeSum: None
  softmax: None
  logSoftmax: None
  tokenLogProbability: None
  headLogProbability: None
  swiglu: None
  rmsNorm: None
  layerNorm: None
  rotate: { readonly positions: Value; readonly cosine: Value; readonly sine: Value; readonly negativeSine: Value }
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly scale: number }
  attention: { readonly scale: number }
  convolve: Convolution
  reshape: None
  transpose: { readonly permutation: readonly number[] }
  concat: { readonly axis: number }
  split: { readonly axis: number; readonly sizes: readonly number[] }
  expand: None
  slice: { readonly axis: number; readonly start: number; readonly end: number }
  pad: { readonly axis: number; readonly before: number; readonly after: number }
  gatherRows: None
  rearrange: { readonly backward: Value }
  takeAlong: { readonly axis: number }
  scatterAdd: { readonly axis: number }
}

export interface Reduction {
  readonly axes: readonly number[]
  readonly keepDimensions: boolean
}

/** One entry per spatial axis. */
export interface Convolution {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Zeros before and after each axis. */
  readonly padding: readonly (readonly [before: number, after: number])[]
}

export type OperationName = keyof OperationAttributes

export interface OperationOf<Name extends OperationName> {
  readonly op: Name
  readonly inputs: readonly Value[]
  /** Results; some operations keep further outputs after the first that only their gradient uses. */
  readonly outputs: readonly Value[]
  readonly attributes: OperationAttributes[Name]
}

export type Operation = { [Name in OperationName]: OperationOf<Name> }[OperationName]
