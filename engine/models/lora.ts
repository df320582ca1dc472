/**
 * Low-rank adaptation (Hu et al. 2021): a chosen matrix W [outputs, inputs] of a frozen model becomes W + alpha / rank · B · A with
 * A [rank, inputs] and B [outputs, rank], and A and B alone are learnt. All A and B of a model lie in one flat vector.
 */
import { add, type Graph, matmul, type Value } from '../graph/index.ts'
import { uniforms } from '../random/philox.ts'
import { type ParameterLayout, parameterLayout, type ParameterSpec } from './layout.ts'
import { type LlamaConfig, llamaLayout } from './llama.ts'
import { type DecoderParameters, type NamedParameters, type ParameterFile, Parameters } from './parameters.ts'

/** The linear maps of a layer, under their Hugging Face names. */
export const LORA_TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const
export type LoraTarget = (typeof LORA_TARGETS)[number]

export interface LoraSpec {
  readonly rank: number
  readonly alpha: number
  /** Which maps of every layer are adapted, all seven unless given. */
  readonly targets?: readonly LoraTarget[]
}

/** An adapter's settings, and the frozen weights below it: flat in the order of llamaLayout, or a file of them (see openWeights). */
export interface LoraBase extends LoraSpec {
  readonly base: Float32Array | ParameterFile
}

/** Settings of an adapter that fit no model, or not this one. */
export class LoraSpecError extends Error {
  override readonly name = 'LoraSpecError'
}

/** Throws LoraSpecError for a rank that is no positive integer, an alpha that is not positive, and unknown, repeated or no targets. */
export function checkLoraSpec({ rank, alpha, targets = LORA_TARGETS }: LoraSpec): void {
  if (!Number.isInteger(rank) || rank < 1) throw new LoraSpecError(`rank must be a positive integer, got ${rank}`)
  if (!Number.isFinite(alpha) || alpha <= 0) throw new LoraSpecError(`alpha must be positive, got ${alpha}`)
  for (const [index, target] of targets.entries()) {
    if (!LORA_TARGETS.includes(target)) {
      throw new LoraSpecError(`there is no map '${target}' to adapt; choose from ${LORA_TARGETS.join(', ')}`)
    }
    if (targets.indexOf(target) !== index) throw new LoraSpecError(`the target ${target} is given twice`)
  }
  if (targets.length === 0) throw new LoraSpecError('an adapter needs a target')
}

/** What multiplies B · A. */
export function loraScale({ rank, alpha }: LoraSpec): number {
  return alpha / rank
}

/** A and B of every adapted matrix under the names that PEFT gives them; all are subject to weight decay. Throws LoraSpecError. */
export function loraLayout(model: LlamaConfig, spec: LoraSpec): ParameterLayout {
  return parameterLayout(
    adaptedMatrices(model, spec).flatMap(({ name, shape: [outputs = 0, inputs = 0] }) => [
      { name: factorName(name, 'A'), shape: [spec.rank, inputs] },
      { name: factorName(name, 'B'), shape: [outputs, spec.rank] },
    ]),
  )
}

/**
 * Initial adapter, flat in the order of loraLayout: A as PEFT draws it (Kaiming-uniform with a = √5, which is uniform within
 * ±1 / √inputs), B zero, so that the adapted model begins as its base. A function of (model, spec, seed) alone.
 */
export function initialiseLora(model: LlamaConfig, spec: LoraSpec, seed: string): Float32Array {
  const layout = loraLayout(model, spec)
  const weights = new Float32Array(layout.size)
  for (const { name, shape, offset, size } of layout.parameters) {
    if (!name.endsWith('.lora_A.weight')) continue
    const bound = 1 / Math.sqrt(shape[1] ?? 1)
    weights.set(
      uniforms(`${seed}/${name}`, size).map((uniform) => bound * (2 * uniform - 1)),
      offset,
    )
  }
  return weights
}

/**
 * The adapted weights, W + alpha / rank · B · A, flat in the order of llamaLayout: for sampling and scoring, where an adapter costs
 * nothing once it is merged. The sum is rounded to float32 once. Throws LoraSpecError, or RangeError for vectors of another size.
 */
export function mergeLora(
  model: LlamaConfig,
  spec: LoraSpec,
  { base, adapter }: { readonly base: Float32Array; readonly adapter: Float32Array },
): Float32Array {
  const layout = loraLayout(model, spec)
  const { size } = llamaLayout(model)
  if (base.length !== size) throw new RangeError(`the model has ${size} parameters, got ${base.length}`)
  if (adapter.length !== layout.size) {
    throw new RangeError(`the adapter has ${layout.size} parameters, got ${adapter.length}`)
  }
  const places = new Map(layout.parameters.map((parameter) => [parameter.name, parameter.offset]))
  const scale = loraScale(spec)
  const merged = base.slice()
  for (const { name, shape, offset } of adaptedMatrices(model, spec)) {
    const [outputs = 0, inputs = 0] = shape
    const [a, b] = [places.get(factorName(name, 'A')) ?? 0, places.get(factorName(name, 'B')) ?? 0]
    const change = new Float64Array(inputs)
    for (let output = 0; output < outputs; output++) {
      change.fill(0)
      for (let index = 0; index < spec.rank; index++) {
        const factor = scale * (adapter[b + output * spec.rank + index] ?? 0)
        const row = a + index * inputs
        for (let input = 0; input < inputs; input++) change[input]! += factor * adapter[row + input]!
      }
      const row = offset + output * inputs
      for (let input = 0; input < inputs; input++) merged[row + input]! += change[input]!
    }
  }
  return merged
}

/** The base with an adapter that each call brings: the input `adapter` [size], flat in the order of loraLayout. */
export function adapterInput(
  graph: Graph,
  model: LlamaConfig,
  spec: LoraSpec,
  base: DecoderParameters,
): DecoderParameters {
  const layout = loraLayout(model, spec)
  const adapter = new Parameters(graph.input('adapter', 'float32', [layout.size]), layout)
  return new AdaptedParameters(model, spec, base, adapter)
}

/** A frozen model and an adapter to it. */
export class AdaptedParameters implements DecoderParameters {
  readonly #base: DecoderParameters
  readonly #adapter: NamedParameters
  readonly #adapted: ReadonlySet<string>
  readonly #scale: number

  /** adapter: by the names of loraLayout. */
  constructor(model: LlamaConfig, spec: LoraSpec, base: DecoderParameters, adapter: NamedParameters) {
    this.#base = base
    this.#adapter = adapter
    this.#adapted = new Set(adaptedMatrices(model, spec).map(({ name }) => name))
    this.#scale = loraScale(spec)
  }

  get(name: string): Value {
    return this.#base.get(name)
  }

  project(x: Value, name: string): Value {
    const frozen = this.#base.project(x, name)
    if (!this.#adapted.has(name)) return frozen
    const low = matmul(x, this.#adapter.get(factorName(name, 'A')), { transposeB: true })
    const change = matmul(low, this.#adapter.get(factorName(name, 'B')), { transposeB: true, scale: this.#scale })
    return add(frozen, change)
  }
}

function adaptedMatrices(model: LlamaConfig, spec: LoraSpec): ParameterSpec[] {
  checkLoraSpec(spec)
  const targets = spec.targets ?? LORA_TARGETS
  return llamaLayout(model).parameters.filter(({ name }) =>
    targets.some((target) => name.endsWith(`.${target}.weight`)),
  )
}

/** model.layers.0.self_attn.q_proj.weight → base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight */
function factorName(matrix: string, factor: 'A' | 'B'): string {
  return `base_model.model.${matrix.replace(/weight$/, `lora_${factor}.weight`)}`
}
