/** Logits, losses, every gradient, training, scoring and sampling against transformers and torch (scripts/parity). */
import { describe, expect, it } from 'vitest'
import { Engine, type LossSpec, Trainer, type TrainerPlan, type TrainingRow } from '../../engine/index.ts'
import { fixture, logitsOf, mismatches, parameterVector, preferences } from './support.ts'

const { config, rows, generation, training } = fixture
const weights = parameterVector('weights')
const LENGTH = 12

/** Absolute tolerance of single numbers of order 1, relative tolerance of tensors: float32 against double precision. */
const TOLERANCE = 1e-5

const DIAGNOSTICS = ['meanRatio', 'clipFraction', 'kl', 'logRatio', 'margin', 'chosenLogRatio', 'pairAccuracy'] as const

describe('forward pass', () => {
  it('gives the logits of transformers', async () => {
    const found = await logitsOf({ model: config, weights }, rows[0]?.tokens ?? [])
    expectClose(found.flat(), fixture.logits.flat())
  })

  it('scores completions', async () => {
    const request = { weights, model: config, rows, length: LENGTH, batch: 4, padToken: 0 }
    const scores = await new Engine().score(request)
    expect(scores.map((row) => row.length)).toEqual(fixture.scores.map((row) => row.length))
    expectClose(
      scores.flatMap((row) => [...row]),
      fixture.scores.flat(),
    )
  })
})

const LOSSES = [fixture, preferences].flatMap((source) =>
  Object.entries(source.losses).map(([name, expected]) => ({ name, expected, rows: source.rows })),
)

describe.each(LOSSES)('loss $name', ({ name, expected, rows }) => {
  it('has the value and every gradient of torch', async () => {
    const { loss, gradient } = await lossAndGradient(rows, expected.spec)
    expectClose([loss], [expected.loss])
    expect(mismatches(gradient, parameterVector(`gradient-${name}`), TOLERANCE)).toEqual([])
  })

  it('reports its terms and diagnostics', async () => {
    const trainer = await Trainer.create({ ...plan(expected.spec), batchRows: rows.length, weights })
    const [metrics] = await trainer.step([rows])
    for (const [term, value] of Object.entries(expected.terms)) {
      expectClose([new Map(Object.entries(metrics?.terms ?? {})).get(term) ?? Number.NaN], [value])
    }
    for (const key of DIAGNOSTICS) {
      const value = expected[key]
      if (value === undefined) expect(metrics?.[key]).toBeNull()
      else expectClose([metrics?.[key] ?? Number.NaN], [value])
    }
  })
})

describe('training', () => {
  it.each([1, 4, 10])('makes ten AdamW steps like torch, %d in one call', async (stepsPerCall) => {
    const spec = fixture.losses[training.loss]?.spec ?? []
    const trainer = await Trainer.create({ ...plan(spec), stepsPerCall, weights })
    const batches = training.batches.map((batch) => batch.flatMap((index) => rows[index] ?? []))
    const metrics = []
    for (let start = 0; start < batches.length; start += stepsPerCall) {
      metrics.push(...(await trainer.step(batches.slice(start, start + stepsPerCall))))
    }
    for (const key of ['loss', 'gradientNorm', 'learningRate'] as const) {
      expectClose(
        metrics.map((step) => step[key]),
        training.metrics.map((step) => step[key]),
        10 * TOLERANCE,
      )
    }
    const state = trainer.state()
    expect(state.step).toBe(10)
    expect(mismatches(state.weights, parameterVector('trained-weights'), 10 * TOLERANCE)).toEqual([])
    expect(mismatches(state.m, parameterVector('trained-m'), 10 * TOLERANCE)).toEqual([])
    expect(mismatches(state.v, parameterVector('trained-v'), 10 * TOLERANCE)).toEqual([])
  })
})

describe('sampling', () => {
  const request = {
    weights,
    model: config,
    prompts: generation.prompts,
    maximumNewTokens: generation.maximumNewTokens,
    stopTokens: [generation.stopToken],
    padToken: 0,
  }

  it.each([8, 11])('decodes greedily, prompts padded to %d', async (promptLength) => {
    const uniforms = new Float32Array(0)
    const settings = { samplesPerPrompt: 1, temperature: 0, uniforms, promptLength, batch: 2 }
    const { completions, stopped } = await new Engine().sample({ ...request, ...settings })
    expect(completions).toEqual(generation.greedy)
    expect(stopped).toEqual(generation.greedy.map((tokens) => tokens.at(-1) === generation.stopToken))
  })

  it.each([1, 2, 5])('samples the tokens that the uniform numbers choose, %d prompts in a call', async (batch) => {
    const { samplesPerPrompt, temperature } = generation
    const uniforms = Float32Array.from(generation.uniforms)
    const settings = { samplesPerPrompt, temperature, uniforms, promptLength: 8, batch }
    const { completions, stopped } = await new Engine().sample({ ...request, ...settings })
    expect(completions).toEqual(generation.sampled)
    expect(stopped).toContain(true)
    expect(stopped).toContain(false)
  })
})

function plan(loss: LossSpec): TrainerPlan {
  return {
    model: config,
    loss,
    optimizer: training.optimizer,
    batchRows: 4,
    length: LENGTH,
    stepsPerCall: 1,
    padToken: 0,
    threads: 1,
  }
}

/** After one step without clipping the first moment is (1 - beta1) times the gradient. */
async function lossAndGradient(
  rows: readonly TrainingRow[],
  spec: LossSpec,
): Promise<{ loss: number; gradient: Float32Array }> {
  const optimizer = { ...training.optimizer, beta1: 0, clipNorm: 0 }
  const trainer = await Trainer.create({ ...plan(spec), optimizer, batchRows: rows.length, weights })
  const [metrics] = await trainer.step([rows])
  const { m } = trainer.state()
  await trainer.close()
  return { loss: metrics?.loss ?? Number.NaN, gradient: m }
}

function expectClose(actual: Iterable<number>, expected: readonly number[], tolerance = TOLERANCE): void {
  const values = [...actual]
  expect(values.length).toBe(expected.length)
  const wrong = values.flatMap((value, index) => {
    const target = expected[index] ?? Number.NaN
    return Math.abs(value - target) <= tolerance * Math.max(1, Math.abs(target)) ? [] : [[index, value, target]]
  })
  expect(wrong).toEqual([])
}
