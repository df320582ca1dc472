/** Every entry of the gradient table against central differences, over random shapes. fast-check prints the seed of a failure. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as ops from '../../../engine/graph/index.ts'
import type { OperationName } from '../../../engine/graph/operation.ts'
import { Graph, type Value } from '../../../engine/graph/index.ts'
import { gradients } from '../../../engine/autodiff/gradients.ts'
import { floatFeed, Session } from '../../../engine/runtime/session.ts'
import { get, indices } from './support.ts'

interface Case {
  /** Shapes of the differentiated inputs. */
  readonly shapes: readonly (readonly number[])[]
  readonly build: (graph: Graph, inputs: readonly Value[]) => Value
  /** Keeps inputs away from kinks and poles. */
  readonly adapt?: (value: number) => number
}

interface Sizes {
  readonly a: number
  readonly b: number
  readonly c: number
  /** Chooses among settings. */
  readonly d: number
}

type MakeCase = (sizes: Sizes) => Case

const awayFromZero = (value: number): number => value + (value < 0 ? -0.5 : 0.5)
const positive = (value: number): number => 0.5 + Math.abs(value)

/** f of one input of two axes. */
function unary(f: (x: Value) => Value, adapt?: Case['adapt']): MakeCase {
  return ({ a, b }) => ({ shapes: [[a, b]], build: (_, [x]) => f(get(x)), ...(adapt ? { adapt } : {}) })
}

const CASES: Readonly<Record<OperationName, MakeCase>> = {
  add: ({ a, b }) => ({ shapes: [[a, b], [b]], build: (_, [x, y]) => ops.add(get(x), get(y)) }),
  sub: ({ a, b }) => ({
    shapes: [
      [a, 1],
      [a, b],
    ],
    build: (_, [x, y]) => ops.sub(get(x), get(y)),
  }),
  mul: ({ a, b }) => ({
    shapes: [
      [a, b],
      [a, 1],
    ],
    build: (_, [x, y]) => ops.mul(get(x), get(y)),
  }),
  div: ({ a, b }) => ({ shapes: [[b], [a, b]], build: (_, [x, y]) => ops.div(get(x), get(y)), adapt: positive }),
  // Inputs are multiples of 0.2 and kinks lie at odd multiples of 0.1: no difference crosses one.
  minimum: unary((x) => ops.minimum(x, 0.1), grid),
  maximum: unary((x) => ops.maximum(0.3, x), grid),
  where: ({ a, b }) => ({
    shapes: [[a, b], [b]],
    build: (graph, [x, y]) => {
      const condition = ops.equal(indices(graph, b, 2), ops.cast(graph.scalar(1), 'int32'))
      return ops.add(ops.where(condition, get(x), get(y)), ops.where(condition, 0.5, get(x)))
    },
  }),
  stopGradient: unary((x) => ops.add(x, ops.stopGradient(ops.mul(x, 0)))),
  neg: unary(ops.neg),
  abs: unary(ops.abs, awayFromZero),
  exp: unary(ops.exp),
  log: unary(ops.log, positive),
  sqrt: unary(ops.sqrt, positive),
  sin: unary(ops.sin),
  cos: unary(ops.cos),
  erf: unary(ops.erf),
  tanh: unary(ops.tanh),
  sigmoid: unary(ops.sigmoid),
  softplus: unary(ops.softplus),
  relu: unary(ops.relu, awayFromZero),
  gelu: unary(ops.gelu),
  silu: unary(ops.silu),
  sum: ({ a, b, c, d }) => ({
    shapes: [[a, b, c]],
    build: (_, [x]) => ops.sum(get(x), d % 2 === 0 ? [0, 2] : [-2], d > 3),
  }),
  // Equal elements share the gradient, and so differ from central differences: inputs that differ are far apart.
  largest: ({ a, b, d }) => ({
    shapes: [[a, b, 2]],
    build: (_, [x]) => ops.largest(spread(get(x)), d % 3, d > 3),
  }),
  smallest: ({ a, b, d }) => ({
    shapes: [[a, b, 2]],
    build: (_, [x]) => ops.smallest(spread(get(x)), -1 - (d % 3), d > 3),
  }),
  cumulativeSum: unary(ops.cumulativeSum),
  softmax: unary(ops.softmax),
  logSoftmax: unary(ops.logSoftmax),
  tokenLogProbability: ({ a, b }) => ({
    shapes: [[a, b]],
    build: (graph, [x]) => ops.tokenLogProbability(get(x), indices(graph, a, b)),
  }),
  headLogProbability: ({ a, b, c }) => ({
    shapes: [
      [a, c],
      [b, c],
    ],
    build: (graph, [x, table]) => ops.headLogProbability(get(x), get(table), indices(graph, a, b)),
  }),
  swiglu: ({ a, b }) => ({
    shapes: [
      [a, b],
      [a, b],
    ],
    build: (_, [gate, up]) => ops.swiglu(get(gate), get(up)),
  }),
  // The first row comes last, the others keep their order, and one place stays empty.
  rearrange: ({ a, b }) => ({
    shapes: [[a + 1, b]],
    build: (graph, [x]) => {
      const rows = [...Array(a).keys()]
      const forward = graph.constant('int32', [a + 2], [...rows.map((row) => row + 1), -1, 0])
      const backward = graph.constant('int32', [a + 1], [a + 1, ...rows])
      return ops.rearrange(get(x), forward, backward)
    },
  }),
  rmsNorm: ({ a, b }) => ({
    shapes: [[a, 2 * b], [2 * b]],
    build: (_, [x, w]) => ops.rmsNorm(get(x), get(w), 1e-5),
    adapt: awayFromZero,
  }),
  // Epsilon is large as the variance of two elements may be small.
  layerNorm: ({ a, b, c }) => ({
    shapes: [[c, a, b + 1], [b + 1], [b + 1]],
    build: (_, [x, w, v]) => ops.layerNorm(get(x), get(w), get(v), 0.1),
  }),
  rotate: ({ a, b, c }) => ({ shapes: [[a, b, 4 * c]], build: (graph, [x]) => rotate(graph, get(x), a, b) }),
  matmul: ({ a, b, c, d }) => ({
    shapes: [d % 2 === 0 ? [a, b] : [b, a], d % 4 < 2 ? [b, c] : [c, b]],
    build: (_, [x, y]) =>
      ops.matmul(get(x), get(y), { transposeA: d % 2 === 1, transposeB: d % 4 >= 2, scale: d > 3 ? 0.7 : 1 }),
  }),
  attention: ({ a, b, c }) => ({
    shapes: [
      [2, a, c],
      [2, b, c],
      [2, b, c],
    ],
    build: (graph, [q, k, v]) => ops.attention(get(q), get(k), get(v), graph.constant('float32', [1], [0.3]), 0.6),
  }),
  // Two spatial axes; sizes that the stride does not divide are among them.
  convolve: ({ a, b, c, d }) => ({
    shapes: [
      [a, b, 4 + c, 3 + b],
      [c, b, 2, 1 + (d % 3)],
    ],
    build: (_, [x, w]) => ops.convolve(get(x), get(w), { stride: 1 + (d % 2), padding: Math.floor(d / 4) }),
  }),
  reshape: unary((x) => ops.reshape(x, [...x.shape].toReversed())),
  transpose: ({ a, b, c }) => ({ shapes: [[a, b, c]], build: (_, [x]) => ops.transpose(get(x), [2, 0, 1]) }),
  concat: ({ a, b, c }) => ({
    shapes: [
      [a, b],
      [a, c],
    ],
    build: (_, [x, y]) => ops.concat([get(x), get(y)], 1),
  }),
  // One of the parts is not used: its cotangent is 0.
  split: ({ a, b, c }) => ({ shapes: [[a + b + c]], build: (_, [x]) => get(ops.split(get(x), 0, [a, b, c])[1]) }),
  expand: ({ a, b, c }) => ({ shapes: [[b, 1]], build: (_, [x]) => ops.expand(get(x), [a, b, c]) }),
  slice: ({ a, b, c }) => ({ shapes: [[b, a + c + 2]], build: (_, [x]) => ops.slice(get(x), 1, 1, 1 + c) }),
  pad: ({ a, b, d }) => ({ shapes: [[a, b]], build: (_, [x]) => ops.pad(get(x), -1, d % 3, d % 2) }),
  gatherRows: ({ a, b, c }) => ({
    shapes: [[b, c]],
    build: (graph, [x]) => ops.gatherRows(get(x), indices(graph, 2 * a, b)),
  }),
  takeAlong: ({ a, b, c, d }) => ({
    shapes: [[a, b]],
    build: (graph, [x]) =>
      d % 2 === 0
        ? ops.takeAlong(get(x), ops.reshape(indices(graph, a * c, b), [a, c]), 1)
        : ops.takeAlong(get(x), ops.reshape(indices(graph, c * b, a), [c, b]), 0),
  }),
  scatterAdd: ({ a, b, c }) => ({
    shapes: [
      [a, b],
      [2 * c, b],
    ],
    build: (graph, [x, u]) => ops.scatterAdd(get(x), ops.reshape(indices(graph, 2 * c * b, a), [2 * c, b]), get(u), 0),
  }),
}

/** Operations made of others, and further settings. */
const COMPOSED: Readonly<Record<string, MakeCase>> = {
  clip: unary((x) => ops.clip(x, -0.3, 0.5), grid),
  square: unary(ops.square),
  mean: ({ a, b, c }) => ({ shapes: [[a, b, c]], build: (_, [x]) => ops.mean(get(x), [-1, 0], true) }),
  logSumExp: ({ a, b, d }) => ({
    shapes: [[a, b]],
    // exp(100) is infinite in float32.
    build: (_, [x]) => ops.sub(ops.logSumExp(ops.add(get(x), 100), d % 2, d > 3), 100),
  }),
  'matmul of batches': ({ a, b, c, d }) => ({
    shapes: [
      [2, ...(d % 2 === 0 ? [a, b] : [b, a])],
      [2, ...(d % 4 < 2 ? [b, c] : [c, b])],
    ],
    build: (_, [x, y]) => ops.matmul(get(x), get(y), { transposeA: d % 2 === 1, transposeB: d % 4 >= 2, scale: 0.7 }),
  }),
  'matmul with broadcasting': ({ a, b, c, d }) => ({
    shapes: [d < 4 ? [a, b] : [1, 3, a, b], [2, ...(d < 4 ? [] : [1]), ...(d % 2 === 0 ? [b, c] : [c, b])]],
    build: (_, [x, y]) => ops.matmul(get(x), get(y), { transposeB: d % 2 === 1 }),
  }),
  'convolve along one axis': ({ a, b, c, d }) => ({
    shapes: [
      [a, b, 5 + c],
      [c, b, 1 + (d % 3)],
    ],
    build: (_, [x, w]) => ops.convolve(get(x), get(w), { stride: 1 + (d % 3), dilation: 1 + (d % 2), padding: c - 1 }),
  }),
  'convolve with dilation': ({ a, b, c, d }) => ({
    shapes: [
      [a, 2, 5 + b, 6],
      [c, 2, 3, 2],
    ],
    build: (_, [x, w]) => ops.convolve(get(x), get(w), { dilation: 2, stride: 1 + (d % 2), padding: d % 3 }),
  }),
  'gatherRows by int64': ({ a, b, c }) => ({
    shapes: [[b, c]],
    build: (graph, [x]) => ops.gatherRows(get(x), ops.cast(indices(graph, 2 * a, b), 'int64')),
  }),
  'the same value twice': unary((x) => ops.mul(ops.tanh(x), ops.add(x, x))),
}

describe.each([...Object.entries(CASES), ...Object.entries(COMPOSED)])('%s', (_, makeCase) => {
  it('has the gradient of central differences', async () => {
    const sizes = fc.record({
      a: fc.integer({ min: 1, max: 4 }),
      b: fc.integer({ min: 1, max: 4 }),
      c: fc.integer({ min: 1, max: 3 }),
      d: fc.integer({ min: 0, max: 7 }),
    })
    const property = fc.asyncProperty(sizes, fc.integer(), (size, seed) => check(makeCase(size), seed))
    await fc.assert(property, { numRuns: 10 })
  })
})

/** Compares d (Σ weights · f(x)) / dx with central differences at the same float32 graph. */
async function check(testCase: Case, seed: number): Promise<void> {
  const next = numbers(seed)
  const adapt = testCase.adapt ?? ((value) => value)
  const graph = new Graph('check')
  const inputs = testCase.shapes.map((shape, index) => graph.input(`x${index}`, 'float32', shape))
  const output = testCase.build(graph, inputs)
  const count = ops.elementCount(output.shape)
  const weights = graph.constant('float32', output.shape.map(Number), Array.from({ length: count }, next))
  const loss = ops.total(ops.mul(output, weights))
  graph.output(loss, 'loss')
  graph.output(output, 'output')
  for (const [index, gradient] of gradients(loss, inputs).entries()) graph.output(get(gradient), `g${index}`)
  const session = await Session.create(graph, { threads: 1 })
  const values = testCase.shapes.map((shape) =>
    Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => adapt(next())),
  )
  const run = (): ReturnType<Session['run']> =>
    session.run(
      Object.fromEntries(values.map((value, index) => [`x${index}`, floatFeed(value, testCase.shapes[index] ?? [])])),
    )
  const analytic = await run()
  expect(analytic.shape('output')).toEqual(output.shape)
  for (const [index, value] of values.entries()) {
    const gradient = analytic.floats(`g${index}`)
    expect(analytic.shape(`g${index}`)).toEqual(testCase.shapes[index])
    for (const [position, original] of value.entries()) {
      const step = 2 ** -7
      const at = async (shift: number): Promise<number> => {
        value[position] = original + shift
        return (await run()).floats('loss')[0] ?? Number.NaN
      }
      const difference = ((await at(step)) - (await at(-step))) / (2 * step)
      value[position] = original
      const actual = gradient[position] ?? Number.NaN
      // Rounding of float32 losses over the step, plus the third derivative times step².
      expect(Math.abs(actual - difference)).toBeLessThan(3e-3 * (1 + Math.abs(difference)))
    }
  }
  await session.release()
}

function rotate(graph: Graph, x: Value, batch: number, length: number): Value {
  const angles = Array.from({ length: 16 }, (_, index) => index / 3)
  const table = (f: (angle: number) => number): Value => graph.constant('float32', [8, 2], angles.map(f))
  const tables = { cosine: table(Math.cos), sine: table(Math.sin), negativeSine: table((angle) => -Math.sin(angle)) }
  const positions = Array.from({ length: batch * length }, (_, index) => (3 * index) % 8)
  return ops.rotate(x, graph.constant('int64', [batch, length], positions), tables)
}

/** x plus a different multiple of 3 at each element, in an order that is not that of the elements. */
function spread(x: Value): Value {
  const count = ops.elementCount(x.shape)
  const offsets = Array.from(
    { length: count },
    (_, index) => 3 * ((5 * index + 3) % (count + (count % 5 === 0 ? 1 : 0))),
  )
  return ops.add(x, x.graph.constant('float32', x.shape.map(Number), offsets))
}

function grid(value: number): number {
  return Math.round(5 * value) / 5
}

/** Numbers in [-1, 1) from a linear congruential generator. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}
