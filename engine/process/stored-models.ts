/** Weights of the engine process: those of policies in memory, those of frozen bases mapped from their files. */
import type { LlamaConfig } from '../models/llama.ts'
import type { LoraBase } from '../models/lora.ts'
import type { ParameterFile } from '../models/parameters.ts'
import { Latest } from '../runtime/latest.ts'
import { learntLayout } from '../training/batch-gradient.ts'
import { flatParameters, openWeights } from '../weights/checkpoint.ts'
import { readSafetensors } from '../weights/safetensors.ts'
import { readStoredWeights, verifyStoredWeights, type WeightsReference } from '../weights/store.ts'
import type { StoredBase } from './protocol.ts'

/** Weights of about this many policies stay in memory. */
const KEPT = 8

export class StoredModels {
  readonly #weights = new Latest<Float32Array>(KEPT)
  readonly #bases = new Map<string, ParameterFile>()

  /** What was learnt, flat (see learntLayout): the same array as long as it is kept. */
  weights(
    reference: WeightsReference,
    form: { readonly model: LlamaConfig; readonly lora?: LoraBase },
  ): Promise<Float32Array> {
    const { base: _base, ...spec } = form.lora ?? { base: null }
    const key = JSON.stringify([reference.sha256, form.model, spec])
    return this.#weights.get(key, () => read(reference, form))
  }

  /** The base below an adapter. Its file is checked when it is first used: it is too large to be read at every call. */
  async base(model: LlamaConfig, { base: reference, ...spec }: StoredBase): Promise<LoraBase> {
    const key = JSON.stringify([reference.sha256, model])
    let base = this.#bases.get(key)
    if (base === undefined) {
      await verifyStoredWeights(reference)
      this.#bases.set(key, (base = await openWeights(model, reference.path)))
    }
    return { ...spec, base }
  }
}

async function read(
  reference: WeightsReference,
  form: { readonly model: LlamaConfig; readonly lora?: LoraBase },
): Promise<Float32Array> {
  const content = readSafetensors(await readStoredWeights(reference), reference.path)
  return flatParameters(learntLayout(form), content, reference.path)
}
