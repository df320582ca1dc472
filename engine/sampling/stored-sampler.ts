/**
 * Sampling from a model whose weights stay in the runtime, for models too large to be fed at every call. A fixed number of rows is
 * decoded a few tokens at a time; between two calls finished rows make room for waiting ones. Every row starts at the beginning of
 * a call and sees its own cache only, so its tokens do not depend on the rows beside it.
 */
import { type LlamaConfig } from '../models/llama.ts'
import { countFeed, type Feed, floatFeed, integerFeed, Session, type SessionOptions } from '../runtime/session.ts'
import { loraLayout } from '../models/lora.ts'
import { RowError } from '../training/rows.ts'
import { type Ending, Reader } from './ending.ts'
import { generationFeeds } from './generate.ts'
import { GroupedCaches } from './grouped-caches.ts'
import { type KeyValues } from './key-values.ts'
import { Prefill } from './prefill.ts'
import type { Precision } from './projection.ts'
import { checkAsked, requireCounts, requireTemperature, type SampleResult } from './sample.ts'
import { cacheNames, chunkGraph, type StoredModel } from './stored-graphs.ts'

export interface StoredSamplerOptions extends StoredModel, SessionOptions {
  /** Rows decoded together. */
  readonly rows: number
  /** The most tokens of a prompt and its completion. */
  readonly capacity: number
  /** 0 chooses the most likely token. */
  readonly temperature: number
  /** Of the weights while decoding, float32 by default. Prompts are always read in float32. */
  readonly precision?: Precision
}

export interface StoredSamplerRequest {
  readonly prompts: readonly (readonly number[])[]
  readonly samplesPerPrompt: number
  readonly maximumNewTokens: number
  readonly stopTokens: readonly number[]
  readonly ending?: Ending
  /** In [0, 1): one per prompt, sample and new token, in this order of nesting. Ignored at temperature 0. */
  readonly uniforms: Float32Array
  /** Flat, in the order of loraLayout; where the sampler has `lora`. Its contents must not change. */
  readonly adapter?: Float32Array
}

/** Tokens of one call at most: rows can be exchanged only between calls, and each call copies what it returns. */
const STEPS = 16

/** A completion being made. */
interface Row {
  /** Index of the completion. */
  readonly index: number
  readonly prompt: readonly number[]
  readonly completion: number[]
  readonly reader: Reader
  /** Keys in the cache: of all tokens but the last, from which decoding goes on, so that tokens are chosen in one place only. */
  cached: number
  /** Read next. */
  token: number
}

export class StoredSampler {
  readonly #model: LlamaConfig
  readonly #options: Omit<StoredSamplerOptions, 'weights'>
  readonly #prefill: Prefill
  readonly #decode: Session
  readonly #caches: GroupedCaches

  private constructor(options: Omit<StoredSamplerOptions, 'weights'>, prefill: Prefill, decode: Session) {
    this.#model = options.model
    this.#options = options
    this.#prefill = prefill
    this.#decode = decode
    this.#caches = new GroupedCaches(options.model, options.rows)
  }

  /** Throws RowError for options that do not fit the model. */
  static async create({ weights, ...options }: StoredSamplerOptions): Promise<StoredSampler> {
    const { model, rows, capacity, temperature, lora, precision = 'float32' } = options
    requireCounts({ rows, capacity })
    requireTemperature(temperature)
    if (capacity > model.context) throw new RowError(`capacity ${capacity} exceeds the context of ${model.context}`)
    if (precision === 'int8' && !(weights instanceof Float32Array))
      throw new RowError('precision int8 rounds the weights, which it needs in memory and not in a file')
    const stored = { model, weights, ...(lora === undefined ? {} : { lora }) }
    const prefill = await Prefill.create(stored, options)
    const shape = { rows, greedy: temperature === 0, precision }
    return new StoredSampler(options, prefill, await Session.create(chunkGraph(stored, shape), options))
  }

  /** Blocks of prompts computed so far. */
  get blocksRead(): number {
    return this.#prefill.computed
  }

  /** Completions of every prompt. Throws RowError for a request that does not fit the model. */
  async sample(request: StoredSamplerRequest): Promise<SampleResult> {
    this.#check(request)
    await this.#prefill.adapt(request.adapter)
    const { prompts, samplesPerPrompt, maximumNewTokens } = request
    const total = prompts.length * samplesPerPrompt
    const result: SampleResult = { completions: Array.from({ length: total }, () => []), stopped: [] }
    const rows: (Row | null)[] = Array.from({ length: this.#options.rows }, () => null)
    const waiting = longestFirst(request)
    for (;;) {
      const begun = [...rows.keys()].filter((place) => rows[place] === null).slice(0, waiting.length)
      for (const place of begun) rows[place] = waiting.shift() ?? null
      if (rows.every((row) => row === null)) return result
      this.#caches.resize(rows.map((row) => row?.cached ?? 0))
      for (const place of begun) {
        const { group, row } = this.#caches.at(place)
        await this.#prefill.read(rows[place]?.prompt.slice(0, -1) ?? [], group, row)
      }
      const { tokens, keyValues, made } = await this.#step(rows, request)
      for (const [place, row] of rows.entries()) {
        if (row === null) continue
        let stopped = false
        for (let step = 0; step < made && !stopped && row.completion.length < maximumNewTokens; step++) {
          row.token = tokens[step * rows.length + place] ?? 0
          row.completion.push(row.token)
          stopped = row.reader.endsWith(row.token)
        }
        if (stopped || row.completion.length === maximumNewTokens) {
          result.completions[row.index] = row.completion
          result.stopped[row.index] = stopped
          rows[place] = null
        }
      }
      this.#caches.resize(rows.map((row) => (row === null ? 0 : row.cached + made)))
      for (const [place, row] of rows.entries()) {
        if (row === null) continue
        this.#caches.append(place, row.cached, keyValues, made)
        row.cached += made
      }
    }
  }

  async close(): Promise<void> {
    await this.#prefill.close()
    await this.#decode.release()
  }

  async #step(
    rows: readonly (Row | null)[],
    request: StoredSamplerRequest,
  ): Promise<{ tokens: Int32Array; keyValues: KeyValues; made: number }> {
    const { temperature } = this.#options
    const { maximumNewTokens } = request
    const left = rows.map((row) => (row === null ? 0 : maximumNewTokens - row.completion.length))
    const steps = Math.min(STEPS, Math.max(...left))
    const integers = (value: (row: Row) => number): Feed =>
      integerFeed(Int32Array.from(rows, (row) => (row === null ? 0 : value(row))))
    const stopped = Uint8Array.from(rows, (row) => (row === null ? 1 : 0))
    const outputs = await this.#decode.run({
      steps: countFeed(steps),
      token: integers((row) => row.token),
      cached: integers((row) => row.cached),
      ...generationFeeds({ ...request, temperature }, stopped, () => uniformsOf(rows, steps, request)),
      ...this.#caches.feeds(),
      ...(request.adapter && { adapter: floatFeed(request.adapter) }),
    })
    const keyValues = cacheNames(this.#model.layers).map((name) => outputs.floats(`new.${name}`))
    const tokens = outputs.integers('tokens')
    return { tokens, keyValues, made: tokens.length / rows.length }
  }

  #check(request: StoredSamplerRequest): void {
    const { maximumNewTokens, adapter } = request
    const { capacity, temperature, model, lora } = this.#options
    const learnt = lora === undefined ? undefined : loraLayout(model, lora).size
    if (adapter?.length !== learnt)
      throw new RowError(
        `the sampler takes an adapter of ${learnt ?? 'no'} parameters, got ${adapter?.length ?? 'none'}`,
      )
    for (const { length } of request.prompts) {
      if (length + maximumNewTokens > capacity)
        throw new RowError(
          `a prompt of ${length} tokens with ${maximumNewTokens} more does not fit the capacity of ${capacity}`,
        )
    }
    checkAsked({ ...request, model, temperature })
  }
}

/** Long prompts side by side, and short ones, so that caches of one group are filled alike. Samples of a prompt stay together. */
function longestFirst({ prompts, samplesPerPrompt, stopTokens, ending }: StoredSamplerRequest): Row[] {
  const stops = new Set(stopTokens)
  const rows = prompts.flatMap((prompt, number) =>
    Array.from({ length: samplesPerPrompt }, (_, sample): Row => ({
      index: number * samplesPerPrompt + sample,
      prompt,
      completion: [],
      reader: new Reader(stops, ending),
      cached: prompt.length - 1,
      token: prompt.at(-1) ?? 0,
    })),
  )
  return rows.toSorted((a, b) => b.prompt.length - a.prompt.length)
}

/** [steps, rows]. Rows without a completion, and steps behind the last token, get 0. */
function uniformsOf(
  rows: readonly (Row | null)[],
  steps: number,
  { uniforms, maximumNewTokens }: StoredSamplerRequest,
): Float32Array {
  const chosen = new Float32Array(steps * rows.length)
  for (const [place, row] of rows.entries()) {
    if (row === null) continue
    const from = row.index * maximumNewTokens + row.completion.length
    const count = Math.min(steps, maximumNewTokens - row.completion.length)
    for (let step = 0; step < count; step++) chosen[step * rows.length + place] = uniforms[from + step] ?? 0
  }
  return chosen
}
