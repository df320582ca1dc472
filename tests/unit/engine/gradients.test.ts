/** Every entry of the gradient table against central differences, over random shapes. fast-check prints the seed of a failure. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { vectorJacobianProducts } from '../../../engine/autodiff/rules.ts'
import * as ops from '../../../engine/graph/index.ts'
import { Graph, type Value } from '../../../engine/graph/index.ts'
import { gradients } from '../../../engine/autodiff/gradients.ts'
import { floatFeed, Session } from '../../../engine/runtime/session.ts'

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
}

const awayFromZero = (value: number): number => value + (value < 0 ? -0.5 : 0.5)
const positive = (value: number): number => 0.5 + Math.abs(value)

const CASES: Readonly<Record<keyof typeof vectorJacobianProducts, (sizes: Sizes) => Case>> = {
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
  neg: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.neg(get(x)) }),
  exp: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.exp(get(x)) }),
  log: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.log(get(x)), adapt: positive }),
  sqrt: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.sqrt(get(x)), adapt: positive }),
  sigmoid: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.sigmoid(get(x)) }),
  softplus: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.softplus(get(x)) }),
  silu: ({ a, b }) => ({ shapes: [[a, b]], build: (_, [x]) => ops.silu(get(x)) }),
  // Inputs are multiples of 0.2 and kinks lie at odd multiples of 0.1: no difference crosses one.
  minimum: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.minimum(get(x), 0.1), adapt: grid }),
  maximum: ({ a }) => ({ shapes: [[a]], build: (_, [x]) => ops.clip(get(x), -0.3, 0.5), adapt: grid }),
  stopGradient: ({ a }) => ({
    shapes: [[a]],
    build: (_, [x]) => ops.add(get(x), ops.stopGradient(ops.mul(get(x), 0))),
  }),
  sum: ({ a, b, c }) => ({ shapes: [[a, b, c]], build: (_, [x]) => ops.sum(get(x), [0, 2]) }),
  cumulativeSum: ({ a, b }) => ({ shapes: [[a, b]], build: (_, [x]) => ops.cumulativeSum(get(x)) }),
  softmax: ({ a, b }) => ({ shapes: [[a, b]], build: (_, [x]) => ops.softmax(get(x)) }),
  logSoftmax: ({ a, b }) => ({ shapes: [[a, b]], build: (_, [x]) => ops.logSoftmax(get(x)) }),
  tokenLogProbability: ({ a, b }) => ({
    shapes: [[a, b]],
    build: (graph, [x]) => ops.tokenLogProbability(get(x), indices(graph, a, b)),
  }),
  rmsNorm: ({ a, b }) => ({
    shapes: [[a, 2 * b], [2 * b]],
    build: (_, [x, w]) => ops.rmsNorm(get(x), get(w), 1e-5),
    adapt: awayFromZero,
  }),
  rotate: ({ a, b, c }) => ({ shapes: [[a, b, 4 * c]], build: (graph, [x]) => rotate(graph, get(x), a, b) }),
  matmul: ({ a, b, c }) => ({
    shapes: [
      [b, a],
      [c, b],
      [2, a, b],
      [2, c, b],
    ],
    build: (_, [w, x, y, z]) => {
      const plain = ops.matmul(get(w), get(x), { transposeA: true, transposeB: true, scale: 0.7 })
      const batched = ops.matmul(get(y), get(z), { transposeB: true })
      return ops.add(ops.matmul(batched, ops.expand(ops.reshape(plain, [1, a, c]), [2, a, c]), { transposeA: true }), 0)
    },
  }),
  reshape: ({ a, b }) => ({ shapes: [[a, b]], build: (_, [x]) => ops.reshape(get(x), [b, a]) }),
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
  gatherRows: ({ a, b, c }) => ({
    shapes: [[b, c]],
    build: (graph, [x]) => ops.gatherRows(get(x), indices(graph, 2 * a, b)),
  }),
  attention: ({ a, b, c }) => ({
    shapes: [
      [2, a, c],
      [2, b, c],
      [2, b, c],
    ],
    build: (graph, [q, k, v]) => ops.attention(get(q), get(k), get(v), graph.constant('float32', [1], [0.3]), 0.6),
  }),
}

describe.each(Object.entries(CASES))('%s', (_, makeCase) => {
  it('has the gradient of central differences', async () => {
    const sizes = fc.record({
      a: fc.integer({ min: 1, max: 4 }),
      b: fc.integer({ min: 1, max: 4 }),
      c: fc.integer({ min: 1, max: 3 }),
    })
    const property = fc.asyncProperty(sizes, fc.integer(), (size, seed) => check(makeCase(size), seed))
    await fc.assert(property, { numRuns: 8 })
  })
})

describe('gathering from a large table', () => {
  it('adds up repeated rows exactly, also with two threads', async () => {
    const graph = new Graph('scatter')
    const table = graph.input('table', 'float32', [5000, 8])
    const rows = indices(graph, 6144, 7)
    graph.output(get(gradients(ops.total(ops.gatherRows(table, rows)), [table])[0]), 'gradient')
    const session = await Session.create(graph, { threads: 2 })
    const outputs = await session.run({ table: floatFeed(new Float32Array(40_000), [5000, 8]) })
    const counts = Array.from({ length: 7 }, (_, row) => outputs.floats('gradient')[8 * row])
    expect(counts).toEqual([878, 878, 878, 878, 878, 877, 877])
  })
})

describe('gradients', () => {
  it('is null where the loss does not depend on a value', () => {
    const graph = new Graph('independent')
    const x = graph.input('x', 'float32', [2])
    const y = graph.input('y', 'float32', [2])
    expect(gradients(ops.total(ops.add(x, ops.stopGradient(y))), [y])).toEqual([null])
  })

  it('needs a scalar', () => {
    const graph = new Graph('vector')
    const x = graph.input('x', 'float32', [2])
    expect(() => gradients(x, [x])).toThrow('gradients need a float32 scalar, got x: float32[2]')
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

/** Repeating row numbers 0, 1, … modulo `size`. */
function indices(graph: Graph, count: number, size: number): Value {
  return graph.constant(
    'int32',
    [count],
    Array.from({ length: count }, (_, index) => index % size),
  )
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

function get(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new RangeError('expected a value')
  return value
}
