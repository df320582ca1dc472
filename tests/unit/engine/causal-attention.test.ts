/** Attention in blocks is attention over the whole square with its upper half masked, forward and backward. */
import { expect, it } from 'vitest'
import { compile, gradients, graph } from '../../../engine/index.ts'
import { causalAttention, splitHeads } from '../../../engine/models/causal-attention.ts'
import { causalMask } from '../../../engine/models/llama-forward.ts'
import type { Value } from '../../../engine/graph/index.ts'
import { uniforms } from './support.ts'

const { attention, expand, mul, reshape, total, transpose } = graph
const [batch, heads, keyValueHeads, size] = [2, 4, 2, 6]

/** One head at a time, keys and values repeated for the heads that share them. */
function whole(query: Value, key: Value, value: Value, mask: Value, length: number): Value {
  const group = heads / keyValueHeads
  const repeated = (x: Value): Value =>
    reshape(expand(reshape(x, [batch, keyValueHeads, 1, length, size]), [batch, keyValueHeads, group, length, size]), [
      batch,
      heads,
      length,
      size,
    ])
  const byHead = transpose(reshape(query, [batch, length, heads, size]), [0, 2, 1, 3])
  const mixed = attention(byHead, repeated(key), repeated(value), mask, 1 / Math.sqrt(size))
  return reshape(transpose(mixed, [0, 2, 1, 3]), [batch * length, heads * size])
}

// One block, two, three, and a prime.
it.each([20, 128, 192, 131])('of %d tokens', async (length) => {
  const shape = { batch, length, heads, keyValueHeads }
  const rows = batch * length
  const narrow = keyValueHeads * size
  const inputs = { q: { shape: [rows, heads * size] }, k: { shape: [rows, narrow] }, v: { shape: [rows, narrow] } }
  const outputs = (attend: 'blocks' | 'whole') => (given: { q: Value; k: Value; v: Value }) => {
    const { q, k, v } = given
    const mask = causalMask(q.graph, length)
    const [key, value] = [splitHeads(k, shape), splitHeads(v, shape)]
    const y = attend === 'blocks' ? causalAttention(shape, mask)(q, key, value) : whole(q, key, value, mask, length)
    const [dq, dk, dv] = gradients(total(mul(y, y)), [q, k, v])
    if (!dq || !dk || !dv) throw new RangeError('attention depends on all three')
    return { y, dq, dk, dv }
  }
  const fed = uniforms(rows * (heads * size + 2 * narrow)).map((value) => 4 * value - 2)
  const feeds = {
    q: fed.subarray(0, rows * heads * size),
    k: fed.subarray(rows * heads * size, rows * (heads * size + narrow)),
    v: fed.subarray(rows * (heads * size + narrow)),
  }
  const [blocks, square] = await Promise.all(
    (['blocks', 'whole'] as const).map(async (attend) => {
      const compiled = await compile({ inputs, outputs: outputs(attend) })
      const result = await compiled.run(feeds, {})
      await compiled.close()
      return result
    }),
  )
  for (const name of ['y', 'dq', 'dk', 'dv'] as const) {
    const expected = square?.[name] ?? new Float32Array()
    const largest = Math.max(...expected.map(Math.abs))
    const difference = Math.max(
      ...expected.map((value, index) => Math.abs(value - (blocks?.[name][index] ?? Number.NaN))),
    )
    expect([name, difference / largest < 1e-5]).toEqual([name, true])
    expect(largest).toBeGreaterThan(0.1)
  }
})
