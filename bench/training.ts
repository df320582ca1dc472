/** The training that is measured: a shape's model and a batch of random tokens, which every step learns from. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {
  encodeWeights,
  initialiseLlama,
  initialiseLora,
  openWeights,
  type SessionOptions,
  type StepOptions,
  storeWeights,
  Trainer,
  type TrainerOptions,
  type TrainingRow,
} from '../engine/index.ts'
import { randomTokens, type TrainingShape } from './shapes.ts'

export interface Training {
  readonly buildSeconds: number
  steps(count: number): Promise<void>
  /** What is learnt, after the last step. */
  weights(): Float32Array
  close(): Promise<void>
}

interface TrainingPlan extends TrainingShape, SessionOptions, StepOptions {
  /** Optimizer steps of one call. */
  readonly stepsPerCall: number
}

export async function openTraining(plan: TrainingPlan): Promise<Training> {
  const { model, batchRows, length, completionFrom, stepsPerCall, sideBySide = false } = plan
  const { threads = 1, device = 'cpu', profile } = plan
  const token = randomTokens(model.vocabulary)
  const batch = Array.from({ length: batchRows }, (): TrainingRow => ({
    tokens: Array.from({ length }, token),
    completionFrom,
    kind: 'supervised',
    advantage: 0,
  }))
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sparring-bench-'))
  const initial = await start(plan, folder)
  const began = performance.now()
  const trainer = await Trainer.create({
    model,
    batchRows,
    length,
    ...initial,
    padToken: 0,
    loss: [{ term: 'nll', weight: 1 }],
    optimizer: {
      learningRate: 1e-3,
      warmupSteps: 0,
      totalSteps: 1,
      decay: 'constant',
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0.1,
      clipNorm: 1,
    },
    stepsPerCall,
    threads,
    device,
    ...(profile === undefined ? {} : { profile }),
  })
  return {
    buildSeconds: (performance.now() - began) / 1000,
    steps: async (count) => {
      for (let done = 0; done < count; done += stepsPerCall) {
        const batches = Array.from({ length: Math.min(stepsPerCall, count - done) }, () => batch)
        await trainer.step(batches, { sideBySide })
      }
    },
    weights: () => trainer.state().weights,
    close: async () => {
      await trainer.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** What is learnt; of an adapter the base lies in a file, as a pretrained model's does. */
async function start(
  { model, lora }: TrainingShape,
  folder: string,
): Promise<Pick<TrainerOptions, 'weights' | 'lora'>> {
  if (lora === undefined) return { weights: initialiseLlama(model, 'bench') }
  const { path: file } = await storeWeights(folder, encodeWeights(model, initialiseLlama(model, 'bench')))
  return { weights: initialiseLora(model, lora, 'bench'), lora: { ...lora, base: await openWeights(model, file) } }
}
