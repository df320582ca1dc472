/** A tiny Llama learns a verse by its characters, then goes on from "it was the ": `npx tsx examples/engine-characters.ts`. */
import { adamw, Engine, initialiseLlama, type LlamaConfig, Trainer, type TrainingRow } from 'sparring/engine'

const text = `it was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness,
it was the season of light, it was the season of darkness, it was the spring of hope, it was the winter of despair.
`
const letters = ['padding', ...new Set(text.split(''))]
const encode = (part: string): number[] => part.split('').map((letter) => letters.indexOf(letter))

const sizes = { width: 64, layers: 2, heads: 4, keyValueHeads: 2, hidden: 128, context: 64 }
const model: LlamaConfig = { vocabulary: letters.length, ...sizes, ropeTheta: 10_000, normEpsilon: 1e-5 }
const length = 48
/** Sixteen windows of the text; the loss is on all tokens but the first. */
const batch = (step: number): TrainingRow[] =>
  Array.from({ length: 16 }, (_, row) => {
    const start = (37 * (16 * step + row)) % (text.length - length)
    return { tokens: encode(text.slice(start, start + length)), completionFrom: 1, kind: 'supervised', advantage: 0 }
  })

const trainer = await Trainer.create({
  model,
  weights: initialiseLlama(model, 'verse'),
  loss: [{ term: 'nll', weight: 1 }],
  optimizer: adamw(5e-3, { warmupSteps: 10, totalSteps: 150, decay: 'linear', clipNorm: 1 }),
  batchRows: 16,
  length,
  stepsPerCall: 25,
  padToken: 0,
})
for (let call = 0; call < 6; call++) {
  const steps = await trainer.step(Array.from({ length: 25 }, (_, index) => batch(25 * call + index)))
  console.log(`step ${steps.at(-1)?.step}: loss ${steps.at(-1)?.loss.toFixed(3)}`)
}
const engine = new Engine()
const asked = {
  prompts: [encode('it was the ')],
  promptLength: 11,
  batch: 1,
  samplesPerPrompt: 4,
  maximumNewTokens: 40,
}
const uniforms = Float32Array.from({ length: 160 }, (_, index) => (0.5 + index * 0.618_034) % 1)
const chance = { temperature: 0.8, uniforms, stopTokens: encode(',.'), padToken: 0 }
const { completions } = await engine.sample({ model, weights: trainer.state().weights, ...asked, ...chance })
for (const tokens of completions) console.log(`it was the ${tokens.map((token) => letters[token]).join('')}`)
await trainer.close()
await engine.close()
