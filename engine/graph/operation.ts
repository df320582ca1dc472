/** The differentiable operations: what the tape stores about each, beside its operands and results. */
import type { Value } from './graph.ts'

type None = Readonly<Record<never, never>>

/** Attributes of every differentiable operation. autodiff/ holds one entry for each key. */
export interface OperationAttributes {
  add: None
  sub: None
  mul: None
  div: None
  neg: None
  exp: None
  log: None
  sqrt: None
  sigmoid: None
  softplus: None
  silu: None
  minimum: None
  maximum: None
  stopGradient: None
  sum: { readonly axes: readonly number[]; readonly keepDimensions: boolean }
  cumulativeSum: None
  softmax: None
  logSoftmax: None
  tokenLogProbability: None
  rmsNorm: None
  rotate: { readonly positions: Value; readonly cosine: Value; readonly sine: Value; readonly negativeSine: Value }
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly scale: number }
  reshape: None
  transpose: { readonly permutation: readonly number[] }
  concat: { readonly axis: number }
  split: { readonly axis: number; readonly sizes: readonly number[] }
  expand: None
  slice: { readonly axis: number; readonly start: number; readonly end: number }
  gatherRows: None
  attention: { readonly scale: number }
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
