/** Samplers of the engine process, one for each frozen base and shape: compiled once, used by every adapter over the base. */
import type { EngineOptions } from '../engine.ts'
import type { LlamaConfig } from '../models/llama.ts'
import { type LoraBase, loraLayout } from '../models/lora.ts'
import { Latest } from '../runtime/latest.ts'
import type { SampleResult } from '../sampling/sample.ts'
import { StoredSampler } from '../sampling/stored-sampler.ts'
import type { AdaptedSampleRequest } from './protocol.ts'
import type { StoredModels } from './stored-models.ts'

/** A greedy one and one that draws, of one base. Each keeps keys and values of prompts, and the runtime's memory. */
const KEPT = 2

export class StoredSamplers {
  readonly #stored: StoredModels
  readonly #options: EngineOptions
  readonly #samplers = new Latest<StoredSampler>(KEPT, (sampler) => sampler.close())
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
    const sampler = await this.#samplers.get(key, () => {
      const { base, ...spec } = lora
      return StoredSampler.create({ ...this.#options, model, weights: base, lora: spec, rows, capacity, temperature })
    })
    return sampler.sample({ ...asked, adapter })
  }
}
