/** LoRA: laws of an adapter, its training, and what is refused. */
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import {
  decodeAdapterCheckpoint,
  encodeAdapterCheckpoint,
  encodeWeights,
  Engine,
  initialiseLora,
  llamaLayout,
  type LlamaConfig,
  loraLayout,
  type LoraSpec,
  mergeLora,
  openWeights,
  readAdapter,
  storeWeights,
  Trainer,
  type TrainingRow,
  writeAdapter,
} from '../../../engine/index.ts'
import { batchOf, MODEL, PLAN, thrownBy, WEIGHTS } from './support.ts'

const SPEC: LoraSpec = { rank: 4, alpha: 8 }
const LORA = { ...SPEC, base: WEIGHTS }
const START = initialiseLora(MODEL, SPEC, 'test')
const folder = mkdtempSync(path.join(os.tmpdir(), 'sparring-lora-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function trained(batches: readonly TrainingRow[][], lora = LORA): Promise<Float32Array> {
  const trainer = await Trainer.create({ ...PLAN, weights: initialiseLora(MODEL, lora, 'test'), lora })
  await trainer.step(batches)
  await trainer.close()
  return trainer.state().weights
}

/** -log p of each completion token of the rows, averaged, under weights that are all in one vector. */
async function lossOf(weights: Float32Array, rows: TrainingRow[]): Promise<number> {
  const scores = await new Engine().score({ weights, model: MODEL, rows, length: 12, batch: 4, padToken: 0 })
  const all = scores.flatMap((row) => [...row])
  return -all.reduce((sum, value) => sum + value, 0) / all.length
}

async function lossOfAdapter(weights: Float32Array, rows: TrainingRow[]): Promise<number> {
  const trainer = await Trainer.create({ ...PLAN, weights, lora: LORA })
  const [metrics] = await trainer.step([rows])
  await trainer.close()
  return metrics?.loss ?? Number.NaN
}

describe('an adapter', () => {
  it('has the layout of PEFT', () => {
    const { parameters, size, decayed } = loraLayout(MODEL, { ...SPEC, targets: ['v_proj', 'down_proj'] })
    const layer = 'base_model.model.model.layers.1'
    expect(parameters.slice(4).map(({ name, shape }) => [name, shape])).toEqual([
      [`${layer}.self_attn.v_proj.lora_A.weight`, [4, 32]],
      [`${layer}.self_attn.v_proj.lora_B.weight`, [16, 4]],
      [`${layer}.mlp.down_proj.lora_A.weight`, [4, 48]],
      [`${layer}.mlp.down_proj.lora_B.weight`, [32, 4]],
    ])
    expect(decayed).toBe(size)
  })

  it('begins as nothing: merged it is the base, applied it has the loss of the base', async () => {
    expect(mergeLora(MODEL, SPEC, { base: WEIGHTS, adapter: START })).toEqual(WEIGHTS)
    expect(await lossOfAdapter(START, batchOf(1))).toBeCloseTo(await lossOf(WEIGHTS, batchOf(1)), 5)
  })

  it('draws A uniformly within 1 / √inputs, from the seed alone', () => {
    const [a] = loraLayout(MODEL, SPEC).parameters
    const values = START.subarray(0, a?.size)
    const bound = 1 / Math.sqrt(MODEL.width)
    expect(Math.max(...values)).toBeLessThanOrEqual(bound)
    expect(Math.max(...values)).toBeGreaterThan(0.9 * bound)
    expect(Math.min(...values)).toBeLessThan(-0.9 * bound)
    expect(initialiseLora(MODEL, SPEC, 'test')).toEqual(START)
    expect(initialiseLora(MODEL, SPEC, 'other')).not.toEqual(START)
  })

  it('merged scores like the adapter applied', async () => {
    const adapter = START.map((value, index) => value + 0.1 * Math.sin(index))
    const merged = await lossOf(mergeLora(MODEL, SPEC, { base: WEIGHTS, adapter }), batchOf(2))
    expect(await lossOfAdapter(adapter, batchOf(2))).toBeCloseTo(merged, 4)
    expect(merged).not.toBeCloseTo(await lossOf(WEIGHTS, batchOf(2)), 1)
  })

  it('of some maps changes those and no other', async () => {
    const spec: LoraSpec = { rank: 2, alpha: 2, targets: ['q_proj', 'up_proj'] }
    const adapter = await trained([1, 2].map(batchOf), { ...spec, base: WEIGHTS })
    const merged = mergeLora(MODEL, spec, { base: WEIGHTS, adapter })
    for (const { name, offset, size } of llamaLayout(MODEL).parameters) {
      const changed = merged.subarray(offset, offset + size).some((value, index) => value !== WEIGHTS[offset + index])
      expect([name, changed]).toEqual([name, /\.(q|up)_proj\./.test(name)])
    }
  })
})

describe('training an adapter', () => {
  it('lowers the loss', async () => {
    const optimizer = { ...PLAN.optimizer, learningRate: 1e-2 }
    const trainer = await Trainer.create({ ...PLAN, optimizer, weights: START, lora: LORA })
    const losses: number[] = []
    for (let call = 0; call < 8; call++) {
      losses.push(...(await trainer.step([1, 2, 1, 2].map(batchOf))).map(({ loss }) => loss))
    }
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0))
  })

  it('gives the same bytes over a base in memory and in a file, in one call and resumed from a checkpoint', async () => {
    const { path: file } = await storeWeights(folder, encodeWeights(MODEL, WEIGHTS))
    const digests: string[] = []
    for (const base of [WEIGHTS, await openWeights(MODEL, file)]) {
      for (const size of [4, 1]) {
        const lora = { ...SPEC, base }
        let trainer = await Trainer.create({ ...PLAN, weights: START, lora })
        for (let start = 0; start < 4; start += size) {
          await trainer.step([1, 2, 3, 4].slice(start, start + size).map(batchOf))
          const bytes = encodeAdapterCheckpoint(MODEL, SPEC, trainer.state())
          await trainer.close()
          const { weights, ...resume } = decodeAdapterCheckpoint(MODEL, SPEC, bytes, 'checkpoint')
          trainer = await Trainer.create({ ...PLAN, weights, resume, lora })
        }
        expect(trainer.state().step).toBe(4)
        digests.push(
          createHash('sha256')
            .update(encodeAdapterCheckpoint(MODEL, SPEC, trainer.state()))
            .digest('hex'),
        )
        await trainer.close()
      }
    }
    expect(new Set(digests).size).toBe(1)
  })

  it('of two players over one file is that of each alone', async () => {
    const { path: file } = await storeWeights(folder, encodeWeights(MODEL, WEIGHTS))
    const lora = { ...SPEC, base: await openWeights(MODEL, file) }
    const players = await Promise.all(
      ['a', 'b'].map((seed) => Trainer.create({ ...PLAN, weights: initialiseLora(MODEL, SPEC, seed), lora })),
    )
    for (const salt of [1, 2]) for (const player of players) await player.step([batchOf(salt)])
    const alone = await Trainer.create({ ...PLAN, weights: initialiseLora(MODEL, SPEC, 'b'), lora: LORA })
    await alone.step([1, 2].map(batchOf))
    expect(players[1]?.state()).toEqual(alone.state())
    for (const trainer of [...players, alone]) await trainer.close()
  })
})

describe('errors', () => {
  it.each<[string, object, string]>([
    ['rank 0', { rank: 0 }, 'rank must be a positive integer, got 0'],
    ['a broken rank', { rank: 1.5 }, 'rank must be a positive integer, got 1.5'],
    ['alpha 0', { alpha: 0 }, 'alpha must be positive, got 0'],
    ['an unknown map', { targets: ['lm_head'] }, "there is no map 'lm_head' to adapt; choose from q_proj, k_proj,"],
    ['a map twice', { targets: ['q_proj', 'q_proj'] }, 'the target q_proj is given twice'],
    ['no map', { targets: [] }, 'an adapter needs a target'],
  ])('refuses %s', async (_, changes, message) => {
    const error = await thrownBy(() => Trainer.create({ ...PLAN, weights: START, lora: { ...LORA, ...changes } }))
    expect(error.name).toBe('LoraSpecError')
    expect(error.message).toContain(message)
  })

  it('refuses an adapter of another rank, and a base of another model', async () => {
    const other = initialiseLora(MODEL, { ...SPEC, rank: 2 }, 'test')
    const error = await thrownBy(() => Trainer.create({ ...PLAN, weights: other, lora: LORA }))
    expect(error.message).toBe(`there are ${START.length} parameters to learn, got ${other.length}`)
    expect(() => mergeLora(MODEL, SPEC, { base: WEIGHTS, adapter: other })).toThrow('the adapter has')
    expect(() => mergeLora(MODEL, SPEC, { base: other, adapter: START })).toThrow('the model has')
    const base = await thrownBy(() => Trainer.create({ ...PLAN, weights: START, lora: { ...SPEC, base: other } }))
    expect(base.message).toBe(`the frozen model has ${WEIGHTS.length} parameters, got ${other.length}`)
  })

  it('refuses a file of another model', async () => {
    const { path: file } = await storeWeights(folder, encodeWeights(MODEL, WEIGHTS))
    const wide: LlamaConfig = { ...MODEL, hidden: 64 }
    const error = await thrownBy(() => openWeights(wide, file))
    expect(error.name).toBe('WeightsMismatchError')
    expect(error.message).toContain(
      `${file}: model.layers.0.mlp.gate_proj.weight is [48, 32], the model needs [64, 32]`,
    )
  })
})

describe('folders of PEFT', () => {
  const source = fileURLToPath(new URL('../../parity/fixtures/lora-peft', import.meta.url))
  const small: LlamaConfig = { ...MODEL, vocabulary: 23, width: 16, hidden: 24 }

  /** The fixture with another configuration. */
  function changed(name: string, change: (config: Record<string, unknown>) => unknown): string {
    const copy = path.join(folder, name)
    cpSync(source, copy, { recursive: true })
    const file = path.join(copy, 'adapter_config.json')
    const config: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify(change(config)))
    return copy
  }

  it('come back as they were written', async () => {
    const adapter = { spec: { ...SPEC, targets: ['k_proj', 'o_proj'] as const }, weights: new Float32Array(0) }
    const weights = initialiseLora(MODEL, adapter.spec, 'folder')
    await writeAdapter(path.join(folder, 'written'), MODEL, { ...adapter, weights }, { baseModel: 'someone/model' })
    expect(await readAdapter(path.join(folder, 'written'), MODEL)).toEqual({ ...adapter, weights })
  })

  it.each<[string, (config: Record<string, unknown>) => unknown, RegExp]>([
    ['another method', (config) => ({ ...config, peft_type: 'IA3' }), /adapter_config\.json: .*peft_type/s],
    ['a pattern of ranks', (config) => ({ ...config, rank_pattern: { q_proj: 8 } }), /rank_pattern/],
    ['rank-stabilised scales', (config) => ({ ...config, use_rslora: true }), /use_rslora/],
    ['maps given as a pattern', (config) => ({ ...config, target_modules: '.*_proj' }), /target_modules/],
    ['a map that is not there', (config) => ({ ...config, target_modules: ['lm_head'] }), /target_modules/],
    ['learnt biases', (config) => ({ ...config, bias: 'all' }), /bias/],
    ['no object', () => 'text', /adapter_config\.json: /],
  ])('are refused with %s', async (name, change, message) => {
    const error = await thrownBy(() => readAdapter(changed(name, change), small))
    expect(error.name).toBe('LoraSpecError')
    expect(error.message).toMatch(message)
  })

  it('are refused if their tensors are not those that the configuration says', async () => {
    const rank = changed('rank', (config) => ({ ...config, r: 5 }))
    expect((await thrownBy(() => readAdapter(rank, small))).message).toMatch(
      /adapter_model\.safetensors: .*q_proj\.lora_A\.weight is \[3, 16\], the model needs \[5, 16\]/,
    )
    const fewer = changed('fewer', (config) => ({ ...config, target_modules: ['q_proj'] }))
    expect((await thrownBy(() => readAdapter(fewer, small))).message).toMatch(/proj\.lora_[AB]\.weight is no tensor of/)
    const broken = changed('broken', (config) => config)
    writeFileSync(path.join(broken, 'adapter_config.json'), '{')
    expect((await thrownBy(() => readAdapter(broken, small))).message).toContain('adapter_config.json is not JSON')
  })
})
