/** What the builder refuses, in words that name the operation and the shapes. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../../../engine/autodiff/gradients.ts'
import * as ops from '../../../engine/graph/index.ts'
import { Graph, type Value } from '../../../engine/graph/index.ts'
import { losses } from '../../../engine/index.ts'
import { countFeed, floatFeed, Session } from '../../../engine/runtime/session.ts'

function build(make: (input: (name: string, shape: (number | string)[]) => Value) => unknown): () => unknown {
  const graph = new Graph('test')
  return () => make((name, shape) => graph.input(name, 'float32', shape))
}

describe('builder errors', () => {
  it.each<[string, () => unknown, string | RegExp]>([
    [
      'add',
      build((x) => ops.add(x('a', [2, 3]), x('b', [4]))),
      'add: a: float32[2, 3] and b: float32[4] do not broadcast',
    ],
    [
      'names',
      build((x) => ops.add(x('a', ['n']), x('b', ['m']))),
      'add: a: float32[n] and b: float32[m] do not broadcast',
    ],
    [
      'matmul',
      build((x) => ops.matmul(x('a', [2, 3]), x('b', [2, 3]))),
      'matmul: a: float32[2, 3] and b: float32[2, 3] do not fit',
    ],
    [
      'transposed matmul',
      build((x) => ops.matmul(x('a', [2, 3]), x('b', [3, 2]), { transposeB: true })),
      'matmul: a: float32[2, 3] and b: float32[3, 2] transposed do not fit',
    ],
    ['topK', build((x) => ops.topK(x('a', [2, 3]), 4)), 'topK: the last axis of a: float32[2, 3] has 3 elements'],
    ['reshape', build((x) => ops.reshape(x('a', [2, 3]), [4])), 'reshape: a: float32[2, 3] cannot become [4]'],
    [
      'transpose',
      build((x) => ops.transpose(x('a', [2, 3]), [0, 0])),
      'transpose: [0, 0] does not permute the axes of a: float32[2, 3]',
    ],
    [
      'split',
      build((x) => ops.split(x('a', [5]), 0, [2, 2])),
      'split along axis 0: sizes [2, 2] add up to 4, not to the size in a: float32[5]',
    ],
    ['slice', build((x) => ops.slice(x('a', [5]), 0, 2, 7)), 'slice 2:7 along axis 0 lies outside a: float32[5]'],
    ['axis', build((x) => ops.sum(x('a', [5]), [1])), 'sum: a: float32[5] has no axis 1'],
    [
      'concat',
      build((x) => ops.concat([x('a', [2, 3]), x('b', [3, 3])], 1)),
      'concat along axis 1: b: float32[3, 3] does not fit a: float32[2, 3]',
    ],
    [
      'type',
      build((x) => ops.exp(ops.cast(x('a', [1]), 'int32'))),
      'exp needs operands of type float32, got Cast_1: int32[1]',
    ],
    ['twice', build((x) => [x('a', [1]), x('a', [1])]), 'input a is declared twice'],
    [
      'batches',
      build((x) => ops.matmul(x('a', [2, 3, 4]), x('b', [3, 4, 5]))),
      'matmul: a: float32[2, 3, 4] and b: float32[3, 4, 5] do not fit',
    ],
    ['condition', build((x) => ops.where(x('a', [1]), x('b', [1]), 0)), 'where: condition a: float32[1] is not bool'],
    [
      'channels',
      build((x) => ops.convolve(x('a', [1, 2, 5]), x('b', [4, 3, 3]))),
      'convolve: a: float32[1, 2, 5] and weight b: float32[4, 3, 3]: the input channels differ',
    ],
    [
      'taps',
      build((x) => ops.convolve(x('a', [1, 2, 4]), x('b', [4, 2, 3]), { dilation: 2 })),
      'convolve: a: float32[1, 2, 4] and weight b: float32[4, 2, 3]: axis 2 is shorter than the taps',
    ],
    [
      'stride',
      build((x) => ops.convolve(x('a', [1, 2, 4]), x('b', [4, 2, 3]), { stride: 0 })),
      'stride and dilation must be positive integers, got 0',
    ],
    [
      'layerNorm',
      build((x) => ops.layerNorm(x('a', [2, 3]), x('w', [3]), x('b', [2]), 1e-5)),
      'layerNorm: a: float32[2, 3] and b: float32[2] do not fit',
    ],
    ['pad', build((x) => ops.pad(x('a', [5]), 0, -1, 0)), 'pad: -1 and 0 zeros along axis 0 of a: float32[5]'],
    [
      'indices',
      build((x) => ops.takeAlong(x('a', [2, 3]), ops.cast(x('i', [3, 1]), 'int32'), 1)),
      'takeAlong along axis 1: Cast_1: int32[3, 1] does not choose from a: float32[2, 3]',
    ],
    [
      'updates',
      build((x) => ops.scatterAdd(x('a', [2, 3]), ops.cast(x('i', [4, 3]), 'int32'), x('u', [3, 3]), 0)),
      'scatterAdd: indices Cast_1: int32[4, 3] and updates u: float32[3, 3] differ in shape',
    ],
    [
      'a named axis that must be fixed',
      build((x) => ops.slice(x('a', [2, 'n']), 1, 0, 1)),
      'slice: axis 1 of a: float32[2, n] must have a fixed size',
    ],
    [
      'a named spatial axis',
      build((x) => ops.convolve(x('a', [1, 2, 'n']), x('b', [4, 2, 3]))),
      'convolve: axis 2 of a: float32[1, 2, n] must have a fixed size',
    ],
    [
      'a mean of a named axis',
      build((x) => losses.meanOfAll(x('a', ['n', 2]))),
      'mean: axis 0 of a: float32[n, 2] has no fixed size',
    ],
    [
      'half a slice',
      build((x) => ops.slice(x('a', [5]), 0, 0.5, 2)),
      'slice 0.5:2 along axis 0 lies outside a: float32',
    ],
    [
      'negative parts',
      build((x) => ops.split(x('a', [5]), 0, [6, -1])),
      'split along axis 0: sizes [6, -1] add up to 5, not to the size in a: float32[5]',
    ],
    ['and', build((x) => ops.and(x('a', [1]), x('b', [1]))), 'and needs operands of type bool, got a: float32[1]'],
    ['not', build((x) => ops.not(x('a', [1]))), 'not needs operands of type bool, got a: float32[1]'],
    [
      'truth added',
      build((x) => ops.add(ops.cast(x('a', [1]), 'bool'), 1)),
      'add needs operands of type float32, int32, int64, got Cast_1: bool[1]',
    ],
    [
      'largest truth',
      build((x) => ops.largest(ops.cast(x('a', [1]), 'bool'), 0)),
      'largest needs operands of type float32, int32, int64, got Cast_1: bool[1]',
    ],
    [
      'labels that are no numbers of tokens',
      build((x) => ops.tokenLogProbability(x('a', [2, 3]), x('b', [2]))),
      'tokenLogProbability: a: float32[2, 3] and b: float32[2] do not fit',
    ],
    [
      'an index that is none',
      build((x) => ops.at(x('a', [2, 3]), x('i', []))),
      'at: index i: float32[] of a: float32[2, 3] must be a scalar int32 or int64',
    ],
    [
      'one-hot rows of a row',
      build((x) => ops.oneHot(ops.cast(x('i', [4]), 'int32'), 3)),
      'oneHot: Cast_1: int32[4] is no column of indices',
    ],
    [
      'attention over other lengths',
      build((x) => ops.attention(x('q', [2, 3, 4]), x('k', [2, 5, 4]), x('v', [2, 6, 4]), x('m', [1]), 1)),
      'attention: q: float32[2, 3, 4], k: float32[2, 5, 4], v: float32[2, 6, 4] do not fit',
    ],
    [
      'a mask of another size',
      build((x) => ops.attention(x('q', [2, 3, 4]), x('k', [2, 5, 4]), x('v', [2, 5, 4]), x('m', [6]), 1)),
      /^attention: FusedMatMul_\d+: float32\[2, 3, 5\] and m: float32\[6\] do not broadcast$/,
    ],
    [
      'rotation of no head',
      build((x) => {
        const [cosine, sine] = [x('c', [8, 2]), x('s', [8, 2])]
        return ops.rotate(x('a', [1, 3, 6]), ops.cast(x('p', [1, 3]), 'int64'), { cosine, sine, negativeSine: sine })
      }),
      'rotate: a: float32[1, 3, 6] holds no heads of 4, which c: float32[8, 2] are for',
    ],
    [
      'sines of other angles',
      build((x) => {
        const [cosine, sine] = [x('c', [8, 2]), x('s', [8, 3])]
        return ops.rotate(x('a', [1, 3, 8]), ops.cast(x('p', [1, 3]), 'int64'), { cosine, sine, negativeSine: sine })
      }),
      'rotate: c: float32[8, 2] and s: float32[8, 3] differ in shape',
    ],
    [
      'loop',
      build((x) => {
        const [tripCount, condition] = [x('n', []), x('c', [])]
        return ops.loop({
          tripCount,
          condition,
          initial: [],
          stackedAxis: 'n',
          body: () => ({ carried: [], stacked: [] }),
        })
      }),
      'loop: trip count n: float32[] must be an int64 scalar, condition c: float32[] a bool',
    ],
    ['sizes', build((x) => x('a', [2, 1.5])), 'input a: float32[2, 1.5]: a size is a whole number or a name'],
    [
      'an output twice',
      build((x) => {
        const a = x('a', [1])
        return [a.graph.output(ops.exp(a), 'y'), a.graph.output(ops.log(a), 'y')]
      }),
      'output y is declared twice',
    ],
    ['two numbers', () => ops.add(1, 2), 'add: at least one operand must belong to a graph'],
    ['size', () => new Graph('g').constant('float32', [2], [1]), 'constant of shape [2] needs 2 elements, got 1'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ name: 'GraphError' }))
  })

  it('refuses values of unrelated graphs', () => {
    const a = new Graph('one').input('a', 'float32', [1])
    const b = new Graph('two').input('b', 'float32', [1])
    expect(() => ops.add(a, b)).toThrow('add: operand b: float32[1] belongs to another graph'.replace('add', 'Add'))
  })
})

describe('serialising', () => {
  it('refuses more weights than an ONNX model holds, before it copies them', () => {
    const graph = new Graph('large')
    const part = new Uint8Array(2 ** 28)
    for (let index = 0; index < 8; index++) graph.stored(`w${index}`, 'uint8', [part.length], part)
    expect(() => ops.serialise(graph)).toThrow(/large holds 2\.0 GiB of weights.* at most 2: .*openWeights/)
  })
})

describe('the k largest', () => {
  it('are named from the largest on, equals in their order, and read with a gradient', async () => {
    const graph = new Graph('largest')
    const x = graph.input('x', 'float32', [2, 5])
    const indices = ops.topK(x, 3)
    const values = ops.takeAlong(x, indices, 1)
    graph.output(values, 'values')
    const [gradient] = gradients(ops.total(ops.square(values)), [x])
    if (!gradient) throw new RangeError('x has a gradient')
    graph.output(gradient, 'gradient')
    const session = await Session.create(graph, { threads: 1 })
    const outputs = await session.run({ x: floatFeed(Float32Array.of(1, 4, 4, -2, 3, 0, 0, 0, 0, 0), [2, 5]) })
    expect([...outputs.floats('values')]).toEqual([4, 4, 3, 0, 0, 0])
    expect([...outputs.floats('gradient')]).toEqual([0, 8, 8, 0, 6, 0, 0, 0, 0, 0])
  })
})

describe('loops', () => {
  it('carries, stacks, captures outer values and stops when the condition fails', async () => {
    const graph = new Graph('loop')
    const step = graph.input('step', 'float32', [1])
    const most = graph.input('most', 'int64', [])
    const { carried, stacked } = ops.loop({
      tripCount: most,
      condition: ops.cast(graph.scalar(1), 'bool'),
      initial: [graph.constant('float32', [1], [0])],
      stackedAxis: 'n',
      body: (_, [total]) => {
        if (total === undefined) throw new RangeError('one value is carried')
        const next = ops.add(total, step)
        const below = ops.not(ops.greater(ops.reshape(next, []), graph.scalar(5)))
        return { condition: below, carried: [next], stacked: [total] }
      },
    })
    const [last] = carried
    const [all] = stacked
    if (last === undefined || all === undefined) throw new RangeError('the loop has two results')
    graph.output(last, 'last')
    graph.output(all, 'all')
    const session = await Session.create(graph, { threads: 1 })
    const run = (most: number): ReturnType<Session['run']> =>
      session.run({ step: floatFeed(Float32Array.of(2), [1]), most: countFeed(most) })
    expect([...(await run(2)).floats('all')]).toEqual([0, 2])
    expect([...(await run(9)).floats('all')]).toEqual([0, 2, 4])
    expect([...(await run(9)).floats('last')]).toEqual([6])
  })

  it('refuses a carried value that changes its shape', () => {
    const graph = new Graph('loop')
    const x = graph.input('x', 'float32', [2])
    const options = {
      tripCount: graph.scalar(1, 'int64'),
      condition: ops.cast(graph.scalar(1), 'bool'),
      initial: [x],
      stackedAxis: 'n',
    }
    const grow = (): unknown =>
      ops.loop({ ...options, body: (_, carried) => ({ carried: [ops.concat([...carried, x], 0)], stacked: [] }) })
    expect(grow).toThrow(/^loop: carried value 0 is carried_\d+: float32\[2\] but becomes Concat_\d+: float32\[4\]$/)
  })

  it('computes outside what does not depend on the loop', () => {
    const graph = new Graph('loop')
    const x = graph.input('x', 'float32', [2])
    ops.loop({
      tripCount: graph.scalar(3, 'int64'),
      condition: ops.cast(graph.scalar(1), 'bool'),
      initial: [x],
      stackedAxis: 'n',
      body: (_, carried) => ({ carried: carried.map((value) => ops.add(value, ops.exp(x))), stacked: [] }),
    })
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Cast', 'Exp', 'Loop'])
  })
})
