/** Every operation, small networks, losses and a training with two optimizers against torch (scripts/parity/operations.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { gradients } from '../../engine/autodiff/gradients.ts'
import { vectorJacobianProducts } from '../../engine/autodiff/rules.ts'
import * as ops from '../../engine/graph/index.ts'
import { Graph, type Value } from '../../engine/graph/index.ts'
import type { OperationName } from '../../engine/graph/operation.ts'
import { adamw, buildTrainer, losses, type Network, network } from '../../engine/index.ts'
import { gru, type GruSpec } from '../../engine/models/gru.ts'
import { floatFeed, Session } from '../../engine/runtime/session.ts'
import { type Expression, TABLE } from './table.ts'

interface Tensor {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

type Tensors = Readonly<Record<string, Tensor>>

interface Case {
  readonly inputs: Tensors
  readonly indices: Tensors
  readonly constants: Tensors
  readonly weights: readonly number[]
  readonly output: Tensor
  readonly gradients: Readonly<Record<string, readonly number[]>>
}

interface Settings {
  readonly learningRate: number
  readonly weightDecay: number
  readonly clipNorm: number
}

type ByNetwork<T> = Readonly<Record<'actor' | 'critic', T>>

interface Fixture {
  /** One case for each differentiable operation. */
  readonly table: Readonly<Record<string, Case>>
  /** Further settings, and what is made of several operations. */
  readonly composed: Readonly<Record<string, Case>>
  readonly actorCritic: {
    readonly settings: ByNetwork<Settings> & { readonly decay: number; readonly discount: number }
    readonly start: ByNetwork<Tensors>
    readonly batches: Record<'state' | 'action' | 'reward' | 'next', number[]>[]
    readonly metrics: { readonly losses: ByNetwork<number>; readonly norms: ByNetwork<number> }[]
    readonly end: ByNetwork<Tensors> & { readonly target: Tensors }
  }
}

const fixture: Fixture = JSON.parse(readFileSync(new URL('./fixtures/operations.json', import.meta.url)).toString())

const recurrent = (backwards: boolean): Expression => {
  const spec: GruSpec = { kind: 'gru', steps: 5, inputs: 3, hidden: 4, gives: 'all', backwards }
  return (input) => gru(spec, { get: input }, input('x'))
}
const mixture = (input: (name: string) => Value): losses.Mixture => ({
  logits: input('logits'),
  location: input('location'),
  logScale: input('logScale'),
})

const COMPOSED: Readonly<Record<string, Expression>> = {
  'convolve dilated': (input) => ops.convolve(input('x'), input('w'), { dilation: 2 }),
  'convolve 1-D': (input) => ops.convolve(input('x'), input('w'), { stride: 3 }),
  logSumExp: (input) => ops.logSumExp(input('x'), 1),
  'matmul transposed': (input) =>
    ops.matmul(input('a'), input('b'), { transposeA: true, transposeB: true, scale: 0.7 }),
  gru: recurrent(false),
  'gru backwards': recurrent(true),
  'gaussian mixture': (input) => losses.gaussianMixtureLogLikelihood(input('x'), mixture(input)),
  'logistic mixture': (input) => losses.logisticMixtureLogLikelihood(input('x'), mixture(input), 2 / 255),
  'gaussian likelihood': (input) =>
    losses.gaussianLogLikelihood(input('x'), { mean: input('m'), logDeviation: input('s') }),
  'gaussian kl': (input) =>
    losses.gaussianKl({ mean: input('a'), logDeviation: input('b') }, { mean: input('c'), logDeviation: input('d') }),
  'cosine distance': (input) => losses.cosineDistance(input('a'), input('b')),
  'cross-entropy': (input) => losses.crossEntropy(input('logits'), input('label'), input('w')),
  'logistic cross-entropy': (input) => losses.logisticCrossEntropy(input('s'), input('p')),
  'temporal difference': (input) => {
    const transition = { reward: input('reward'), discount: input('discount'), next: input('following') }
    const squared = losses.temporalDifference(input('q'), transition)
    return ops.add(squared, losses.temporalDifference(input('q'), transition, 0.7))
  },
  denoising: (input) =>
    losses.denoisingLoss(input('clean'), input('noise'), input('sigma'), 0.5, (x) => ops.matmul(x, input('weight'))),
  'clipped objective': (input) => losses.clippedObjective(input('ratio'), input('advantage'), 0.2).objective,
  'logistic preference': (input) => losses.logisticPreference(input('m'), 0.3),
  'squared preference': (input) => losses.squaredPreference(input('m'), 0.4),
}

/** Relative to the largest element, float32 against double precision. */
const TOLERANCE = 1e-5

describe('operations', () => {
  it('are all in the fixture', () => {
    expect(Object.keys(fixture.table).sort()).toEqual(Object.keys(vectorJacobianProducts).sort())
  })

  it.each(Object.entries(TABLE))('%s has the value and the gradients of torch', async (name, expression) => {
    expect(await check(expression, get(fixture.table[name]))).toContain(name)
  })
})

describe('what is made of operations', () => {
  it('has an expression for each case', () => {
    expect(Object.keys(COMPOSED)).toEqual(Object.keys(fixture.composed))
  })

  it.each(Object.entries(COMPOSED))('%s has the value and the gradients of torch', async (name, expression) => {
    await check(expression, get(fixture.composed[name]))
  })
})

describe('an actor and a critic', () => {
  const { settings, start, batches, metrics, end } = fixture.actorCritic
  const actor = network({ kind: 'mlp', inputs: 3, hidden: [8], outputs: 2, activation: 'relu' })
  const critic = network({
    kind: 'mlp',
    inputs: 5,
    hidden: [8, 8],
    outputs: 1,
    activation: 'tanh',
    layerNorm: true,
  })

  it.each([1, 5])('train with an optimizer each and a moving average as in torch, %d steps in a call', async (size) => {
    const optimizer = ({ learningRate, weightDecay, clipNorm }: Settings) =>
      adamw(learningRate, { weightDecay, clipNorm })
    const trainer = await buildTrainer({
      inputs: {
        state: { shape: [4, 3] },
        action: { shape: [4, 2] },
        reward: { shape: [4, 1] },
        next: { shape: [4, 3] },
      },
      parameters: {
        actor: { layout: actor.layout, initial: flat(actor, start.actor), optimizer: optimizer(settings.actor) },
        critic: { layout: critic.layout, initial: flat(critic, start.critic), optimizer: optimizer(settings.critic) },
      },
      averages: { target: { of: 'critic', decay: settings.decay } },
      loss: ({ state, action, reward, next }, parameters) => {
        const act = (from: Value): Value => ops.tanh(actor.forward(parameters.actor, from))
        const value = (from: Value, taken: Value, which: 'critic' | 'target'): Value =>
          critic.forward(parameters[which], ops.concat([from, taken], 1))
        return {
          losses: {
            critic: losses.temporalDifference(value(state, action, 'critic'), {
              reward,
              discount: state.graph.scalar(settings.discount),
              next: value(next, act(next), 'target'),
            }),
            actor: ops.neg(losses.meanOfAll(value(state, act(state), 'critic'))),
          },
        }
      },
    })
    const measured = []
    for (let from = 0; from < batches.length; from += size) {
      measured.push(...(await trainer.step(batches.slice(from, from + size))))
    }
    for (const [step, { losses: loss, norms }] of metrics.entries()) {
      for (const name of ['actor', 'critic'] as const) {
        expectClose(`loss of ${name}`, [measured[step]?.losses[name] ?? Number.NaN], [loss[name]])
        expectClose(`norm of ${name}`, [measured[step]?.gradientNorms[name] ?? Number.NaN], [norms[name]])
      }
    }
    expectClose('actor', trainer.weights('actor'), [...flat(actor, end.actor)])
    expectClose('critic', trainer.weights('critic'), [...flat(critic, end.critic)])
    expectClose('target', trainer.weights('target'), [...flat(critic, end.target)])
  })
})

/** Compares an expression and the gradients of Σ weights · expression with torch; returns the operations that the expression recorded. */
async function check(expression: Expression, expected: Case): Promise<OperationName[]> {
  const graph = new Graph('case')
  const wanted = Object.entries(expected.inputs).map(([name, { shape }]) => graph.input(name, 'float32', shape))
  const values = new Map(wanted.map((value) => [value.name, value]))
  for (const [tensors, dtype] of [[expected.indices, 'int32'] as const, [expected.constants, 'float32'] as const]) {
    for (const [name, { shape, data }] of Object.entries(tensors)) values.set(name, graph.constant(dtype, shape, data))
  }
  const output = expression((name) => get(values.get(name)))
  graph.output(output, 'output')
  const recorded = graph.tape.map(({ op }) => op)
  const weights = graph.constant('float32', expected.output.shape, expected.weights)
  for (const [index, gradient] of gradients(ops.total(ops.mul(output, weights)), wanted).entries()) {
    graph.output(get(gradient), `gradient ${wanted[index]?.name}`)
  }
  const session = await Session.create(graph, { threads: 1 })
  const feeds = Object.entries(expected.inputs).map(
    ([name, { shape, data }]) => [name, floatFeed(Float32Array.from(data), shape)] as const,
  )
  const outputs = await session.run(Object.fromEntries(feeds))
  expect(outputs.shape('output')).toEqual(expected.output.shape)
  expectClose('output', outputs.floats('output'), expected.output.data)
  for (const [name, gradient] of Object.entries(expected.gradients)) {
    expectClose(name, outputs.floats(`gradient ${name}`), gradient)
  }
  await session.release()
  return recorded
}

function flat({ layout }: Network, parameters: Tensors): Float32Array {
  const vector = new Float32Array(layout.size)
  for (const { name, shape, offset } of layout.parameters) {
    const tensor = get(parameters[name])
    expect(tensor.shape).toEqual(shape)
    vector.set(tensor.data, offset)
  }
  return vector
}

function expectClose(name: string, actual: Iterable<number>, expected: readonly number[]): void {
  const values = [...actual]
  const scale = Math.max(1e-3, ...expected.map(Math.abs))
  const errors = values.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN)) / scale)
  expect([name, values.length, errors.filter((error) => !(error < TOLERANCE))]).toEqual([name, expected.length, []])
}

function get<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new RangeError('expected a value')
  return value
}
