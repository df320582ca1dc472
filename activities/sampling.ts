import { type EngineProcess, type Ending, endingOf, type WeightsReference } from '../engine/index.ts'
import { chunks } from '../shared/collections.ts'
import { isAdopted } from '../shared/models.ts'
import type { Texts } from '../shared/texts.ts'
import type { RoundSettings } from './settings.ts'

/** Completions wanted of a policy. */
export interface Wanted {
  prompts: readonly (readonly number[])[]
  samplesPerPrompt: number
  maximumNewTokens: number
  temperature: number
  /** One per prompt, sample and new token, in this order of nesting; empty at temperature 0. */
  uniforms: Float32Array
  /** Where a completion ends beside the stop tokens. */
  ending?: Ending
}

export interface SampledPolicy {
  settings: RoundSettings
  /** Null asks the adopted model itself, below all adapters. */
  weights: WeightsReference | null
  /** Aborted when nobody wants the completions any more. */
  signal: AbortSignal
}

/** Rows of one sampling graph: what fits a core's cache and is still worth a call. */
const ROWS_PER_CALL = 128
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
  const { lora, model, config } = place.settings
  const room = isAdopted(config.model) ? model.context - maximumNewTokens : Infinity
  const asked = [...prompts.keys()].filter((index) => (prompts[index]?.length ?? 0) <= room)
  const fitting = { ...wanted, prompts: asked.map((index) => prompts[index] ?? []) }
  const calls = lora ? adapted(engine, place, fitting) : whole(engine, place, fitting)
  const perPrompt = temperature === 0 ? 0 : samplesPerPrompt * maximumNewTokens
  const completions: number[][] = Array.from({ length: prompts.length * samplesPerPrompt }, () => [])
  for (const places of calls.parts) {
    place.signal.throwIfAborted()
    const part = places.map((at) => asked[at] ?? 0)
    const drawn = new Float32Array(part.length * perPrompt)
    part.forEach((index, at) =>
      drawn.set(uniforms.subarray(index * perPrompt, (index + 1) * perPrompt), at * perPrompt),
    )
    const said = await calls.sample({ prompts: part.map((index) => prompts[index] ?? []), uniforms: drawn })
    said.completions.forEach((completion, index) => {
      const prompt = part[Math.floor(index / samplesPerPrompt)] ?? 0
      completions[prompt * samplesPerPrompt + (index % samplesPerPrompt)] = completion
    })
  }
  return completions
}

/** Endings take a moment to work out for a large vocabulary: those in use are kept, by the language and the text. */
const endings = new WeakMap<Texts, Map<string, Ending>>()

export function endingFor({ texts, model }: Pick<RoundSettings, 'texts' | 'model'>, ends: string): Ending {
  const known = endings.get(texts) ?? new Map<string, Ending>()
  endings.set(texts, known)
  let ending = known.get(ends)
  if (!ending) known.set(ends, (ending = endingOf(ends, model.vocabulary, (token) => texts.decode([token]))))
  return ending
}

type Part = Pick<Wanted, 'prompts' | 'uniforms'>
interface Calls {
  /** Which prompts one call holds, by their number among the wanted ones. */
  parts: number[][]
  sample(part: Part): Promise<{ completions: number[][] }>
}

/**
 * A policy that is a whole model, small enough to be fed at every call: one graph run each. Prompts of like length are put together:
 * little padding is read, and what begins alike often ends alike, so few rows wait for others.
 */
function whole(engine: EngineProcess, { settings, weights }: SampledPolicy, wanted: Wanted): Calls {
  const { model, texts } = settings
  if (!weights) throw new Error('a whole model has no base')
  const { prompts, samplesPerPrompt, maximumNewTokens, temperature, ending } = wanted
  const perCall = Math.max(1, Math.floor(ROWS_PER_CALL / samplesPerPrompt))
  const length = (at: number): number => prompts[at]?.length ?? 0
  const order = [...prompts.keys()].toSorted((a, b) => length(a) - length(b))
  const { stopTokens, padToken } = texts
  const asked = { weights, model, samplesPerPrompt, maximumNewTokens, temperature, padToken, stopTokens }
  const call = { ...asked, ...(ending === undefined ? {} : { ending }) }
  return {
    parts: chunks(order, perCall),
    // Graphs are compiled for a number of rows: what is left over takes one of a few.
    sample: (part) => engine.sample({ ...call, ...part, batch: roundUp(part.prompts.length, Math.ceil(perCall / 4)) }),
  }
}

/** A policy that is an adapter: rows of any length, and a finished one makes room for the next. */
function adapted(engine: EngineProcess, { settings, weights }: SampledPolicy, wanted: Wanted): Calls {
  const { model, texts, lora } = settings
  if (!lora) throw new Error('no base to adapt')
  const { prompts, samplesPerPrompt, maximumNewTokens, temperature, ending } = wanted
  const { stopTokens } = texts
  const shape = { rows: ADAPTED_ROWS, capacity: model.context, ...(ending === undefined ? {} : { ending }) }
  const call = { weights, model, lora, samplesPerPrompt, maximumNewTokens, temperature, stopTokens, ...shape }
  return {
    parts: chunks([...prompts.keys()], Math.max(1, Math.floor(ADAPTED_PER_CALL / samplesPerPrompt))),
    sample: (part) => engine.sampleAdapted({ ...call, ...part }),
  }
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple
