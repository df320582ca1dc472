/**
 * Every kind of trainer, resumed in another process: one process trains some steps and stores its state, which another one reads and
 * goes on from. The bytes are those of a process that does all steps, with one thread and with two.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  adamw,
  EngineProcess,
  encodeWeights,
  type HeadSpec,
  network,
  type NetworkBatch,
  type NetworkSpec,
  type StoredFile,
  storeWeights,
  uniforms,
  type WeightsReference,
} from '../../../engine/index.ts'
import { batchOf, MODEL, OPTIMIZER, PLAN, WEIGHTS } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'sparring-resumed-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Steps in all, and after which the state moves to another process. */
const [STEPS, MOVED_AFTER] = [5, 2]
const numbers = Array.from({ length: STEPS }, (_, step) => step)

/** A trainer as the test sees it. */
interface Kind {
  readonly open: (
    engine: EngineProcess,
    resume: { resume?: WeightsReference },
  ) => Promise<{ trainerId: string; step: number }>
  readonly train: (engine: EngineProcess, id: string, steps: readonly number[]) => Promise<unknown>
  readonly save: (engine: EngineProcess, id: string) => Promise<StoredFile>
}

const modelOf = (lora: { rank: number; alpha: number } | undefined): Kind => ({
  open: async (engine, resume) => {
    const base = await storeWeights(folder, encodeWeights(MODEL, WEIGHTS))
    const adapter = lora === undefined ? {} : { lora: { ...lora, base } }
    const { model, loss, optimizer, length } = PLAN
    const plan = { model, loss, optimizer, length }
    return engine.openTrainer({ ...plan, weights: { initialise: 'seed' }, ...adapter, ...resume })
  },
  train: (engine, id, steps) => engine.trainSteps(id, steps.map(batchOf)),
  save: (engine, id) => engine.saveCheckpoint(id, folder),
})

const networkOf = (spec: NetworkSpec, head: HeadSpec): Kind => {
  const { input, output } = network(spec)
  const batch = (step: number): NetworkBatch => {
    // The last batch is smaller: rows of weight 0 fill it up.
    const rows = step === STEPS - 1 ? 20 : 32
    const draws = (name: string, shape: readonly number[]): Float32Array =>
      uniforms(
        `${name} ${step}`,
        shape.reduce((product, size) => product * size, rows),
      )
    const label = Int32Array.from({ length: rows }, (_, row) => (row * step) % 3)
    return { x: draws('x', input), ...(head.kind === 'regression' ? { target: draws('y', output) } : { label }) }
  }
  const plan = { network: spec, head, optimizer: adamw(1e-2, { ...OPTIMIZER, learningRate: 1e-2 }), batchRows: 32 }
  return {
    open: (engine, resume) =>
      engine.openNetwork({ ...plan, averageDecay: 0.9, weights: { initialise: 'seed' }, ...resume }),
    train: (engine, id, steps) => engine.trainNetwork(id, steps.map(batch)),
    save: (engine, id) => engine.saveNetwork(id, folder),
  }
}

const mlp: NetworkSpec = { kind: 'mlp', inputs: 6, hidden: [64, 64], outputs: 2, activation: 'gelu', layerNorm: true }
const series: NetworkSpec = { kind: 'gru', steps: 6, inputs: 5, hidden: 24, gives: 'last' }
const image: NetworkSpec = {
  kind: 'sequence',
  parts: [
    {
      kind: 'convolution',
      input: [2, 9, 9],
      layers: [{ channels: 8, taps: 3, stride: 2, padding: 1 }],
      activation: 'relu',
      flatten: true,
    },
    { kind: 'mlp', inputs: 8 * 25, hidden: [16], outputs: 3, activation: 'tanh' },
  ],
}

const kinds: Readonly<Record<string, Kind>> = {
  'a model': modelOf(undefined),
  'an adapter': modelOf({ rank: 4, alpha: 8 }),
  'a network of plain layers': networkOf(mlp, { kind: 'regression' }),
  'a network of convolutions': networkOf(image, { kind: 'classification' }),
  'a recurrent network': networkOf(series, { kind: 'regression' }),
}

/** What a new process stores after training the steps, from the beginning or from a stored state. */
async function trained(
  kind: Kind,
  threads: number,
  { steps, from }: { steps: readonly number[]; from?: StoredFile },
): Promise<StoredFile> {
  const engine = new EngineProcess({ threads })
  try {
    const opened = await kind.open(engine, from === undefined ? {} : { resume: from })
    expect(opened.step).toBe(steps[0])
    await kind.train(engine, opened.trainerId, steps)
    return await kind.save(engine, opened.trainerId)
  } finally {
    await engine.kill()
  }
}

describe.each(Object.entries(kinds))('%s', (_, kind) => {
  it.each([1, 2])('goes on in another process with the same bytes, with %d threads', async (threads) => {
    const whole = await trained(kind, threads, { steps: numbers })
    const from = await trained(kind, threads, { steps: numbers.slice(0, MOVED_AFTER) })
    const resumed = await trained(kind, threads, { steps: numbers.slice(MOVED_AFTER), from })
    expect(resumed).toEqual(whole)
    expect(resumed.sha256).not.toBe(from.sha256)
  })
})
