import type { EngineProcess, WeightsReference } from '../engine/index.ts'
import type { RoundSettings } from './settings.ts'

/** Completions wanted of a policy. */
export interface Wanted {
  prompts: readonly (readonly number[])[]
  samplesPerPrompt: number
  maximumNewTokens: number
  temperature: number
  /** One per prompt, sample and new token, in this order of nesting; empty at temperature 0. */
  uniforms: Float32Array
}

export interface SampledPolicy {
  settings: RoundSettings
  /** Null asks the adopted model itself, below all adapters. */
  weights: WeightsReference | null
  /** Aborted when nobody wants the completions any more. */
  signal: AbortSignal
}

/** Rows of one sampling graph: what fits a core's cache and is still worth a call. */
const ROWS_PER_CALL = 256
/** Rows that an adapted model decodes together, and how many completions one call is asked for. */
const ADAPTED_ROWS = 16
const ADAPTED_PER_CALL = 64

/**
 * Samples, call by call: who is told to stop stops after one. What a call holds and the shape of its graph are functions of what
 * is wanted alone, so that they belong to the plan. Returns completions prompt by prompt, sample by sample. People's texts have
 * any length: to a prompt that leaves an adopted model no room for an answer nothing is said.
 */
export async function sample(engine: EngineProcess, place: SampledPolicy, wanted: Wanted): Promise<number[][]> {
  const { prompts, samplesPerPrompt, maximumNewTokens, uniforms, temperature } = wanted
  const { lora, model } = place.settings
  const room = lora ? model.context - maximumNewTokens : Infinity
  const asked = [...prompts.keys()].filter((index) => (prompts[index]?.length ?? 0) <= room)
  const call = lora ? adapted(engine, place, wanted) : whole(engine, place, wanted)
  const perPrompt = temperature === 0 ? 0 : samplesPerPrompt * maximumNewTokens
  const completions: number[][] = Array.from({ length: prompts.length * samplesPerPrompt }, () => [])
  for (let from = 0; from < asked.length; from += call.prompts) {
    place.signal.throwIfAborted()
    const part = asked.slice(from, from + call.prompts)
    const drawn = new Float32Array(part.length * perPrompt)
    part.forEach((index, at) =>
      drawn.set(uniforms.subarray(index * perPrompt, (index + 1) * perPrompt), at * perPrompt),
    )
    const said = await call.sample({ prompts: part.map((index) => prompts[index] ?? []), uniforms: drawn })
    said.completions.forEach((completion, index) => {
      const prompt = part[Math.floor(index / samplesPerPrompt)] ?? 0
      completions[prompt * samplesPerPrompt + (index % samplesPerPrompt)] = completion
    })
  }
  return completions
}

type Part = Pick<Wanted, 'prompts' | 'uniforms'>
interface Call {
  /** Prompts of one call. */
  prompts: number
  sample(part: Part): Promise<{ completions: number[][] }>
}

/** A policy that is a whole model, small enough to be fed at every call: prompts of one padded length, one graph run each. */
function whole(engine: EngineProcess, { settings, weights }: SampledPolicy, wanted: Wanted): Call {
  const { model, texts } = settings
  if (!weights) throw new Error('a whole model has no base')
  const { prompts, samplesPerPrompt, maximumNewTokens, temperature } = wanted
  const longest = Math.max(...prompts.map((prompt) => prompt.length))
  const calls = Math.ceil((prompts.length * samplesPerPrompt) / ROWS_PER_CALL)
  const batch = roundUp(Math.ceil(prompts.length / calls), 16)
  const { stopTokens, padToken } = texts
  const promptLength = Math.min(roundUp(longest, 8), Math.max(longest, model.context - maximumNewTokens))
  const call = {
    weights,
    model,
    samplesPerPrompt,
    maximumNewTokens,
    temperature,
    padToken,
    stopTokens,
    promptLength,
    batch,
  }
  return { prompts: batch, sample: (part) => engine.sample({ ...call, ...part }) }
}

/** A policy that is an adapter: rows of any length, and a finished one makes room for the next. */
function adapted(engine: EngineProcess, { settings, weights }: SampledPolicy, wanted: Wanted): Call {
  const { model, texts, lora } = settings
  if (!lora) throw new Error('no base to adapt')
  const { samplesPerPrompt, maximumNewTokens, temperature } = wanted
  const { stopTokens } = texts
  const shape = { rows: ADAPTED_ROWS, capacity: model.context }
  const call = { weights, model, lora, samplesPerPrompt, maximumNewTokens, temperature, stopTokens, ...shape }
  const prompts = Math.max(1, Math.floor(ADAPTED_PER_CALL / samplesPerPrompt))
  return { prompts, sample: (part) => engine.sampleAdapted({ ...call, ...part }) }
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple
