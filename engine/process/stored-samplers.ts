/** Samplers of the engine process, one for each frozen base and shape: compiled once, used by every adapter over the base. */
import type { EngineOptions } from '../engine.ts'
import type { SampleResult } from '../sampling/sample.ts'
import { StoredSampler } from '../sampling/stored-sampler.ts'
import type { AdaptedSampleRequest } from './protocol.ts'
import type { StoredModels } from './stored-models.ts'

/** A greedy one and one that draws, of one base. Each keeps keys and values of prompts, and the runtime's memory. */
const KEPT = 2

export class StoredSamplers {
  readonly #stored: StoredModels
  readonly #options: EngineOptions
  readonly #samplers = new Map<string, StoredSampler>()

  constructor(stored: StoredModels, options: EngineOptions) {
    this.#stored = stored
    this.#options = options
  }

  async sample({
    weights,
    model,
    lora: over,
    rows,
    capacity,
    temperature,
    ...asked
  }: AdaptedSampleRequest): Promise<SampleResult> {
    const lora = await this.#stored.base(model, over)
    const adapter = await this.#stored.weights(weights, { model, lora })
    const key = JSON.stringify([over, model, rows, capacity, temperature])
    let sampler = this.#samplers.get(key)
    if (sampler === undefined) {
      const { threads = 1, device = 'cpu' } = this.#options
      const { base, ...spec } = lora
      const stored = { model, weights: base, lora: spec }
      sampler = await StoredSampler.create({ ...stored, rows, capacity, temperature, threads, device })
    }
    this.#samplers.delete(key)
    this.#samplers.set(key, sampler)
    for (const [oldest, stale] of this.#samplers) {
      if (this.#samplers.size <= KEPT) break
      this.#samplers.delete(oldest)
      await stale.close()
    }
    return sampler.sample({ ...asked, adapter })
  }
}
