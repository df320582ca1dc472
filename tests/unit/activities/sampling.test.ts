/** Sampling what a shard wants: which prompts share a call changes nothing but the time. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { sample } from '../../../activities/sampling.ts'
import { EngineProcess } from '../../../engine/index.ts'
import { parseConfig } from '../../../recipes/registry.ts'
import { ownForm } from '../../../shared/model-form.ts'
import { isAdopted } from '../../../shared/models.ts'
import { vocabularyTexts } from '../../../shared/texts.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-sampling-'))
const engine = new EngineProcess()
afterAll(async () => {
  await engine.close()
  fs.rmSync(directory, { recursive: true })
})

it('gives every prompt its own completions, though prompts of like length are sampled together', async () => {
  const model = { width: 32, layers: 2, heads: 2, hidden: 48 }
  const { recipe, config } = parseConfig({ recipe: 'spc', model }, 'test')
  const vocabulary = recipe.vocabulary(config)
  if (vocabulary === null || isAdopted(config.model)) throw new Error('a model of its own')
  const form = ownForm(config.model, vocabulary)
  const weights = await engine.initialiseWeights({ model: form, seed: 's', directory, metadata: {} })
  const settings = { recipe, config, texts: vocabularyTexts(vocabulary, recipe.stop), model: form, lora: null }
  // More rows than a call holds, in no order of length.
  const prompts = Array.from({ length: 100 }, (_, index) =>
    Array.from({ length: 2 + ((index * 7) % 19) }, (_, place) => 1 + ((index * 31 + place * 17) % 90)),
  )
  const [samplesPerPrompt, maximumNewTokens] = [2, 6]
  const uniforms = Float32Array.from({ length: 100 * 2 * 6 }, (_, index) => (0.5 + index * 0.618_033_988) % 1)
  const signal = new AbortController().signal
  const wanted = { prompts, samplesPerPrompt, maximumNewTokens, temperature: 1, uniforms }
  const found = await sample(engine, { settings, weights, signal }, wanted)
  const alone = []
  for (const [index, prompt] of prompts.entries()) {
    const drawn = uniforms.subarray(index * 12, (index + 1) * 12)
    const { stopTokens, padToken } = settings.texts
    const asked = { ...wanted, prompts: [prompt], uniforms: drawn, weights, model: form, stopTokens, padToken }
    alone.push(...(await engine.sample(asked)).completions)
  }
  expect(found).toEqual(alone)
  expect(new Set(found.map((completion) => completion.join())).size).toBeGreaterThan(150)
})
