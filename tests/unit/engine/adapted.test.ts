/** Players that are adapters over one frozen base: sampled, scored and trained in the engine process. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync, copyFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encodeWeights,
  Engine,
  EngineProcess,
  initialiseLora,
  type LoraSpec,
  mergeLora,
  openWeights,
  type StoredFile,
  StoredSampler,
  storeWeights,
  writeAdapter,
} from '../../../engine/index.ts'
import { batchOf, MODEL, PLAN, WEIGHTS } from './support.ts'

const SPEC: LoraSpec = { rank: 4, alpha: 8 }
/** As an adapter is after training: B is not zero. */
const ADAPTER = initialiseLora(MODEL, SPEC, 'adapter').map((value, index) => value + 0.05 * Math.sin(index))
const MERGED = mergeLora(MODEL, SPEC, { base: WEIGHTS, adapter: ADAPTER })
const PROMPTS = [[1], [2, 3, 4], [5, 6, 7, 8, 9]]
const GREEDY = {
  prompts: PROMPTS,
  samplesPerPrompt: 1,
  maximumNewTokens: 6,
  stopTokens: [],
  uniforms: new Float32Array(),
}
const folder = mkdtempSync(path.join(os.tmpdir(), 'sparring-adapted-'))
let base: StoredFile

beforeAll(async () => {
  base = await storeWeights(folder, encodeWeights(MODEL, WEIGHTS))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('an adapter that each call brings', () => {
  it('samples as the merged weights do, and the next adapter is not shown the keys of the one before', async () => {
    const capacity = MODEL.context
    const merged = await StoredSampler.create({ model: MODEL, weights: MERGED, rows: 2, capacity, temperature: 0 })
    const expected = await merged.sample(GREEDY)
    await merged.close()
    const file = await openWeights(MODEL, base.path)
    const stored = { model: MODEL, weights: file, lora: SPEC, rows: 2, capacity, temperature: 0 }
    const sampler = await StoredSampler.create(stored)
    const none = await sampler.sample({ ...GREEDY, adapter: initialiseLora(MODEL, SPEC, 'untrained') })
    expect(await sampler.sample({ ...GREEDY, adapter: ADAPTER })).toEqual(expected)
    expect(none).not.toEqual(expected)
    await expect(sampler.sample(GREEDY)).rejects.toThrow(/an adapter of \d+ parameters, got none/)
    await sampler.close()
  })

  it('scores as the merged weights do', async () => {
    const engine = new Engine()
    const call = { model: MODEL, rows: batchOf(3), length: 12, batch: 4, padToken: 0 }
    const expected = (await engine.score({ ...call, weights: MERGED })).map((row) => [...row])
    const lora = { ...SPEC, base: await openWeights(MODEL, base.path) }
    const scored = await engine.score({ ...call, weights: ADAPTER, lora })
    expect(scored.map(({ length }) => length)).toEqual(expected.map(({ length }) => length))
    for (const [index, row] of scored.entries()) {
      for (const [position, value] of row.entries()) expect(value).toBeCloseTo(expected[index]?.[position] ?? NaN, 5)
    }
    await engine.close()
  })
})

describe('the engine process', () => {
  const engine = new EngineProcess()
  afterAll(() => engine.close())
  const lora = (): { base: StoredFile } & LoraSpec => ({ ...SPEC, base })
  const open = { ...PLAN, weights: { initialise: 'seed' } }

  it('trains an adapter, goes on from its checkpoint with the same bytes, and samples what it saved', async () => {
    const whole = await engine.openTrainer({ ...open, lora: lora() })
    await engine.trainSteps(whole.trainerId, [batchOf(1), batchOf(2)])
    const checkpoint = await engine.saveCheckpoint(whole.trainerId, folder)
    await engine.trainSteps(whole.trainerId, [batchOf(3)])
    const saved = await engine.saveWeights(whole.trainerId, folder)
    await engine.closeTrainer(whole.trainerId)
    const resumed = await engine.openTrainer({ ...open, lora: lora(), resume: checkpoint })
    expect(resumed.step).toBe(2)
    await engine.trainSteps(resumed.trainerId, [batchOf(3)])
    expect((await engine.saveWeights(resumed.trainerId, folder)).sha256).toBe(saved.sha256)
    await engine.closeTrainer(resumed.trainerId)

    const call = { model: MODEL, lora: lora(), rows: 2, capacity: MODEL.context, temperature: 0, ...GREEDY }
    const sampled = await engine.sampleAdapted({ ...call, weights: saved })
    expect(sampled.completions.map(({ length }) => length)).toEqual([6, 6, 6])
    const score = { model: MODEL, lora: lora(), weights: saved, rows: batchOf(4), length: 12, batch: 4, padToken: 0 }
    expect(await engine.score(score)).toHaveLength(batchOf(4).length)
  })

  it('refuses a base whose bytes have changed, and an adapter of another form', async () => {
    const damaged = path.join(folder, 'damaged.safetensors')
    copyFileSync(base.path, damaged)
    truncateSync(damaged, base.bytes - 4)
    const call = { model: MODEL, rows: 2, capacity: MODEL.context, temperature: 0, ...GREEDY }
    const wrong = engine.sampleAdapted({
      ...call,
      weights: base,
      lora: { ...SPEC, base: { ...base, path: damaged, sha256: 'x' } },
    })
    await expect(wrong).rejects.toMatchObject({ name: 'CorruptWeightsError' })
    await expect(engine.sampleAdapted({ ...call, weights: base, lora: lora() })).rejects.toMatchObject({
      name: 'WeightsMismatchError',
    })
  })

  it('adopts a published model: its weights in float32, under their hash', async () => {
    const published = path.join(folder, 'published')
    await writeAdapter(published, MODEL, { spec: SPEC, weights: ADAPTER })
    writeFileSync(path.join(published, 'model.safetensors'), encodeWeights(MODEL, WEIGHTS))
    writeFileSync(
      path.join(published, 'config.json'),
      JSON.stringify({
        model_type: 'llama',
        hidden_act: 'silu',
        vocab_size: MODEL.vocabulary,
        hidden_size: MODEL.width,
        num_hidden_layers: MODEL.layers,
        num_attention_heads: MODEL.heads,
        num_key_value_heads: MODEL.keyValueHeads,
        intermediate_size: MODEL.hidden,
        rope_theta: MODEL.ropeTheta,
        rms_norm_eps: MODEL.normEpsilon,
        max_position_embeddings: 1024,
        tie_word_embeddings: true,
      }),
    )
    const asked = { source: published, context: MODEL.context, directory: folder }
    const { model, context, file } = await engine.adoptModel(asked)
    expect(context).toBe(1024)
    expect(model).toMatchObject({ width: MODEL.width, context: MODEL.context })
    expect(file.sha256).toBe(base.sha256)
  })
})
