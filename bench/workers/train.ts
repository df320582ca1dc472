/** Our side of `npm run bench -- train`: one training step. Its argument is the plan as JSON (see train.ts). */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {
  encodeWeights,
  initialiseLlama,
  initialiseLora,
  openWeights,
  storeWeights,
  Trainer,
  type TrainerOptions,
  type TrainingRow,
} from '../../engine/index.ts'
import { repetitions, serve } from '../candidate.ts'
import { trainingPlan } from '../train.ts'

const plan = trainingPlan.parse(JSON.parse(process.argv[2] ?? 'null'))
const { model, batchRows, length, completionFrom, lora } = plan
const folder = await mkdtemp(path.join(os.tmpdir(), 'sparring-bench-'))

/** What is learnt; of an adapter the base lies in a file, as a pretrained model's does. */
async function start(): Promise<Pick<TrainerOptions, 'weights' | 'lora'>> {
  if (lora === undefined) return { weights: initialiseLlama(model, 'bench') }
  const { path: file } = await storeWeights(folder, encodeWeights(model, initialiseLlama(model, 'bench')))
  return { weights: initialiseLora(model, lora, 'bench'), lora: { ...lora, base: await openWeights(model, file) } }
}

/** A linear congruence is random enough to keep a model busy. */
let state = 1
const token = (): number => (state = (state * 48_271) % 2_147_483_647) % model.vocabulary
const batch = Array.from({ length: batchRows }, (): TrainingRow => ({
  tokens: Array.from({ length }, token),
  completionFrom,
  kind: 'supervised',
  advantage: 0,
}))

const initial = await start()
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
  stepsPerCall: plan.stepsPerCall,
  threads: plan.threads,
})
const buildSeconds = (performance.now() - began) / 1000
await trainer.step([batch])

await serve({ buildSeconds }, repetitions, async ({ repeat: steps }) => {
  for (let done = 0; done < steps; done += plan.stepsPerCall) {
    const count = Math.min(plan.stepsPerCall, steps - done)
    await trainer.step(Array.from({ length: count }, () => batch))
  }
})
await trainer.close()
await rm(folder, { recursive: true })
