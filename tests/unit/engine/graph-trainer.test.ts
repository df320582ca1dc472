/** Training of graphs of one's own: what is carried, what is frozen, bytes that do not depend on the calls, and errors. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  adamw,
  buildTrainer,
  compile,
  graph as ops,
  type GraphTrainer,
  losses,
  network,
  type NetworkSpec,
} from '../../../engine/index.ts'
import { thrownBy, uniforms } from './support.ts'

const policy = network({ kind: 'mlp', inputs: 3, hidden: [16], outputs: 2, activation: 'silu', layerNorm: true })
const value = network({ kind: 'mlp', inputs: 5, hidden: [16], outputs: 1, activation: 'gelu' })
const ROWS = 8

/** A policy that learns through a frozen value, a fresh copy of that value that learns too, and an average of the latter. */
async function actorCritic(rate = 1e-2, threads = 1): Promise<GraphTrainer<'state' | 'action' | 'reward'>> {
  return buildTrainer({
    inputs: { state: { shape: [ROWS, 3] }, action: { shape: [ROWS, 2] }, reward: { shape: [ROWS, 1] } },
    parameters: {
      policy: { layout: policy.layout, initial: policy.initialise('a'), optimizer: adamw(rate) },
      frozen: { layout: value.layout, initial: value.initialise('b') },
      critic: { layout: value.layout, initial: value.initialise('c'), optimizer: adamw(3 * rate, { clipNorm: 1 }) },
    },
    averages: { slow: { of: 'critic', decay: 0.9 } },
    loss: ({ state, action, reward }, parameters) => {
      const acted = ops.tanh(policy.forward(parameters.policy, state))
      const judged = value.forward(parameters.frozen, ops.concat([state, acted], 1))
      const estimate = value.forward(parameters.critic, ops.concat([state, action], 1))
      return {
        losses: { policy: ops.neg(losses.meanOfAll(judged)), critic: losses.meanSquaredError(estimate, reward) },
        measures: { largest: ops.largest(ops.reshape(ops.abs(acted), [2 * ROWS]), 0) },
      }
    },
    threads,
  })
}

function batch(step: number) {
  const numbers = uniforms(6 * ROWS * (step + 1)).slice(-6 * ROWS)
  return {
    state: numbers.slice(0, 3 * ROWS),
    action: numbers.slice(3 * ROWS, 5 * ROWS),
    reward: numbers.slice(5 * ROWS),
  }
}
const batches = (count: number) => Array.from({ length: count }, (_, step) => batch(step))

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('a graph trainer', () => {
  it('moves each group by its own optimizer, leaves frozen ones, and reports', async () => {
    const trainer = await actorCritic()
    const metrics = await trainer.step(batches(20))
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(metrics[0]?.learningRates).toEqual({ policy: 1e-2, critic: 3e-2 })
    for (const name of ['policy', 'critic'] as const) {
      expect(metrics.at(-1)?.losses[name]).toBeLessThan(metrics[0]?.losses[name] ?? Number.NaN)
      expect(metrics[0]?.gradientNorms[name]).toBeGreaterThan(0)
    }
    expect(metrics[0]?.measures['largest']).toBeGreaterThan(0)
    expect(trainer.weights('frozen')).toEqual(value.initialise('b'))
    expect(trainer.weights('policy')).not.toEqual(policy.initialise('a'))
  })

  it('keeps moving averages', async () => {
    const trainer = await actorCritic()
    let expected = value.initialise('c').map(Number)
    for (let step = 0; step < 3; step++) {
      await trainer.step([batch(step)])
      const fresh = trainer.weights('critic')
      expected = expected.map((old, index) => 0.9 * old + 0.1 * (fresh[index] ?? Number.NaN))
    }
    const errors = trainer.weights('slow').map((slow, index) => Math.abs(slow - (expected[index] ?? Number.NaN)))
    expect(Math.max(...errors)).toBeLessThan(1e-6)
  })

  it('gives the same bytes in one call, step by step, and restored in a new trainer', async () => {
    const whole = await actorCritic()
    await whole.step(batches(6))
    let pieces = await actorCritic()
    for (const [step, part] of batches(6).entries()) {
      await pieces.step([part])
      if (step !== 2) continue
      const checkpoint = pieces.checkpoint()
      pieces = await actorCritic()
      pieces.restore(checkpoint, 'a file')
    }
    expect(digest(pieces.checkpoint({ run: 'r' }))).toBe(digest(whole.checkpoint({ run: 'r' })))
    expect(pieces.state().step).toBe(6)
  })

  it('shares one backward pass between groups that share a loss', async () => {
    const part: NetworkSpec = { kind: 'mlp', inputs: 2, hidden: [], outputs: 2, activation: 'relu' }
    const [first, second] = [network(part), network(part)]
    const build = (shared: boolean) =>
      buildTrainer({
        inputs: { x: { shape: [4, 2] } },
        parameters: {
          first: { layout: first.layout, initial: first.initialise('1'), optimizer: adamw(0.1) },
          second: { layout: second.layout, initial: second.initialise('2'), optimizer: adamw(0.1) },
        },
        loss: ({ x }, parameters) => {
          const loss = (): ops.Value =>
            losses.meanSquaredError(second.forward(parameters.second, ops.tanh(first.forward(parameters.first, x))), x)
          return shared ? loss() : { losses: { first: loss(), second: loss() } }
        },
      })
    const x = uniforms(8)
    const [together, apart] = [await build(true), await build(false)]
    const [a, b] = [await together.step([{ x }, { x }]), await apart.step([{ x }, { x }])]
    expect(a).toEqual(b)
    expect(together.weights('second')).toEqual(apart.weights('second'))
  })
})

describe('errors of a graph trainer', () => {
  it('throws NonFiniteLossError that names the group, and keeps the state', async () => {
    const trainer = await actorCritic()
    await trainer.step(batches(2))
    const before = digest(trainer.checkpoint())
    const bad = { ...batch(3), reward: new Float32Array(ROWS).fill(Number.POSITIVE_INFINITY) }
    const error = await thrownBy(() => trainer.step([batch(2), bad]))
    expect([error.name, error.message]).toEqual([
      'NonFiniteLossError',
      expect.stringMatching(/^step 4: loss of 'critic' Infinity, gradient norm /),
    ])
    expect(digest(trainer.checkpoint())).toBe(before)
    await trainer.step(batches(1))
    expect(trainer.state().step).toBe(3)
  })

  it('names inputs that are unknown, missing or of another size', async () => {
    const trainer = await actorCritic()
    const known = 'state: float32[8, 3], action: float32[8, 2], reward: float32[8, 1]'
    const messageOf = async (changes: object): Promise<string> =>
      (await thrownBy(() => trainer.step([Object.assign({}, batch(0), changes)]))).message
    expect(await messageOf({ stat: [1] })).toBe(`step: no input 'stat'; there are ${known}`)
    expect(await messageOf({ reward: undefined })).toBe('step: input reward: float32[8, 1] is missing')
    expect(await messageOf({ state: [1, 2] })).toBe('step: input state: float32[8, 3] got 2 numbers')
  })

  const one = { layout: value.layout, initial: value.initialise('d') }
  const x = { shape: [ROWS, 5] }

  it.each<[string, () => Promise<unknown>, string | RegExp]>([
    [
      'no optimizer',
      () => buildTrainer({ inputs: { x }, parameters: { one }, loss: () => ({ losses: {} }) }),
      'no group of parameters has an optimizer',
    ],
    [
      'no loss',
      () =>
        buildTrainer({
          inputs: { x },
          parameters: { one: { ...one, optimizer: adamw(1) } },
          loss: () => ({ losses: {} }),
        }),
      "the group 'one' has an optimizer and no loss",
    ],
    [
      'a parameter without influence',
      () =>
        buildTrainer({
          inputs: { x },
          parameters: { one: { ...one, optimizer: adamw(1) } },
          loss: (inputs, { one: parameters }) =>
            ops.total(ops.matmul(inputs.x, parameters.get('0.weight'), { transposeB: true })),
        }),
      "the loss of 'one' does not depend on its parameter 1.weight",
    ],
    [
      'initial parameters of another size',
      () =>
        buildTrainer({
          inputs: { x },
          parameters: { one: { ...one, initial: new Float32Array(3), optimizer: adamw(1) } },
          loss: (inputs) => ops.total(inputs.x),
        }),
      `one.weights needs ${value.layout.size} numbers, got 3`,
    ],
    [
      'the same name twice',
      () =>
        buildTrainer({
          inputs: { one: x },
          parameters: { one: { ...one, optimizer: adamw(1) } },
          loss: (inputs) => ops.total(inputs.one),
        }),
      "the name 'one' occurs twice",
    ],
    [
      'shapes that do not fit',
      () =>
        buildTrainer({
          inputs: { x: { shape: [ROWS, 4] } },
          parameters: { one: { ...one, optimizer: adamw(1) } },
          loss: (inputs, { one: parameters }) => ops.total(value.forward(parameters, inputs.x)),
        }),
      /^matmul: x_\d+: float32\[8, 4\] and 0\.weight_\d+: float32\[16, 5\] transposed do not fit$/,
    ],
  ])('refuses %s', async (_, build, message) => {
    const error = await thrownBy(build)
    expect(error.name).toBe('GraphError')
    expect(error.message).toMatch(message)
  })

  it('refuses checkpoints of other networks and files that are none', async () => {
    const trainer = await actorCritic()
    const before = digest(trainer.checkpoint())
    const other = await buildTrainer({
      inputs: { x },
      parameters: { policy: { ...one, optimizer: adamw(1) } },
      loss: (inputs, parameters) => losses.meanOfAll(value.forward(parameters.policy, inputs.x)),
    })
    const restore = (bytes: Uint8Array) => async () => trainer.restore(bytes, 'f')
    const mismatch = await thrownBy(restore(other.checkpoint()))
    expect([mismatch.name, mismatch.message]).toEqual([
      'WeightsMismatchError',
      'f: policy.0.weight is [16, 5], the model needs [16, 3]',
    ])
    expect((await thrownBy(restore(new Uint8Array(4)))).name).toBe('SafetensorsError')
    expect(digest(trainer.checkpoint())).toBe(before)
  })
})

describe('a compiled function', () => {
  it('settles a named size by what is fed, and refuses what does not fit', async () => {
    const double = await compile({
      inputs: { x: { shape: ['rows', 2] }, by: { shape: [], dtype: 'int32' } },
      outputs: ({ x, by }) => ({ y: ops.mul(x, ops.cast(by, 'float32')) }),
    })
    expect([...(await double.run({ x: [1, 2, 3, 4], by: [3] }, {})).y]).toEqual([3, 6, 9, 12])
    expect([...(await double.run({ x: [1, 2], by: [2] }, {})).y]).toEqual([2, 4])
    const error = await thrownBy(() => double.run({ x: [1, 2, 3], by: [2] }, {}))
    expect([error.name, error.message]).toEqual(['GraphError', 'run: input x: float32[rows, 2] got 3 numbers'])
    await double.close()
  })
  it('gives float32, and says which output does not', async () => {
    const error = await thrownBy(() =>
      compile({ inputs: { x: { shape: [2, 3] } }, outputs: ({ x }) => ({ best: ops.argMax(x) }) }),
    )
    expect([error.name, error.message]).toEqual(['GraphError', "output 'best' must be float32, got ArgMax_1: int64[2]"])
  })
})
