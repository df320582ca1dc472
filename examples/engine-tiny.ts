/** The engine alone: a tiny Llama learns to count on in a circle, then is asked. Run it with `npx tsx examples/engine-tiny.ts`. */
import { Engine, initialiseLlama, type LlamaConfig, Trainer, type TrainingRow } from '../engine/index.ts'

const sizes = { vocabulary: 16, width: 32, layers: 1, heads: 2, keyValueHeads: 2, hidden: 64 }
const model: LlamaConfig = { ...sizes, ropeTheta: 1000, context: 16, normEpsilon: 1e-5 }

/** Eight numbers from `start` on, modulo 15, each plus 1 as token 0 is padding; the loss is on the last six. */
const row = (start: number): TrainingRow => {
  const tokens = Array.from({ length: 8 }, (_, index) => 1 + ((start + index) % 15))
  return { tokens, completionFrom: 2, kind: 'supervised', advantage: 0 }
}
const batch = Array.from({ length: 15 }, (_, start) => row(start))

const shape = { model, padToken: 0, batchRows: 15, length: 8, stepsPerCall: 20 }
const schedule = { learningRate: 1e-2, warmupSteps: 10, totalSteps: 100, decay: 'linear' } as const
const trainer = await Trainer.create({
  ...shape,
  weights: initialiseLlama(model, 'tiny'),
  loss: [{ term: 'nll', weight: 1 }],
  optimizer: { ...schedule, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 },
})
for (let call = 0; call < 5; call++) {
  const steps = await trainer.step(Array.from({ length: 20 }, () => batch))
  console.log(`step ${steps.at(-1)?.step}: loss ${steps.at(-1)?.loss.toFixed(4)}`)
}
const engine = new Engine()
const asked = { prompts: [[13, 14]], promptLength: 2, batch: 1, samplesPerPrompt: 1, maximumNewTokens: 6 }
const greedy = { temperature: 0, uniforms: new Float32Array(), stopTokens: [], padToken: 0 }
const { completions } = await engine.sample({ model, weights: trainer.state().weights, ...asked, ...greedy })
console.log(`13, 14 → ${completions[0]?.join(', ')}`)
await trainer.close()
await engine.close()
