/**
 * The table of gradients: one entry per differentiable operation, mapping the cotangents of its outputs to those of its inputs
 * (vector-Jacobian products). ONNX Runtime has no gradient operators in its inference build, so each is written in forward ones.
 */
import { emitOne, type Value } from '../graph/graph.ts'
import type { OperationName } from '../graph/operation.ts'
import { convolution, convolutionAttributes } from '../graph/operations/convolution.ts'
import {
  add,
  cos,
  div,
  erf,
  exp,
  lessOrEqual,
  mul,
  neg,
  sign,
  sin,
  sub,
  where,
} from '../graph/operations/elementwise.ts'
import { gatherRows, oneHot, rowsOrZeros, scatterAdd, takeAlong } from '../graph/operations/indexing.ts'
import { matmul, mean, sum } from '../graph/operations/linear.ts'
import { rotate } from '../graph/operations/neural.ts'
import { concat, pad, reshape, slice, split, transpose } from '../graph/operations/shape.ts'
import { fixedDimension, product, reducedShape } from '../graph/types.ts'
import {
  chain,
  choice,
  expandLike,
  plainSigmoid,
  type Rule,
  sharedExtremum,
  sumRows,
  unbroadcast,
  zeros,
} from './support.ts'

type Rules = { readonly [Name in OperationName]: Rule<Name> }

export const vectorJacobianProducts: Rules = {
  add: ({ inputs }, { dy }) => inputs.map((input) => unbroadcast(dy, input.shape)),
  sub: ({ inputs: [a, b] }, { dy, needed }) => [
    unbroadcast(dy, a.shape),
    needed(b) ? unbroadcast(neg(dy), b.shape) : null,
  ],
  mul: ({ inputs: [a, b] }, { dy, needed }) => [
    needed(a) ? unbroadcast(mul(dy, b), a.shape) : null,
    needed(b) ? unbroadcast(mul(dy, a), b.shape) : null,
  ],
  div: ({ inputs: [a, b] }, { y, dy, needed }) => {
    const da = div(dy, b)
    return [unbroadcast(da, a.shape), needed(b) ? unbroadcast(neg(mul(da, y)), b.shape) : null]
  },
  // Of equal operands the first takes the whole gradient.
  minimum: choice(lessOrEqual),
  maximum: choice((a, b) => lessOrEqual(b, a)),
  where: ({ inputs: [condition, a, b] }, { dy }) => [
    null,
    unbroadcast(where(condition, dy, 0), a.shape),
    unbroadcast(where(condition, 0, dy), b.shape),
  ],
  stopGradient: () => [null],
  neg: (_, { dy }) => [neg(dy)],
  abs: chain((x) => sign(x)),
  exp: chain((_, y) => y),
  log: ({ inputs: [x] }, { dy }) => [div(dy, x)],
  sqrt: (_, { y, dy }) => [div(mul(dy, 0.5), y)],
  sin: chain((x) => cos(x)),
  cos: chain((x) => neg(sin(x))),
  erf: chain((x) => mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
  tanh: chain((_, y) => sub(1, mul(y, y))),
  sigmoid: chain((_, y) => mul(y, sub(1, y))),
  softplus: chain((x) => plainSigmoid(x)),
  // y is never negative, so that its sign is 1 where the input passed.
  relu: chain((_, y) => sign(y)),
  // d(x·Φ(x))/dx = Φ(x) + x·φ(x), with the normal density φ.
  gelu: chain((x) => {
    const distribution = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5)
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
    return add(distribution, mul(x, density))
  }),
  // d(x·s)/dx = s·(1 + x·(1 - s)) = s + y·(1 - s) = y + s·(1 - y), with s = sigmoid(x) and y = x·s.
  silu: chain((x, y) => add(y, mul(plainSigmoid(x), sub(1, y)))),
  sum: ({ inputs: [x], attributes: { axes } }, { dy }) => [
    expandLike(reshape(dy, reducedShape(x.shape, axes, true)), x),
  ],
  largest: sharedExtremum,
  smallest: sharedExtremum,
  cumulativeSum: (_, { dy }) => {
    const axis = dy.graph.scalar(dy.shape.length - 1, 'int64')
    return [emitOne('CumSum', [dy, axis], 'float32', dy.shape, { reverse: { int: 1 } })]
  },
  // dx = P·(dy - Σ dy·P).
  softmax: (_, { y, dy }) => {
    const product = mul(dy, y)
    return [sub(product, mul(y, sum(product, [-1], true)))]
  },
  logSoftmax: (_, { y, dy }) => [sub(dy, mul(exp(y), sum(dy, [-1], true)))],
  // d log p(label) / d logits = onehot(label) - softmax(logits).
  tokenLogProbability: ({ attributes: { logProbabilities, column } }, { dy }) => {
    const vocabulary = fixedDimension(logProbabilities.shape, 1)
    return [mul(sub(oneHot(column, vocabulary), exp(logProbabilities)), reshape(dy, column.shape)), null]
  },
  // With P = softmax(h·Eᵀ): dh = dy·(E[label] - P·E) and dE = onehot(label)ᵀ·(dy·h) - Pᵀ·(dy·h).
  headLogProbability: ({ inputs: [hidden, table, labels], attributes: { logProbabilities } }, { dy, needed }) => {
    const probabilities = exp(logProbabilities)
    const [rows = 0] = dy.shape
    const weight = reshape(dy, [rows, 1])
    const expected = (): Value => sub(gatherRows(table, labels), matmul(probabilities, table))
    const weighted = mul(hidden, weight)
    const fromSoftmax = (): Value => matmul(probabilities, weighted, { transposeA: true, scale: -1 })
    return [
      needed(hidden) ? mul(expected(), weight) : null,
      needed(table) ? add(fromSoftmax(), sumRows(labels, weighted, table)) : null,
      null,
    ]
  },
  // With s = sigmoid(gate), a = gate·s and h = a·up: dup = dh·a, dgate = dh·up·(a + s·(1 - a)) = dh·(h + s·(up - h)).
  swiglu: ({ inputs: [gate, up], attributes: { activated } }, { y, dy }) => {
    const slope = add(y, mul(plainSigmoid(gate), sub(up, y)))
    return [mul(dy, slope), mul(dy, activated)]
  },
  // y = w·x̂ with x̂ = x·r: dw = Σ dy·x̂ and dx = r·(w·dy - x̂·mean(w·dy·x̂)).
  rmsNorm: ({ inputs: [x, weight], attributes: { inverseRms } }, { dy, needed }) => {
    const normalised = mul(x, inverseRms)
    const scaled = mul(dy, weight)
    const projection = (): Value => mean(mul(scaled, normalised), [-1], true)
    return [
      needed(x) ? mul(sub(scaled, mul(normalised, projection())), inverseRms) : null,
      needed(weight) ? unbroadcast(mul(dy, normalised), weight.shape) : null,
    ]
  },
  // y = w·x̂ + b with x̂ = (x - μ)·r: dx = r·(w·dy - mean(w·dy) - x̂·mean(w·dy·x̂)).
  layerNorm: ({ inputs: [x, weight, bias], attributes: { average, inverseDeviation } }, { dy, needed }) => {
    const normalised = mul(sub(x, average), inverseDeviation)
    const scaled = mul(dy, weight)
    const projection = mean(mul(scaled, normalised), [-1], true)
    const centred = sub(scaled, mean(scaled, [-1], true))
    return [
      needed(x) ? mul(sub(centred, mul(normalised, projection)), inverseDeviation) : null,
      needed(weight) ? unbroadcast(mul(dy, normalised), weight.shape) : null,
      needed(bias) ? unbroadcast(dy, bias.shape) : null,
    ]
  },
  // A rotation's transpose turns the other way.
  rotate: ({ attributes: { positions, cosine, sine, negativeSine } }, { dy }) => [
    rotate(dy, positions, { cosine, sine: negativeSine, negativeSine: sine }),
  ],
  matmul: ({ inputs: [a, b], attributes: { transposeA, transposeB, scale } }, { dy, needed }) => {
    const da = (): Value =>
      transposeA
        ? matmul(b, dy, { transposeA: transposeB, transposeB: true, scale })
        : matmul(dy, b, { transposeB: !transposeB, scale })
    const db = (): Value =>
      transposeB
        ? matmul(dy, a, { transposeA: true, transposeB: transposeA, scale })
        : matmul(a, dy, { transposeA: !transposeA, scale })
    return [needed(a) ? unbroadcast(da(), a.shape) : null, needed(b) ? unbroadcast(db(), b.shape) : null]
  },
  // O = P·V, P = softmax(S), S = scale·Q·Kᵀ + mask: dS = P·(dP - rowsum(dO·O)), for rowsum(P·dP) = rowsum(dO·O).
  attention: ({ inputs: [query, key, value], attributes: { scale, probabilities } }, { y, dy }) => {
    const dProbabilities = matmul(dy, value, { transposeB: true })
    const rowSum = sum(mul(dy, y), [-1], true)
    const dScores = mul(probabilities, sub(dProbabilities, rowSum))
    return [
      unbroadcast(matmul(dScores, key, { scale }), query.shape),
      unbroadcast(matmul(dScores, query, { transposeA: true, scale }), key.shape),
      unbroadcast(matmul(probabilities, dy, { transposeA: true }), value.shape),
    ]
  },
  // dx is the transposed convolution. dw is a convolution of x with dy over the batch, strides and dilations exchanged; where
  // the stride does not divide the size it has more taps than w, and the last ones are cut off.
  convolve: ({ inputs: [x, weight], attributes }, { dy, needed }) => {
    const { strides, dilations, padding } = attributes
    const swap = x.shape.map((_, axis) => (axis < 2 ? 1 - axis : axis))
    const dx = (): Value => {
      const lost = strides.map((stride, index) => {
        const size = (value: Value): number => fixedDimension(value.shape, index + 2)
        const [before, after] = padding[index] ?? [0, 0]
        const reach = (dilations[index] ?? 1) * (size(weight) - 1) + 1
        return size(x) + before + after - stride * (size(dy) - 1) - reach
      })
      const settings = { ...convolutionAttributes(attributes), output_padding: { ints: lost } }
      return emitOne('ConvTranspose', [dy, weight], 'float32', x.shape, settings)
    }
    const dw = (): Value => {
      const exchanged = { strides: dilations, dilations: strides, padding }
      const taps = convolution(transpose(x, swap), transpose(dy, swap), exchanged)
      const kept = strides.reduce(
        (cut, _, index) => slice(cut, index + 2, 0, fixedDimension(weight.shape, index + 2)),
        taps,
      )
      return transpose(kept, swap)
    }
    return [needed(x) ? dx() : null, needed(weight) ? dw() : null]
  },
  reshape: ({ inputs: [x] }, { dy }) => [reshape(dy, x.shape)],
  transpose: ({ attributes: { permutation } }, { dy }) => [
    transpose(
      dy,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  concat: ({ inputs, attributes: { axis } }, { dy }) =>
    split(
      dy,
      axis,
      inputs.map((input) => fixedDimension(input.shape, axis)),
    ),
  split: ({ outputs, attributes: { axis } }, { cotangents }) => [
    concat(
      outputs.map((output, index) => cotangents[index] ?? zeros(output)),
      axis,
    ),
  ],
  expand: ({ inputs: [x] }, { dy }) => [unbroadcast(dy, x.shape)],
  slice: ({ inputs: [x], attributes: { axis, start, end } }, { dy }) => [
    pad(dy, axis, start, fixedDimension(x.shape, axis) - end),
  ],
  pad: ({ inputs: [x], attributes: { axis, before } }, { dy }) => [
    slice(dy, axis, before, before + fixedDimension(x.shape, axis)),
  ],
  gatherRows: ({ inputs: [table, indices] }, { dy }) => [sumRows(indices, dy, table), null],
  rearrange: ({ inputs: [x], attributes: { backward } }, { dy }) => {
    const rest = x.shape.slice(1)
    const moved = dy.shape.slice(0, dy.shape.length - rest.length)
    return [rowsOrZeros(reshape(dy, [product(moved), ...rest]), backward)]
  },
  takeAlong: ({ inputs: [x, indices], attributes: { axis } }, { dy }) => [
    scatterAdd(zeros(x), indices, dy, axis),
    null,
  ],
  scatterAdd: ({ inputs: [, indices, updates], attributes: { axis } }, { dy, needed }) => [
    dy,
    null,
    needed(updates) ? takeAlong(dy, indices, axis) : null,
  ],
}
