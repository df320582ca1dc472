/** For each differentiable operation the expression whose case scripts/parity/table.py computes in torch. */
import * as ops from '../../engine/graph/index.ts'
import type { Value } from '../../engine/graph/index.ts'
import type { OperationName } from '../../engine/graph/operation.ts'

/** The value of a case; `input` gives its inputs, indices and constants by name. */
export type Expression = (input: (name: string) => Value) => Value

export const TABLE: Readonly<Record<OperationName, Expression>> = {
  add: binary(ops.add),
  sub: binary(ops.sub),
  mul: binary(ops.mul),
  div: binary(ops.div),
  minimum: binary(ops.minimum),
  maximum: binary(ops.maximum),
  where: (input) => ops.where(ops.cast(input('condition'), 'bool'), input('a'), input('b')),
  stopGradient: unary((x) => ops.mul(x, ops.stopGradient(ops.exp(x)))),
  neg: unary(ops.neg),
  abs: unary(ops.abs),
  exp: unary(ops.exp),
  log: unary(ops.log),
  sqrt: unary(ops.sqrt),
  sin: unary(ops.sin),
  cos: unary(ops.cos),
  erf: unary(ops.erf),
  tanh: unary(ops.tanh),
  sigmoid: unary(ops.sigmoid),
  softplus: unary(ops.softplus),
  relu: unary(ops.relu),
  gelu: unary(ops.gelu),
  silu: unary(ops.silu),
  sum: (input) => ops.sum(input('x'), [0, 2]),
  largest: (input) => ops.largest(input('x'), 1),
  smallest: (input) => ops.smallest(input('x'), 0),
  cumulativeSum: (input) => ops.cumulativeSum(input('x')),
  softmax: (input) => ops.softmax(input('x')),
  logSoftmax: (input) => ops.logSoftmax(input('x')),
  tokenLogProbability: (input) => ops.tokenLogProbability(input('logits'), input('label')),
  headLogProbability: (input) => ops.headLogProbability(input('hidden'), input('table'), input('label')),
  swiglu: (input) => ops.swiglu(input('gate'), input('up')),
  rmsNorm: (input) => ops.rmsNorm(input('x'), input('w'), 1e-5),
  layerNorm: (input) => ops.layerNorm(input('x'), input('w'), input('b'), 1e-5),
  rotate: (input) => {
    const [cosine, sine] = [input('cosine'), input('sine')]
    return ops.rotate(input('x'), ops.cast(input('positions'), 'int64'), { cosine, sine, negativeSine: ops.neg(sine) })
  },
  matmul: binary(ops.matmul),
  attention: (input) => ops.attention(input('q'), input('k'), input('v'), input('mask'), 0.6),
  convolve: (input) => ops.convolve(input('x'), input('w'), { stride: 2, padding: 1 }),
  reshape: (input) => ops.reshape(input('x'), [4, 3]),
  transpose: (input) => ops.transpose(input('x'), [2, 0, 1]),
  concat: (input) => ops.concat([input('a'), input('b'), input('c')], 1),
  split: (input) => {
    const [, second, third] = ops.split(input('x'), 1, [1, 2, 2])
    if (second === undefined || third === undefined) throw new RangeError('split gives as many parts as sizes')
    return ops.mul(second, third)
  },
  expand: (input) => ops.expand(input('x'), [2, 3, 4]),
  slice: (input) => ops.slice(input('x'), 1, 1, 3),
  pad: (input) => ops.pad(input('x'), 1, 1, 2),
  gatherRows: (input) => ops.gatherRows(input('table'), input('index')),
  rearrange: (input) => ops.rearrange(input('x'), input('forward'), input('backward')),
  takeAlong: (input) => ops.takeAlong(input('x'), input('index'), 1),
  scatterAdd: (input) => ops.scatterAdd(input('x'), input('index'), input('u'), 0),
}

function unary(f: (x: Value) => Value): Expression {
  return (input) => f(input('input'))
}

function binary(f: (left: Value, right: Value) => Value): Expression {
  return (input) => f(input('input'), input('other'))
}
