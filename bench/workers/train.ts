/** Our side of `npm run bench -- train`: one training step. Its argument is the plan as JSON (see train.ts). */
import { initialiseLlama, Trainer, type TrainingRow } from '../../engine/index.ts'
import { repetitions, serve } from '../candidate.ts'
import { trainingPlan } from '../train.ts'

const plan = trainingPlan.parse(JSON.parse(process.argv[2] ?? 'null'))
const { model, batchRows, length, completionFrom } = plan
const weights = initialiseLlama(model, 'bench')

/** A linear congruence is random enough to keep a model busy. */
let state = 1
const token = (): number => (state = (state * 48_271) % 2_147_483_647) % model.vocabulary
const batch = Array.from({ length: batchRows }, (): TrainingRow => ({
  tokens: Array.from({ length }, token),
  completionFrom,
  kind: 'supervised',
  advantage: 0,
}))

const began = performance.now()
const trainer = await Trainer.create({
  model,
  batchRows,
  length,
  weights,
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
await trainer.step([batch])

await serve({ buildSeconds: (performance.now() - began) / 1000 }, repetitions, async ({ repeat: steps }) => {
  for (let done = 0; done < steps; done += plan.stepsPerCall) {
    const count = Math.min(plan.stepsPerCall, steps - done)
    await trainer.step(Array.from({ length: count }, () => batch))
  }
})
await trainer.close()
