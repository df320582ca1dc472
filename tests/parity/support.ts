/** Reading the fixtures that the scripts in scripts/parity wrote, and comparing with them. */
import { readFileSync } from 'node:fs'
import { Graph } from '../../engine/graph/index.ts'
import {
  decodeWeights,
  llamaLayout,
  type LlamaConfig,
  type LossSpec,
  type OptimizerSpec,
  type ParameterLayout,
  type Pretrained,
  type TrainingRow,
} from '../../engine/index.ts'
import { causalMask, decode, logits, positionsFromZero, rotaryTables } from '../../engine/models/llama-forward.ts'
import { Parameters } from '../../engine/models/parameters.ts'
import { floatFeed, integerFeed, Session } from '../../engine/runtime/session.ts'

interface Measured {
  readonly loss: number
  readonly terms: Readonly<Record<string, number>>
  readonly meanRatio?: number
  readonly clipFraction?: number
  readonly kl?: number
  readonly logRatio?: number
  readonly margin?: number
  readonly chosenLogRatio?: number
  readonly pairAccuracy?: number
}

/** What preferences.py wrote; the model is that of dump.py. */
interface Preferences {
  readonly rows: TrainingRow[]
  readonly losses: Readonly<Record<string, Measured & { readonly spec: LossSpec }>>
}

interface Fixture extends Preferences {
  readonly config: LlamaConfig
  readonly scores: number[][]
  readonly logits: number[][]
  readonly generation: {
    readonly prompts: number[][]
    readonly samplesPerPrompt: number
    readonly maximumNewTokens: number
    readonly stopToken: number
    readonly temperature: number
    readonly uniforms: number[]
    readonly greedy: number[][]
    readonly sampled: number[][]
  }
  readonly training: {
    readonly optimizer: OptimizerSpec
    readonly loss: string
    readonly metrics: (Measured & { readonly gradientNorm: number; readonly learningRate: number })[]
    readonly batches: number[][]
  }
}

function bytesOf(name: string): Uint8Array {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url))
}

function textOf(name: string): string {
  return Buffer.from(bytesOf(name)).toString()
}

export const fixture: Fixture = JSON.parse(textOf('llama.json'))
export const preferences: Preferences = JSON.parse(textOf('preferences.json'))

/** A vector over all parameters, such as weights or a gradient. */
export function parameterVector(name: string): Float32Array {
  return decodeWeights(fixture.config, bytesOf(`${name}.safetensors`), name)
}

/** Of every position of one sequence. */
export async function logitsOf({ model, weights }: Pretrained, tokens: readonly number[]): Promise<number[][]> {
  const layout = llamaLayout(model)
  const graph = new Graph('forward')
  const parameters = new Parameters(graph.input('weights', 'float32', [layout.size]), layout)
  const { hidden } = decode(model, parameters, rotaryTables(graph, model), {
    tokens: graph.input('tokens', 'int32', [1, tokens.length]),
    batch: 1,
    length: tokens.length,
    mask: causalMask(graph, tokens.length),
    positions: positionsFromZero(graph),
  })
  graph.output(logits(model, parameters, hidden), 'logits')
  const session = await Session.create(graph, { threads: 1 })
  const outputs = await session.run({
    weights: floatFeed(weights, [layout.size]),
    tokens: integerFeed(Int32Array.from(tokens), [1, tokens.length]),
  })
  const flat = [...outputs.floats('logits')]
  await session.release()
  return tokens.map((_, row) => flat.slice(row * model.vocabulary, (row + 1) * model.vocabulary))
}

/** The largest difference within each tensor relative to the largest element of that tensor, by tensor name. */
export function relativeErrors(
  layout: ParameterLayout,
  actual: Float32Array,
  expected: Float32Array,
): Map<string, number> {
  const errors = new Map<string, number>()
  for (const { name, offset, size } of layout.parameters) {
    let difference = 0
    let scale = 0
    for (let index = offset; index < offset + size; index++) {
      difference = Math.max(difference, Math.abs((actual[index] ?? Number.NaN) - (expected[index] ?? Number.NaN)))
      scale = Math.max(scale, Math.abs(expected[index] ?? Number.NaN))
    }
    errors.set(name, difference / scale)
  }
  return errors
}

/** The tensors whose relative error is not below the tolerance (a NaN never is). */
export function mismatches(actual: Float32Array, expected: Float32Array, tolerance: number): [string, number][] {
  return mismatchesOf(llamaLayout(fixture.config), actual, expected, tolerance)
}

/** mismatches() of vectors in another layout than that of the model. */
export function mismatchesOf(
  layout: ParameterLayout,
  actual: Float32Array,
  expected: Float32Array,
  tolerance: number,
): [string, number][] {
  return [...relativeErrors(layout, actual, expected)].filter(([, error]) => !(error < tolerance))
}
