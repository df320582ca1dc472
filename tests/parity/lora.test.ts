/** LoRA against PEFT: the loss, the gradients of A and B, ten AdamW steps, and adapter folders both ways. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import {
  encodeWeights,
  Engine,
  loraLayout,
  mergeLora,
  openWeights,
  type OptimizerSpec,
  readAdapter,
  readSafetensors,
  Trainer,
  type TrainerPlan,
  writeAdapter,
} from '../../engine/index.ts'
import { fixture, mismatchesOf, parameterVector } from './support.ts'

interface LoraFixture {
  readonly rank: number
  readonly alpha: number
  readonly loss: number
  readonly scores: number[][]
  readonly training: {
    readonly optimizer: OptimizerSpec
    readonly loss: string
    readonly metrics: { readonly loss: number; readonly gradientNorm: number; readonly learningRate: number }[]
    readonly batches: number[][]
  }
}

const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url))
const script = fileURLToPath(new URL('../../scripts/parity/lora.py', import.meta.url))
const { config, rows } = fixture
const { rank, alpha, loss, scores, training }: LoraFixture = JSON.parse(
  readFileSync(path.join(fixtures, 'lora.json'), 'utf8'),
)
const spec = { rank, alpha }
const layout = loraLayout(config, spec)
const base = parameterVector('weights')
const TOLERANCE = 1e-5
const folder = mkdtempSync(path.join(os.tmpdir(), 'sparring-lora-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A vector over A and B of all matrices. */
function adapterVector(name: string): Float32Array {
  const file = readSafetensors(readFileSync(path.join(fixtures, `${name}.safetensors`)), name)
  const vector = new Float32Array(layout.size)
  for (const { name: tensor, offset } of layout.parameters) {
    vector.set(file.tensors.get(tensor)?.data ?? new Float32Array([Number.NaN]), offset)
  }
  return vector
}

const plan: TrainerPlan = {
  model: config,
  loss: fixture.losses[training.loss]?.spec ?? [],
  optimizer: training.optimizer,
  batchRows: 4,
  length: 12,
  stepsPerCall: 10,
  padToken: 0,
  threads: 1,
}

/** The base in memory, and in a file. */
async function bases(): Promise<[string, Awaited<ReturnType<typeof openWeights>> | Float32Array][]> {
  const file = path.join(folder, 'base.safetensors')
  writeFileSync(file, encodeWeights(config, base))
  return [
    ['memory', base],
    ['a file', await openWeights(config, file)],
  ]
}

describe.each(await bases())('an adapter over a base in %s', (_, frozen) => {
  const lora = { ...spec, base: frozen }

  it('has the loss and the gradients of torch', async () => {
    // After one step without clipping the first moment is (1 - beta1) times the gradient.
    const optimizer = { ...training.optimizer, beta1: 0, clipNorm: 0 }
    const settings = { ...plan, optimizer, batchRows: rows.length }
    const trainer = await Trainer.create({ ...settings, weights: adapterVector('lora-start'), lora })
    const [metrics] = await trainer.step([rows])
    expect(metrics?.loss).toBeCloseTo(loss, 5)
    expect(mismatchesOf(layout, trainer.state().m, adapterVector('lora-gradient'), TOLERANCE)).toEqual([])
    await trainer.close()
  })

  it('makes ten AdamW steps like torch', async () => {
    const trainer = await Trainer.create({ ...plan, weights: adapterVector('lora-start'), lora })
    const metrics = await trainer.step(training.batches.map((batch) => batch.flatMap((index) => rows[index] ?? [])))
    for (const key of ['loss', 'gradientNorm', 'learningRate'] as const) {
      for (const [index, step] of training.metrics.entries()) expect(metrics[index]?.[key]).toBeCloseTo(step[key], 4)
    }
    const state = trainer.state()
    const compared = { weights: 'lora-trained', m: 'lora-trained-m', v: 'lora-trained-v' } as const
    for (const key of ['weights', 'm', 'v'] as const) {
      expect(mismatchesOf(layout, state[key], adapterVector(compared[key]), 10 * TOLERANCE)).toEqual([])
    }
    await trainer.close()
  })
})

describe('folders of PEFT', () => {
  it('are read, and merged into the base give the scores of the adapted model', async () => {
    const adapter = await readAdapter(path.join(fixtures, 'lora-peft'), config)
    expect(adapter.spec).toMatchObject(spec)
    expect(mismatchesOf(layout, adapter.weights, adapterVector('lora-trained'), 1e-7)).toEqual([])
    const weights = mergeLora(config, adapter.spec, { base, adapter: adapter.weights })
    const scored = await new Engine().score({ weights, model: config, rows, length: 12, batch: 4, padToken: 0 })
    for (const [index, row] of scored.entries()) {
      for (const [at, value] of row.entries()) expect(value).toBeCloseTo(scores[index]?.[at] ?? Number.NaN, 4)
    }
  })

  it.skipIf(!hasPeft())(
    'written by us are loaded by PEFT, and merge to the same weights',
    async () => {
      const adapter = adapterVector('lora-trained')
      const written = path.join(folder, 'adapter')
      const merged = path.join(folder, 'merged.safetensors')
      await writeAdapter(written, config, { spec, weights: adapter })
      writeFileSync(merged, encodeWeights(config, mergeLora(config, spec, { base, adapter })))
      const answer = execFileSync('python3', [script, 'check', written, merged], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      // PEFT adds in single precision.
      const { tensors, error }: { tensors: number; error: number } = JSON.parse(answer.toString())
      expect(tensors).toBe(2 + 9 * config.layers)
      expect(error).toBeLessThan(1e-6)
    },
    120_000,
  )
})

function hasPeft(): boolean {
  const question =
    'import importlib.util as u, sys; sys.exit(not (u.find_spec("peft") and u.find_spec("transformers")))'
  try {
    execFileSync('python3', ['-c', question], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
