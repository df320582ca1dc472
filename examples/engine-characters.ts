/** A tiny Llama learns a verse by its characters, then goes on from "it was the ": `npx tsx examples/engine-characters.ts`. */
import { adamw, Engine, initialiseLlama, Trainer, type TrainingRow, uniforms } from 'sparring/engine'

const text = `it was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness,
it was the season of light, it was the season of darkness, it was the spring of hope, it was the winter of despair.
`
const letters = [...new Set(text)]
const encode = (part: string): number[] => Array.from(part, (letter) => letters.indexOf(letter))

const sizes = { width: 64, layers: 2, heads: 4, keyValueHeads: 2, hidden: 128, context: 50 }
const model = { vocabulary: letters.length, ...sizes, ropeTheta: 10_000, normEpsilon: 1e-5 }
/** Sixteen windows of the text; the loss is on all tokens but the first. */
const batch = (step: number): TrainingRow[] =>
  Array.from({ length: 16 }, (_, row) => {
    const start = (37 * (16 * step + row)) % (text.length - 48)
    return { tokens: encode(text.slice(start, start + 48)), completionFrom: 1, kind: 'supervised' }
  })

const optimizer = adamw(5e-3, { warmupSteps: 10, totalSteps: 150, decay: 'linear', clipNorm: 1 })
const initial = { model, weights: initialiseLlama(model, 'verse') }
const trainer = await Trainer.create({ ...initial, loss: [{ term: 'nll', weight: 1 }], optimizer })
for (let call = 0; call < 6; call++) {
  const steps = await trainer.step(Array.from({ length: 25 }, (_, index) => batch(25 * call + index)))
  console.log(`step ${steps.at(-1)?.step}: loss ${steps.at(-1)?.loss.toFixed(3)}`)
}
const engine = new Engine()
const asked = { prompts: [encode('it was the ')], samplesPerPrompt: 4, maximumNewTokens: 40, stopTokens: encode(',.') }
const chance = { temperature: 0.8, uniforms: uniforms('verse', 160) }
const { completions } = await engine.sample({ model, weights: trainer.state().weights, ...asked, ...chance })
for (const tokens of completions) console.log(`it was the ${tokens.map((token) => letters[token]).join('')}`)
await trainer.close()
await engine.close()
