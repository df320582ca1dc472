/** What is read of folders in the form of Hugging Face beside the parity tests, and what is refused. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import {
  checkLlamaConfig,
  initialiseLlama,
  type LlamaConfig,
  llamaLayout,
  openWeights,
  readPretrained,
  readSafetensors,
  writeSafetensors,
} from '../../../engine/index.ts'
import type { NamedTensor } from '../../../engine/weights/safetensors.ts'
import { MODEL, thrownBy } from './support.ts'

const fixtures = fileURLToPath(new URL('../../parity/fixtures/variants', import.meta.url))
const temporary = mkdtempSync(path.join(os.tmpdir(), 'sparring-pretrained-'))
afterAll(() => rmSync(temporary, { recursive: true }))
let copies = 0

/** A copy of a fixture with other fields in a JSON file. */
function changed(model: 'llama' | 'qwen2' | 'qwen3', fields: object, name = 'config.json'): string {
  const folder = path.join(temporary, String(copies++))
  cpSync(path.join(fixtures, model), folder, { recursive: true })
  const file = path.join(folder, name)
  const content: object = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...content, ...fields }))
  return folder
}

/** A copy of a fixture in one file with other tensors. */
function withTensors(model: 'llama' | 'qwen2', change: (tensors: NamedTensor[]) => NamedTensor[]): string {
  const folder = changed(model, {})
  const file = path.join(folder, 'model.safetensors')
  const { tensors } = readSafetensors(readFileSync(file), file)
  writeFileSync(file, writeSafetensors(change([...tensors.values()])))
  return folder
}

describe('a folder', () => {
  it.each<[string, 'llama' | 'qwen2' | 'qwen3', object, RegExp]>([
    ['another architecture', 'llama', { model_type: 'mixtral' }, /model_type/],
    ['another activation', 'llama', { hidden_act: 'gelu' }, /hidden_act/],
    ['biases of Llama', 'llama', { attention_bias: true }, /attention_bias of llama/],
    ['biases of Qwen3', 'qwen3', { attention_bias: true }, /attention_bias of qwen3/],
    ['biases of the feed-forward block', 'llama', { mlp_bias: true }, /mlp_bias/],
    ['a sliding window', 'qwen2', { use_sliding_window: true }, /use_sliding_window/],
    ['layers with a window', 'qwen3', { layer_types: ['sliding_attention', 'full_attention'] }, /layer_types/],
    ['quantised weights', 'llama', { quantization_config: { bits: 4 } }, /quantization_config/],
    ['half-rotated heads', 'llama', { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    ['another rope', 'llama', { rope_scaling: { type: 'longrope', factor: 2 } }, /rope_scaling/],
    ['a field of a rope', 'llama', { rope_scaling: { type: 'linear', factor: 2, mystery: 3 } }, /mystery/],
    ['a rope without its factor', 'llama', { rope_parameters: { rope_type: 'linear' } }, /rope_parameters\.factor/],
    ['heads of an odd width', 'qwen3', { head_dim: 7 }, /headSize must be an even positive integer, got 7/],
    ['a head that is not there', 'qwen2', { tie_word_embeddings: false }, /has no tensor lm_head\.weight/],
    ['a layer that is not there', 'qwen3', { num_hidden_layers: 3 }, /no tensor model\.layers\.2\.self_attn/],
    ['a layer too many', 'qwen2', { num_hidden_layers: 1 }, /tensor model\.layers\.1\.\S+ is not part of the model/],
    ['other sizes', 'llama', { intermediate_size: 48 }, /mlp\.\S+ is \[.*\], the model needs \[.*\]/],
  ])('is refused with %s: the error names the file', async (_, model, fields, message) => {
    const folder = changed(model, fields)
    const error = await thrownBy(() => readPretrained(folder))
    expect(error.name).toMatch(/ModelConfigError|WeightsMismatchError/)
    expect(error.message).toMatch(message)
    expect(error.message).toContain(folder)
  })

  it('says which fields of the configuration a plain model lacks, and no others', async () => {
    const [llama, qwen2, qwen3] = await Promise.all(
      ['llama', 'qwen2', 'qwen3'].map(async (name) => (await readPretrained(path.join(fixtures, name))).model),
    )
    const plain = ['vocabulary', 'width', 'layers', 'heads', 'keyValueHeads', 'hidden', 'ropeTheta', 'context']
    const besides = (model: LlamaConfig | undefined) =>
      Object.keys(model ?? {}).filter((key) => ![...plain, 'normEpsilon'].includes(key))
    expect(besides(llama)).toEqual(['untiedHead', 'ropeScaling'])
    expect(besides(qwen2)).toEqual(['attentionBias'])
    expect(besides(qwen3)).toEqual(['headSize', 'untiedHead', 'queryKeyNorm', 'ropeScaling'])
  })

  it('of a tied model may hold the head again, if it is the embedding', async () => {
    const head = (embedding: NamedTensor, change: number): NamedTensor => {
      const data = embedding.data.map((weight, index) => (index === 5 ? weight + change : weight))
      return { ...embedding, name: 'lm_head.weight', data }
    }
    const again = (change: number): string =>
      withTensors('qwen2', (tensors) => [
        ...tensors,
        ...tensors.filter(({ name }) => name.includes('embed')).map((embedding) => head(embedding, change)),
      ])
    const { model, weights } = await readPretrained(again(0))
    expect(model.untiedHead).toBeUndefined()
    expect(weights).toEqual((await readPretrained(path.join(fixtures, 'qwen2'))).weights)
    const error = await thrownBy(() => readPretrained(again(1)))
    expect(error.message).toMatch(/lm_head\.weight is not model\.embed_tokens\.weight/)
  })

  it('may hold the frequencies that old files hold', async () => {
    const data = Float32Array.of(1, 0.5, 0.25)
    const name = 'model.layers.0.self_attn.rotary_emb.inv_freq'
    const { weights } = await readPretrained(
      withTensors('llama', (tensors) => [...tensors, { name, shape: [3], data }]),
    )
    expect(weights).toEqual((await readPretrained(path.join(fixtures, 'llama'))).weights)
  })

  it('names its files in an index, which point nowhere else', async () => {
    const outside = { weight_map: { a: '../model.safetensors' } }
    const index = 'model.safetensors.index.json'
    const error = await thrownBy(() => readPretrained(changed('qwen3', outside, index)))
    expect(error.message).toMatch(/index\.json: .*weight_map/s)
    const without = changed('qwen3', {})
    renameSync(path.join(without, index), path.join(without, 'gone'))
    expect((await thrownBy(() => readPretrained(without))).message).toMatch(/holds neither model\.safetensors nor/)
  })

  it('in bfloat16 is not mapped as the base of an adapter', async () => {
    const { model } = await readPretrained(path.join(fixtures, 'qwen2'))
    const error = await thrownBy(() => openWeights(model, path.join(fixtures, 'qwen2', 'model.safetensors')))
    expect(error.message).toMatch(/is BF16; a file that is mapped holds float32: write it with encodeWeights/)
  })
})

describe('a configuration', () => {
  const variant: LlamaConfig = { ...MODEL, headSize: 6, untiedHead: true, attentionBias: true, queryKeyNorm: true }

  it('begins with biases of 0 and norms of 1', () => {
    const weights = initialiseLlama(variant, 'a')
    for (const { name, shape, offset, size } of llamaLayout(variant).parameters) {
      if (shape.length > 1) continue
      expect(new Set(weights.subarray(offset, offset + size))).toEqual(new Set([name.endsWith('.bias') ? 0 : 1]))
    }
  })

  it('without the fields of relatives has the layout that it had', () => {
    const { parameters, size } = llamaLayout(MODEL)
    expect(parameters.length).toBe(2 + 9 * MODEL.layers)
    expect(llamaLayout(variant).parameters.length).toBe(3 + (9 + 3 + 2) * MODEL.layers)
    expect(size).toBe(31 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 48 * 32 + 2 * 32) + 32)
  })

  it.each<[string, Partial<LlamaConfig>, RegExp]>([
    ['heads of an odd width', { headSize: 5 }, /headSize must be an even positive integer, got 5/],
    ['too few divisors', { ropeScaling: { divisors: [1] } }, /ropeScaling needs 4 divisors.* got 1/],
    ['a divisor of 0', { ropeScaling: { divisors: [1, 0, 1, 1] } }, /must be positive/],
    ['an endless amplitude', { ropeScaling: { divisors: [1, 1, 1, 1], amplitude: Infinity } }, /must be positive/],
  ])('is refused with %s', (_, fields, message) => {
    expect(() => checkLlamaConfig({ ...MODEL, ...fields })).toThrow(message)
  })
})
