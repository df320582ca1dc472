/** What gradients promise at points that random shapes do not reach. */
import { describe, expect, it } from 'vitest'
import * as ops from '../../../engine/graph/index.ts'
import { Graph, type Value } from '../../../engine/graph/index.ts'
import { gradients } from '../../../engine/autodiff/gradients.ts'
import { losses } from '../../../engine/index.ts'
import { floatFeed, Session } from '../../../engine/runtime/session.ts'
import { get, indices } from './support.ts'

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

  it('is shared by equal largest elements', async () => {
    const graph = new Graph('ties')
    const x = graph.input('x', 'float32', [2, 3])
    graph.output(get(gradients(ops.total(ops.largest(x, 1)), [x])[0]), 'gradient')
    const session = await Session.create(graph, { threads: 1 })
    const outputs = await session.run({ x: floatFeed(Float32Array.of(4, 1, 4, 0, 0, 0), [2, 3]) })
    expect([...outputs.floats('gradient')]).toEqual([0.5, 0, 0.5, ...[1, 1, 1].map((one) => Math.fround(one / 3))])
  })

  it('is finite at the lengths of zero vectors, with a small number under the root', async () => {
    const gradient = await gradientAt([0, 0, 3, 4], [2, 2], (x) =>
      ops.total(ops.sqrt(ops.add(ops.sum(ops.square(x), [-1]), 1e-6))),
    )
    expect(gradient.map((value) => Number(value.toFixed(5)))).toEqual([0, 0, 0.6, 0.8])
    const zero = [0, 0, 0, 0]
    const unit = (x: Value): Value => losses.cosineDistance(x, x.graph.constant('float32', [2, 2], [1, 0, 0, 1]))
    expect((await gradientAt(zero, [2, 2], (x) => ops.total(unit(x)))).every(Number.isFinite)).toBe(true)
  })

  it('of a choice is not touched by the infinity of the side not taken, where that side is given a safe operand', async () => {
    // log at 0: its own gradient is infinite, and 0 · ∞ is not a number.
    const choose = (safe: boolean) => (x: Value) => {
      const isPositive = ops.greater(x, x.graph.constant('float32', [1], [0]))
      return ops.total(ops.where(isPositive, ops.log(safe ? ops.where(isPositive, x, 1) : x), x))
    }
    expect(await gradientAt([0, 2], [2], choose(true))).toEqual([1, 0.5])
    expect((await gradientAt([0, 2], [2], choose(false)))[0]).toBeNaN()
  })

  it('of a mixture of logistics is finite at its open ends and far from every component', async () => {
    const likelihood = (x: Value): Value =>
      losses.logisticMixtureLogLikelihood(
        x,
        {
          logits: x.graph.constant('float32', [4, 1], [0, 0, 0, 0]),
          location: x.graph.constant('float32', [4, 1, 1], [0, 0, 0.9, -0.9]),
          logScale: x.graph.constant('float32', [4, 1, 1], [-7, -7, -7, 4]),
        },
        2 / 255,
      )
    const found = await gradientAt([-1, 1, -0.9, 0.9], [4, 1], (x) => ops.total(likelihood(x)))
    expect(found.every(Number.isFinite)).toBe(true)
  })

  it('goes through values that are not differentiated, and not past a stop', async () => {
    // An actor's loss through a frozen critic: d (w · (a · s)) / da = w · s, and nothing for w.
    const graph = new Graph('frozen')
    const [actor, critic, state] = ['actor', 'critic', 'state'].map((name) => graph.input(name, 'float32', []))
    const action = ops.mul(get(actor), get(state))
    const value = ops.mul(get(critic), action)
    const [gradient] = gradients(ops.add(value, ops.stopGradient(ops.mul(action, 7))), [get(actor)])
    graph.output(get(gradient), 'gradient')
    const session = await Session.create(graph, { threads: 1 })
    const scalar = (number: number): ReturnType<typeof floatFeed> => floatFeed(Float32Array.of(number), [])
    const outputs = await session.run({ actor: scalar(2), critic: scalar(3), state: scalar(5) })
    expect([...outputs.floats('gradient')]).toEqual([15])
    expect(graph.nodes.filter(({ op }) => op === 'Mul').length).toBe(5)
  })

  it('names the operation whose gradient needs fixed sizes', () => {
    const graph = new Graph('named')
    const x = graph.input('x', 'float32', ['n', 3])
    expect(() => gradients(ops.total(ops.concat([x, x], 0, 'twice')), [x])).toThrow(
      'gradient of concat(x: float32[n, 3], x: float32[n, 3]): axis 0 of shape [n, 3] must have a fixed size',
    )
  })

  it('needs a scalar', () => {
    const graph = new Graph('vector')
    const x = graph.input('x', 'float32', [2])
    expect(() => gradients(x, [x])).toThrow('gradients need a float32 scalar, got x: float32[2]')
  })
})

/** The gradient of f at x. */
async function gradientAt(x: readonly number[], shape: readonly number[], f: (x: Value) => Value): Promise<number[]> {
  const graph = new Graph('point')
  const input = graph.input('x', 'float32', shape)
  graph.output(get(gradients(f(input), [input])[0]), 'gradient')
  const session = await Session.create(graph, { threads: 1 })
  const outputs = await session.run({ x: floatFeed(Float32Array.from(x), shape) })
  await session.release()
  return [...outputs.floats('gradient')]
}
