/** Relatives of Llama as transformers writes them: logits, greedy tokens, losses and gradients (scripts/parity/variants.py). */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import {
  decodeWeights,
  encodeWeights,
  Engine,
  initialiseLora,
  llamaLayout,
  mergeLora,
  openWeights,
  readPretrained,
  StoredSampler,
  Trainer,
  type TrainerPlan,
  type TrainingRow,
} from '../../engine/index.ts'
import { logitsOf, mismatchesOf } from './support.ts'

interface Variants {
  readonly models: Readonly<
    Record<
      string,
      {
        readonly rows: TrainingRow[]
        readonly loss: number
        readonly tokens: number[]
        /** Of the last positions. */
        readonly logits: number[][]
        readonly prompts: number[][]
        readonly greedy: number[][]
      }
    >
  >
  readonly ropes: Readonly<
    Record<string, { readonly rope_scaling: object; readonly frequencies: number[]; readonly amplitude: number }>
  >
}

const folder = fileURLToPath(new URL('./fixtures/variants', import.meta.url))
const variants: Variants = JSON.parse(readFileSync(path.join(folder, 'variants.json'), 'utf8'))
const temporary = mkdtempSync(path.join(os.tmpdir(), 'sparring-variants-'))
afterAll(() => rmSync(temporary, { recursive: true }))

/** float32 against double precision, but for transformers' positions, which are in float32 there too. */
const TOLERANCE = 1e-4

const MODELS = await Promise.all(
  Object.entries(variants.models).map(async ([name, expected]) => ({
    name,
    expected,
    read: await readPretrained(path.join(folder, name)),
  })),
)

describe.each(MODELS)('$name', ({ name, expected, read }) => {
  const { model, weights } = read
  const plan: TrainerPlan = {
    model,
    loss: [{ term: 'nll', weight: 1 }],
    // Without clipping the first moment is the gradient.
    optimizer: {
      learningRate: 0.01,
      warmupSteps: 0,
      totalSteps: 10,
      decay: 'linear',
      beta1: 0,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 0,
    },
    batchRows: expected.rows.length,
    length: 24,
    stepsPerCall: 1,
    padToken: 0,
    threads: 1,
  }

  it('has the logits of transformers', async () => {
    const found = (await logitsOf(read, expected.tokens)).slice(-expected.logits.length)
    expect(largestDifference(found.flat(), expected.logits.flat())).toBeLessThan(TOLERANCE)
  })

  it('chooses the tokens of transformers, prompts read in blocks and weights kept in the runtime', async () => {
    const sampler = await StoredSampler.create({ ...read, rows: 3, capacity: model.context, temperature: 0 })
    const request = { maximumNewTokens: 64, samplesPerPrompt: 1, stopTokens: [], uniforms: new Float32Array(0) }
    const { completions } = await sampler.sample({ ...request, prompts: expected.prompts })
    await sampler.close()
    expect(completions).toEqual(expected.greedy)
  })

  it('chooses them with weights that stay in a file', async () => {
    const file = path.join(temporary, `${name}-mapped.safetensors`)
    writeFileSync(file, encodeWeights(model, weights))
    const options = { model, weights: await openWeights(model, file), rows: 3, capacity: model.context, temperature: 0 }
    const sampler = await StoredSampler.create(options)
    const request = { maximumNewTokens: 64, samplesPerPrompt: 1, stopTokens: [], uniforms: new Float32Array(0) }
    const { completions } = await sampler.sample({ ...request, prompts: expected.prompts })
    await sampler.close()
    expect(completions).toEqual(expected.greedy)
    await expect(StoredSampler.create({ ...options, precision: 'int8' })).rejects.toThrow(/int8.* in memory/)
  })

  it('chooses the tokens of transformers, weights fed', async () => {
    const engine = new Engine()
    const settings = { samplesPerPrompt: 1, temperature: 0, stopTokens: [], uniforms: new Float32Array(0), padToken: 0 }
    const lengths = { promptLength: 72, maximumNewTokens: 64, batch: 2 }
    const { completions } = await engine.sample({ ...read, ...settings, ...lengths, prompts: expected.prompts })
    await engine.close()
    expect(completions).toEqual(expected.greedy)
  })

  it('has the loss and every gradient of torch', async () => {
    const trainer = await Trainer.create({ ...plan, weights })
    const [metrics] = await trainer.step([expected.rows])
    expect(metrics?.loss).toBeCloseTo(expected.loss, 5)
    const file = path.join(folder, name, 'gradient.safetensors')
    const gradient = decodeWeights(model, readFileSync(file), file)
    expect(mismatchesOf(llamaLayout(model), trainer.state().m, gradient, TOLERANCE)).toEqual([])
    await trainer.close()
  })

  it('is the same in its GGUF file', async () => {
    const gguf = await readPretrained(path.join(folder, `${name}.gguf`))
    // Numbers of fields are float32 there, and so are the frequencies' divisors.
    const { ropeScaling, normEpsilon } = model
    const scaling = { ...ropeScaling, divisors: ropeScaling?.divisors.map((divisor) => expect.closeTo(divisor, 5)) }
    const close = { normEpsilon: expect.closeTo(normEpsilon, 12), ropeScaling: ropeScaling && scaling }
    expect(gguf.model).toEqual({ ...model, ...close })
    expect(gguf.weights).toEqual(weights)
  })

  it('is the base of an adapter, in memory and in a file, whose merged weights have the loss that it learnt', async () => {
    const spec = { rank: 3, alpha: 6 }
    const file = path.join(temporary, `${name}.safetensors`)
    writeFileSync(file, encodeWeights(model, weights))
    const adapters = []
    for (const base of [weights, await openWeights(model, file)]) {
      const trainer = await Trainer.create({
        ...plan,
        weights: initialiseLora(model, spec, 'lora'),
        lora: { ...spec, base },
      })
      await trainer.step([expected.rows])
      await trainer.step([expected.rows])
      const { weights: adapter } = trainer.state()
      const [metrics] = await trainer.step([expected.rows])
      await trainer.close()
      adapters.push(adapter)
      const merged = await Trainer.create({ ...plan, weights: mergeLora(model, spec, { base: weights, adapter }) })
      const [after] = await merged.step([expected.rows])
      await merged.close()
      expect(metrics?.loss).toBeLessThan(expected.loss)
      expect(metrics?.loss).toBeCloseTo(after?.loss ?? Number.NaN, 5)
    }
    expect(adapters[1]).toEqual(adapters[0])
  })
})

describe('rope_scaling', () => {
  it.each(Object.entries(variants.ropes))('%s gives the frequencies of transformers', async (name, expected) => {
    const { model } = await readPretrained(changed(name, { rope_scaling: expected.rope_scaling, rope_theta: 100 }))
    const { divisors = [], amplitude = 1 } = model.ropeScaling ?? {}
    const frequencies = divisors.map((divisor, index) => 100 ** (-index / divisors.length) / divisor)
    expect(largestDifference(frequencies, expected.frequencies)).toBeLessThan(1e-6)
    expect(amplitude).toBeCloseTo(expected.amplitude, 6)
  })
})

/** A copy of qwen3 with other fields in its config.json. */
function changed(name: string, fields: object): string {
  const copy = path.join(temporary, name)
  cpSync(path.join(folder, 'qwen3'), copy, { recursive: true })
  const file = path.join(copy, 'config.json')
  const config: object = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...config, rope_parameters: null, ...fields }))
  return copy
}

function largestDifference(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return Infinity
  return found.reduce(
    (largest, value, index) => Math.max(largest, Math.abs(value - (expected[index] ?? Number.NaN))),
    0,
  )
}
