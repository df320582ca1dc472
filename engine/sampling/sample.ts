/** Sampling completions of prompts. */
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { countFeed, type Feed, floatFeed, integerFeed } from '../runtime/session.ts'
import type { SessionCache } from '../runtime/session-cache.ts'
import { checkTokens, RowError } from '../training/rows.ts'
import { checkEnding, type Ending, Reader } from './ending.ts'
import { generationFeeds } from './generate.ts'
import { samplingGraph } from './graph.ts'

export interface SampleRequest {
  /** Flat parameter vector in the order of llamaLayout. */
  readonly weights: Float32Array
  readonly model: LlamaConfig
  readonly prompts: readonly (readonly number[])[]
  /** 1 unless given. */
  readonly samplesPerPrompt?: number
  readonly maximumNewTokens: number
  /** None unless given. */
  readonly stopTokens?: readonly number[]
  readonly ending?: Ending
  /** 0 chooses the most likely token. */
  readonly temperature: number
  /** In [0, 1): one per prompt, sample and new token, in this order of nesting. Ignored at temperature 0. */
  readonly uniforms: Float32Array
  /** Fills prompts up, 0 unless given. No row sees it. */
  readonly padToken?: number
  /** Length to which prompts are padded on the left, at least 2; that of the longest one in a call unless given. */
  readonly promptLength?: number
  /** Prompts of one graph call, all unless given; the last call is filled up with dummies, so that every call has the same shape. */
  readonly batch?: number
}

/** A request of which nothing is left open. */
type Asked = SampleRequest & Required<Omit<SampleRequest, 'ending' | 'promptLength'>>

export interface SampleResult {
  /** Prompt-major, sample-minor; a completion ends with its stop token, or the token that completes the ending, if it produced one. */
  readonly completions: number[][]
  /** Whether a completion ended so, rather than at maximumNewTokens. */
  readonly stopped: boolean[]
}

/** Completions of every prompt. Throws RowError for a request that does not fit the model. */
export async function sampleCompletions(asked: SampleRequest, sessions: SessionCache): Promise<SampleResult> {
  const request = complete(asked)
  checkRequest(request)
  const { model, prompts, samplesPerPrompt, batch, temperature } = request
  const shape = { prompts: batch, samplesPerPrompt, greedy: temperature === 0 }
  const session = await sessions.get(JSON.stringify(['sample', model, shape]), () => samplingGraph(model, shape))
  const result: SampleResult = { completions: [], stopped: [] }
  for (let start = 0; start < prompts.length; start += batch) {
    const outputs = await session.run(samplingFeeds(request, start))
    collect(outputs.integers('tokens'), request, Math.min(batch, prompts.length - start), result)
  }
  return result
}

function complete(request: SampleRequest): Asked {
  const open = { samplesPerPrompt: 1, stopTokens: [], padToken: 0, batch: Math.max(1, request.prompts.length) }
  return { ...open, ...request }
}

/** What the graph of samplingGraph is fed for the call that begins with prompt `start`. */
export function samplingFeeds(request: Asked, start: number): Record<string, Feed> {
  const { weights, prompts, samplesPerPrompt, maximumNewTokens, batch, padToken } = request
  const rows = batch * samplesPerPrompt
  const prefix = lengthOf(request, prompts.slice(start, start + batch)) - 1
  const tokens = new Int32Array(batch * prefix).fill(padToken)
  const last = new Int32Array(batch).fill(padToken)
  const padding = new Int32Array(batch)
  const stopped = new Uint8Array(rows)
  const uniforms = new Float32Array(maximumNewTokens * rows)
  for (let index = 0; index < batch; index++) {
    const prompt = prompts[start + index]
    const firstRow = index * samplesPerPrompt
    if (prompt === undefined) {
      stopped.fill(1, firstRow, firstRow + samplesPerPrompt)
      continue
    }
    const before = prompt.slice(0, -1)
    tokens.set(before, (index + 1) * prefix - before.length)
    last[index] = prompt.at(-1) ?? padToken
    padding[index] = prefix - before.length
    if (request.temperature === 0) continue
    for (let sample = 0; sample < samplesPerPrompt; sample++) {
      const from = ((start + index) * samplesPerPrompt + sample) * maximumNewTokens
      for (let step = 0; step < maximumNewTokens; step++) {
        uniforms[step * rows + firstRow + sample] = request.uniforms[from + step] ?? 0
      }
    }
  }
  return {
    weights: floatFeed(weights),
    prompts: integerFeed(tokens, [batch, prefix]),
    last: integerFeed(last),
    padding: integerFeed(padding),
    columns: integerFeed(
      Int32Array.from({ length: prefix }, (_, column) => column),
      [1, prefix],
    ),
    steps: countFeed(maximumNewTokens),
    ...generationFeeds(request, stopped, () => uniforms),
  }
}

/** What prompts are padded to. */
function lengthOf({ promptLength }: Pick<Asked, 'promptLength'>, prompts: readonly (readonly number[])[]): number {
  return promptLength ?? Math.max(2, ...prompts.map(({ length }) => length))
}

/** Reads tokens [steps, rows], each row up to its end. */
function collect(tokens: Int32Array, request: Asked, prompts: number, result: SampleResult): void {
  const { samplesPerPrompt, batch } = request
  const rows = batch * samplesPerPrompt
  const stops = new Set(request.stopTokens)
  for (let row = 0; row < prompts * samplesPerPrompt; row++) {
    const completion: number[] = []
    const reader = new Reader(stops, request.ending)
    let stopped = false
    for (let index = row; index < tokens.length && !stopped; index += rows) {
      const token = tokens[index] ?? 0
      completion.push(token)
      stopped = reader.endsWith(token)
    }
    result.completions.push(completion)
    result.stopped.push(stopped)
  }
}

function checkRequest(request: Asked): void {
  const { weights, model, prompts, maximumNewTokens, batch } = request
  const promptLength = lengthOf(request, prompts)
  const { size } = llamaLayout(model)
  if (weights.length !== size) throw new RowError(`the model has ${size} parameters, got ${weights.length}`)
  requireCounts({ batch })
  if (!Number.isInteger(promptLength) || promptLength < 2)
    throw new RowError(`promptLength must be at least 2, got ${promptLength}`)
  if (promptLength + maximumNewTokens - 1 > model.context) {
    throw new RowError(
      `${promptLength} prompt and ${maximumNewTokens} new tokens exceed the context of ${model.context}`,
    )
  }
  for (const { length } of prompts) {
    if (length > promptLength) throw new RowError(`a prompt has ${length} tokens, the padded length is ${promptLength}`)
  }
  requireTemperature(request.temperature)
  checkAsked(request)
}

/** What holds for a request of either sampler. */
export function checkAsked(
  asked: Pick<
    Asked,
    'model' | 'prompts' | 'samplesPerPrompt' | 'maximumNewTokens' | 'temperature' | 'uniforms' | 'ending'
  >,
): void {
  const { prompts, samplesPerPrompt, maximumNewTokens, temperature, uniforms, ending } = asked
  const { vocabulary } = asked.model
  requireCounts({ samplesPerPrompt, maximumNewTokens })
  for (const prompt of prompts) {
    if (prompt.length === 0) throw new RowError('a prompt has no tokens')
    checkTokens(prompt, vocabulary)
  }
  if (ending !== undefined) checkEnding(ending, vocabulary)
  const needed = prompts.length * samplesPerPrompt * maximumNewTokens
  if (temperature > 0 && uniforms.length !== needed)
    throw new RowError(`${needed} uniform numbers are needed, got ${uniforms.length}`)
}

export function requireCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) throw new RowError(`${name} must be a positive integer, got ${value}`)
  }
}

export function requireTemperature(temperature: number): void {
  if (!Number.isFinite(temperature) || temperature < 0)
    throw new RowError(`temperature must be at least 0, got ${temperature}`)
}
