/** Samplers of the engine process, one for each frozen base and shape: compiled once, used by every adapter over the base. */
import type { EngineOptions } from '../engine.ts'
import type { LlamaConfig } from '../models/llama.ts'
import { type LoraBase, loraLayout } from '../models/lora.ts'
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
  readonly #empty = new WeakMap<object, Float32Array>()

  constructor(stored: StoredModels, options: EngineOptions) {
    this.#stored = stored
    this.#options = options
  }

  /** An adapter that changes nothing; one array for each base, as samplers know adapters by their arrays. */
  #nothing(model: LlamaConfig, lora: LoraBase): Float32Array {
    const known = this.#empty.get(lora.base) ?? new Float32Array(loraLayout(model, lora).size)
    this.#empty.set(lora.base, known)
    return known
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
    const adapter = weights === null ? this.#nothing(model, lora) : await this.#stored.weights(weights, { model, lora })
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
