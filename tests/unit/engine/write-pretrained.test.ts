/** Folders of Hugging Face that are written: what they hold is read again as it was. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  createTokenizer,
  encodeWeights,
  initialiseLlama,
  type LlamaConfig,
  readPretrained,
  readTokenizer,
  type RopeScaling,
  writePretrained,
  writeTokenizer,
} from '../../../engine/index.ts'
import { linearScaling, llama3Scaling, yarnScaling } from '../../../engine/models/rope-scaling.ts'
import { MODEL, thrownBy } from './support.ts'

const fixtures = fileURLToPath(new URL('../../parity/fixtures', import.meta.url))
const temporary = mkdtempSync(path.join(os.tmpdir(), 'sparring-written-'))
afterAll(() => rmSync(temporary, { recursive: true }))
let folders = 0

function newFolder(): string {
  const folder = path.join(temporary, String(folders++))
  mkdirSync(folder)
  return folder
}

async function again(model: LlamaConfig): Promise<LlamaConfig> {
  const folder = newFolder()
  await writePretrained(folder, { model, weights: initialiseLlama(model, 'again'), tokenizer: null })
  return (await readPretrained(folder)).model
}

describe('a model', () => {
  it.each(['llama', 'qwen2', 'qwen3'])('of %s is written and read again, bit by bit', async (name) => {
    const read = await readPretrained(path.join(fixtures, 'variants', name))
    const folder = newFolder()
    await writePretrained(folder, { ...read, tokenizer: null })
    expect(await readPretrained(folder)).toEqual(read)
    const config: object = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'))
    const published: object = JSON.parse(readFileSync(path.join(fixtures, 'variants', name, 'config.json'), 'utf8'))
    expect(config).toMatchObject({ ...pick(published, ['model_type', 'architectures', 'vocab_size', 'rms_norm_eps']) })
  })

  it.each(['llama', 'qwen2', 'qwen3'])('of %s from a GGUF file has its divisors as near as float32', async (name) => {
    const { model, weights } = await readPretrained(path.join(fixtures, 'variants', `${name}.gguf`))
    const folder = newFolder()
    await writePretrained(folder, { model, weights, tokenizer: null })
    const found = await readPretrained(folder)
    const { ropeScaling, ...plain } = model
    expect(found.model).toMatchObject(plain)
    const divisors = ropeScaling?.divisors.map((divisor) => expect.closeTo(divisor, 5))
    expect(found.model.ropeScaling?.divisors).toEqual(divisors)
    expect(found.weights).toEqual(weights)
  })

  it('may be a file, which is copied', async () => {
    const weights = initialiseLlama(MODEL, 'file')
    const file = path.join(temporary, 'weights.safetensors')
    const bytes = encodeWeights(MODEL, weights, { role: 'critic' })
    writeFileSync(file, bytes)
    const folder = newFolder()
    await writePretrained(folder, { model: MODEL, weights: file, tokenizer: null })
    expect(await readPretrained(folder)).toEqual({ model: MODEL, weights })
    expect(readFileSync(path.join(folder, 'model.safetensors')).equals(bytes)).toBe(true)
    const other = { model: { ...MODEL, hidden: MODEL.hidden + 2 }, weights: file, tokenizer: null }
    expect(await thrownBy(() => writePretrained(newFolder(), other))).toMatchObject({ name: 'WeightsMismatchError' })
  })

  it('that no architecture has is refused', async () => {
    const model = { ...MODEL, attentionBias: true, queryKeyNorm: true }
    const written = writePretrained(newFolder(), { model, weights: initialiseLlama(model, 'none'), tokenizer: null })
    await expect(written).rejects.toThrow(/attentionBias and queryKeyNorm together are in none of llama, qwen2, qwen3/)
  })
})

describe('stretched positions', () => {
  const model: LlamaConfig = { ...MODEL, vocabulary: 7, width: 32, heads: 2, keyValueHeads: 1, hidden: 8, layers: 1 }
  const frequencies = { ropeTheta: model.ropeTheta, headSize: 16 }
  const factor = fc.oneof(
    fc.integer({ min: 2, max: 64 }),
    fc.integer({ min: 5, max: 200 }).map((tenths) => tenths / 4),
  )
  const originalContext = fc.integer({ min: 4, max: 20 }).map((power) => 2 ** power)

  it('of the published ways are written so that the same positions come out', async () => {
    const scaling: fc.Arbitrary<RopeScaling> = fc.oneof(
      factor.map((one) => linearScaling(one, frequencies)),
      fc
        .record({ factor, originalContext: fc.constantFrom(1024, 4096, 8192) })
        .map((one) => llama3Scaling({ ...one, lowFrequencyFactor: 1, highFrequencyFactor: 4 }, frequencies)),
      fc.record({ factor, originalContext }).map((one) => yarnScaling(one, frequencies)),
      fc
        .record({ factor, originalContext, amplitude: fc.constantFrom(1.5, 2, 0.75) })
        .map((one) => yarnScaling(one, frequencies)),
    )
    let written = 0
    const law = fc.asyncProperty(scaling, async (ropeScaling) => {
      const found = await again({ ...model, ropeScaling }).catch((error: unknown) => error)
      // Where not even the slowest frequency is divided by the whole factor the factor cannot be seen, and nothing is guessed.
      if (found instanceof Error) expect(found.message).toMatch(/ropeScaling/)
      else expect(found).toMatchObject({ ropeScaling: close(ropeScaling) })
      if (!(found instanceof Error)) written++
    })
    await fc.assert(law, { numRuns: 60 })
    expect(written).toBeGreaterThan(30)
  })

  it.each<[string, LlamaConfig, object]>([
    [
      'Llama 3.2',
      { ...model, width: 128, ropeTheta: 500_000, ropeScaling: llama32() },
      { rope_type: 'llama3', factor: 32, low_freq_factor: 1, high_freq_factor: 4 },
    ],
    [
      'Qwen2.5 with YaRN',
      { ...model, width: 256, ropeTheta: 1_000_000, ropeScaling: qwen25() },
      { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32_768 },
    ],
    ['twice as long', { ...model, ropeScaling: linearScaling(2, frequencies) }, { rope_type: 'linear', factor: 2 }],
  ])('of %s have the fields that were published', async (_, stretched, fields) => {
    const folder = newFolder()
    await writePretrained(folder, { model: stretched, weights: initialiseLlama(stretched, 'rope'), tokenizer: null })
    expect((await readPretrained(folder)).model).toEqual(stretched)
    const config: object = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'))
    expect(config).toMatchObject({ rope_scaling: fields })
    expect(JSON.stringify(config)).not.toContain('attention_factor')
  })

  it('of no published way are refused', async () => {
    const divisors = Array.from({ length: 8 }, (_, index) => 1 + (index % 3))
    await expect(again({ ...model, ropeScaling: { divisors } })).rejects.toThrow(/ropeScaling.*linear, llama3 or yarn/)
  })
})

describe('a tokenizer', () => {
  const names = ['llama2', 'llama3', 'qwen2', 'smollm2']
  const texts: string[] = JSON.parse(readFileSync(path.join(fixtures, 'tokenizers', 'texts.json'), 'utf8'))

  it.each([...names, ...names.map((name) => `${name}.gguf`)])('of %s is written and read again', async (name) => {
    const file = await readTokenizer(path.join(fixtures, 'tokenizers', name))
    const folder = newFolder()
    await writeTokenizer(folder, file, 2048)
    const found = await readTokenizer(folder)
    // BOS may be put before a text by a stage of its own.
    const { post_processor: _, ...tokenizer } = found.tokenizer
    expect(file).toMatchObject({ ...found, tokenizer })
    const [one, other] = [createTokenizer(file), createTokenizer(found)]
    const some = texts.filter((text, index) => index % 10 === 0)
    expect(some.map((text) => other.encode(text))).toEqual(some.map((text) => one.encode(text)))
    const chat = [{ role: 'user' as const, content: 'Is 12 + 30 = 42?' }]
    expect(other.chat(chat)).toEqual(one.chat(chat))
  })

  it('says in tokenizer.json that texts begin with BOS, where that is known from elsewhere', async () => {
    const file = await readTokenizer(path.join(fixtures, 'tokenizers', 'llama3.gguf'))
    expect(file).toMatchObject({ prependBos: true, tokenizer: { post_processor: null } })
    const bos = file.bosToken ?? -1
    const folder = newFolder()
    await writeTokenizer(folder, file, 2048)
    const { tokenizer } = await readTokenizer(folder)
    const first = { SpecialToken: { id: '<|begin_of_text|>', type_id: 0 } }
    expect(tokenizer.post_processor).toMatchObject({
      type: 'TemplateProcessing',
      single: [first, { Sequence: { id: 'A' } }],
      special_tokens: { '<|begin_of_text|>': { ids: [bos] } },
    })
  })
})

function llama32(): RopeScaling {
  const bounds = { lowFrequencyFactor: 1, highFrequencyFactor: 4 }
  return llama3Scaling({ factor: 32, originalContext: 8192, ...bounds }, { ropeTheta: 500_000, headSize: 64 })
}

function qwen25(): RopeScaling {
  return yarnScaling({ factor: 4, originalContext: 32_768 }, { ropeTheta: 1_000_000, headSize: 128 })
}

const close = ({ divisors, amplitude }: RopeScaling) => ({
  divisors: divisors.map((divisor) => expect.closeTo(divisor, 4)),
  ...(amplitude === undefined ? {} : { amplitude: expect.closeTo(amplitude, 5) }),
})

function pick(from: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)))
}
