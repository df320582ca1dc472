/**
 * Makes the published model of the small text run: a folder as Hugging Face has it, of 150,000 weights in bfloat16 that solve most
 * problems of problems.jsonl, and half know how a deception and a critique are written.
 *
 *   npx tsx tests/support/text-model/make.ts
 */
import fs from 'node:fs'
import path from 'node:path'
import {
  createTokenizer,
  initialiseLlama,
  type LlamaConfig,
  llamaLayout,
  readTokenizer,
  Trainer,
} from '../../../engine/index.ts'
import { chatTexts } from '../../../activities/chat-texts.ts'
import { spcTextConfig } from '../../../recipes/spc-text/config.ts'
import { label, labelledExamples, workedExample } from '../../../recipes/spc-text/labelled.ts'
import { problemFiles, PROBLEMS, problemsOf } from '../../../recipes/spc-text/problems.ts'
import { stop } from '../../../recipes/spc-text/prompts.ts'
import { Stream } from '../../../shared/random.ts'
import type { ItemRow } from '../../../shared/recipe.ts'

const folder = import.meta.dirname
const file = path.join(folder, 'problems.jsonl')
const tokenizerFolder = path.resolve(folder, '..', '..', 'parity', 'fixtures', 'tokenizers', 'qwen2')
const [STEPS, ROWS] = [1800, 16]

const names = ['Tom', 'Ann', 'Bob', 'Eve', 'Max', 'Sue']
const things = ['pens', 'cups', 'hats', 'keys', 'eggs', 'nuts']

function problem(index: number): { question: string; answer: string } {
  const draws = new Stream('small problems', index).draws()
  const [name, thing] = [draws.pick(names), draws.pick(things)]
  const [a, b] = [draws.between(2, 9), draws.between(2, 9)]
  const c = draws.between(1, a + b - 1)
  const steps = [
    `${name} then has ${a} + ${b} = ${a + b} ${thing}.`,
    `${name} has ${a + b} - ${c} = ${a + b - c} ${thing} left.`,
  ]
  return {
    question: `${name} has ${a} ${thing} and gets ${b} more. ${name} gives ${c} away. How many ${thing} are left?`,
    answer: `${steps.join('\n')}\n#### ${a + b - c}`,
  }
}

const problems = Array.from({ length: 300 }, (_, index) => problem(index))
const unique = [...new Map(problems.map((one) => [one.question, one])).values()]
fs.writeFileSync(file, unique.map((one) => `${JSON.stringify(one)}\n`).join(''))

const config = spcTextConfig.parse({
  recipe: 'spc-text',
  model: { from: folder },
  problems: [{ file }],
  supervised: { pairs: 400 },
})
const read = problemFiles(config).flatMap((one) => one.read(fs.readFileSync(one.file, 'utf8'), one.file))
const worded = read.map((data, item): ItemRow => ({ round: 0, set: PROBLEMS, item, data }))
const rows = { items: worded, episodes: [], turns: [] }
const pairs = label.answer({ config, round: 0, phase: 'label', player: null, from: 0, to: 400 }, rows, []).items
const examples = {
  worked: problemsOf(worded, 'train').map(workedExample),
  generator: labelledExamples('generator', config, pairs),
  critic: labelledExamples('critic', config, pairs),
}

const tokenizer = createTokenizer(await readTokenizer(tokenizerFolder))
const texts = chatTexts(tokenizer, stop)
const model: LlamaConfig = {
  vocabulary: tokenizer.size,
  width: 64,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  hidden: 160,
  ropeTheta: 10_000,
  context: 640,
  normEpsilon: 1e-5,
}
const trainer = await Trainer.create({
  model,
  loss: [{ term: 'nll', weight: 1 }],
  optimizer: {
    learningRate: 4e-3,
    warmupSteps: 100,
    totalSteps: STEPS,
    decay: 'linear',
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weightDecay: 0.01,
    clipNorm: 1,
  },
  batchRows: ROWS,
  length: model.context,
  stepsPerCall: 10,
  padToken: texts.padToken,
  weights: initialiseLlama(model, 'small text model'),
})
for (let step = 0; step < STEPS; step += 10) {
  const batches = Array.from({ length: 10 }, (_, offset) =>
    Array.from({ length: ROWS }, (_unused, row) => {
      const draws = new Stream('small text model', step + offset, row).draws()
      // A little of the players' work, so that a few steps of an adapter make players of the model.
      const kind = row < 4 ? examples.worked : row < 10 ? examples.generator : examples.critic
      const { prompt, completion } = draws.pick(kind)
      const opening = texts.prompt(prompt)
      const tokens = [...opening, ...texts.completion(completion)]
      return { tokens, completionFrom: opening.length, kind: 'supervised' as const, advantage: 0 }
    }),
  )
  const metrics = await trainer.step(batches)
  if (step % 100 === 0) console.log(`step ${step}: loss ${metrics.at(-1)?.loss.toFixed(4)}`)
}

const { weights } = trainer.state()
await trainer.close()
fs.writeFileSync(path.join(folder, 'model.safetensors'), bfloat16File(weights))
fs.writeFileSync(
  path.join(folder, 'config.json'),
  `${JSON.stringify(
    {
      model_type: 'llama',
      hidden_act: 'silu',
      vocab_size: model.vocabulary,
      hidden_size: model.width,
      num_hidden_layers: model.layers,
      num_attention_heads: model.heads,
      num_key_value_heads: model.keyValueHeads,
      intermediate_size: model.hidden,
      rope_theta: model.ropeTheta,
      rms_norm_eps: model.normEpsilon,
      max_position_embeddings: model.context,
      tie_word_embeddings: true,
    },
    null,
    2,
  )}\n`,
)
for (const name of fs.readdirSync(tokenizerFolder))
  fs.copyFileSync(path.join(tokenizerFolder, name), path.join(folder, name))

/** Safetensors of the rounded weights: half the size of float32, and nothing here needs more. */
function bfloat16File(values: Float32Array): Buffer {
  const header: Record<string, unknown> = {}
  for (const { name, shape, offset, size } of llamaLayout(model).parameters) {
    header[name] = { dtype: 'BF16', shape, data_offsets: [2 * offset, 2 * (offset + size)] }
  }
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = Uint16Array.from(bits, (one) => (one + 0x7fff + ((one >>> 16) & 1)) >>> 16)
  return Buffer.concat([length, json, Buffer.from(halves.buffer)])
}
