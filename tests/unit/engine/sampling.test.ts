/** A completion depends on its own prompt and uniform numbers alone. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Engine, type SampleRequest, type SampleResult } from '../../../engine/index.ts'
import { Session } from '../../../engine/runtime/session.ts'
import { samplingGraph } from '../../../engine/sampling/graph.ts'
import { samplingFeeds } from '../../../engine/sampling/sample.ts'
import { MODEL, thrownBy, uniforms, WEIGHTS } from './support.ts'

const engine = new Engine()
const NEW_TOKENS = 10
const SAMPLES = 2
const PROMPTS = [[3, 9, 27], [5], [8, 1, 4, 4, 2, 30], [17, 12], [3, 9, 28], [22, 6, 14, 14]]

function defaults() {
  return {
    weights: WEIGHTS,
    model: MODEL,
    prompts: PROMPTS,
    samplesPerPrompt: SAMPLES,
    maximumNewTokens: NEW_TOKENS,
    stopTokens: [7, 19],
    temperature: 1,
    uniforms: uniforms(PROMPTS.length * SAMPLES * NEW_TOKENS),
    padToken: 0,
    promptLength: 8,
    batch: 3,
  } satisfies SampleRequest
}

function sample(changes: Partial<SampleRequest> = {}): Promise<SampleResult> {
  return engine.sample({ ...defaults(), ...changes })
}

/** How many tokens the graph decodes for the first call of a request. */
async function stepsOf(request: ReturnType<typeof defaults>): Promise<number | undefined> {
  const { batch: prompts, samplesPerPrompt } = request
  const shape = { prompts, samplesPerPrompt, greedy: false }
  const session = await Session.create(samplingGraph(MODEL, shape), { threads: 1 })
  const outputs = await session.run(samplingFeeds(request, 0))
  return outputs.shape('tokens')[0]
}

/** The uniform numbers of one prompt. */
function uniformsOf(prompt: number): Float32Array {
  const size = SAMPLES * NEW_TOKENS
  return uniforms(PROMPTS.length * size).subarray(prompt * size, (prompt + 1) * size)
}

describe('sampling', () => {
  it('gives a prompt the same completions in any company', async () => {
    const { completions } = await sample()
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 1 })
    const property = fc.asyncProperty(order, async (prompts) => {
      const alone = await sample({
        prompts: prompts.map((prompt) => PROMPTS[prompt] ?? []),
        uniforms: Float32Array.from(prompts.flatMap((prompt) => [...uniformsOf(prompt)])),
      })
      const expected = prompts.flatMap((prompt) => completions.slice(SAMPLES * prompt, SAMPLES * (prompt + 1)))
      expect(alone.completions).toEqual(expected)
    })
    await fc.assert(property, { numRuns: 15 })
  })

  it('is not changed by stopping early: stop tokens only cut completions off', async () => {
    const endless = await sample({ stopTokens: [] })
    const { completions, stopped } = await sample()
    expect(endless.completions.every((tokens) => tokens.length === NEW_TOKENS)).toBe(true)
    expect(endless.stopped).not.toContain(true)
    expect(new Set(stopped)).toEqual(new Set([true, false]))
    const cut = endless.completions.map((tokens) => {
      const stop = tokens.findIndex((token) => token === 7 || token === 19)
      return stop < 0 ? tokens : tokens.slice(0, stop + 1)
    })
    expect(completions).toEqual(cut)
    expect(stopped).toEqual(completions.map((tokens) => [7, 19].includes(tokens.at(-1) ?? 0)))
  })

  it('leaves the loop once every row has stopped; rows that only fill up a call do not delay it', async () => {
    // The tokens of the second step are stop tokens: no row goes on after it.
    const request = {
      ...defaults(),
      prompts: [PROMPTS[0] ?? []],
      uniforms: uniformsOf(0),
      maximumNewTokens: NEW_TOKENS,
    }
    const free = (await engine.sample({ ...request, stopTokens: [] })).completions
    const second = free.map((tokens) => tokens[1] ?? 0)
    const steps = await stepsOf({ ...request, stopTokens: second })
    const expected = free.map((tokens) => tokens.findIndex((token) => second.includes(token)) + 1)
    expect(steps).toBe(Math.max(...expected))
    expect(steps).toBeLessThan(NEW_TOKENS)
    expect(await stepsOf({ ...request, stopTokens: [] })).toBe(NEW_TOKENS)
  })

  it('works out what is left open, and no row sees what fills prompts up', async () => {
    const { promptLength: _length, batch: _batch, padToken: _pad, samplesPerPrompt: _samples, ...asked } = defaults()
    const request = { ...asked, uniforms: uniforms(PROMPTS.length * NEW_TOKENS), stopTokens: [] }
    const { stopTokens: _stop, ...open } = request
    const given = await engine.sample({ ...request, samplesPerPrompt: 1, promptLength: 6, batch: 6, padToken: 0 })
    expect(await engine.sample(open)).toEqual(given)
    expect(await engine.sample({ ...open, padToken: 30 })).toEqual(given)
  })

  it('gives equal samples for equal numbers and different ones for different numbers', async () => {
    const prompts = [PROMPTS[2] ?? []]
    const same = new Float32Array(SAMPLES * NEW_TOKENS).fill(0.4)
    const [first, second] = (await sample({ prompts, uniforms: same })).completions
    expect(first).toEqual(second)
    const [third, fourth] = (await sample({ prompts, uniforms: uniformsOf(2) })).completions
    expect(third).not.toEqual(fourth)
  })

  it('follows the distribution that scoring reports', async () => {
    // At a fixed prompt, evenly spaced numbers choose each first token in proportion to its probability.
    const count = 400
    const prompts = [[5, 6, 7]]
    const spaced = Float32Array.from({ length: count }, (_, index) => (index + 0.5) / count)
    const settings = { prompts, samplesPerPrompt: count, maximumNewTokens: 1, uniforms: spaced, batch: 1 }
    const drawn = (await sample(settings)).completions.flat()
    const rows = Array.from({ length: MODEL.vocabulary }, (_, token) => ({
      tokens: [5, 6, 7, token],
      completionFrom: 3,
    }))
    const scores = await engine.score({ weights: WEIGHTS, model: MODEL, rows, length: 4, batch: 8, padToken: 0 })
    for (const [token, logp] of scores.entries()) {
      const share = drawn.filter((choice) => choice === token).length / count
      expect(Math.abs(share - Math.exp(logp[0] ?? 0))).toBeLessThanOrEqual(1 / count + 1e-5)
    }
  })

  it('never draws beyond the vocabulary, not even for a double next to 1, which is 1 as a float32', async () => {
    const almostOne = new Float32Array(PROMPTS.length * SAMPLES * NEW_TOKENS).fill(1 - 2 ** -30)
    const { completions } = await sample({ uniforms: almostOne })
    expect(completions.flat().every((token) => token >= 0 && token < MODEL.vocabulary)).toBe(true)
  })

  it.each([
    [{ prompts: [[]], uniforms: uniforms(20) }, 'a prompt has no tokens'],
    [{ promptLength: 5 }, 'a prompt has 6 tokens, the padded length is 5'],
    [{ promptLength: 40 }, '40 prompt and 10 new tokens exceed the context of 48'],
    [{ prompts: [[31]], uniforms: uniforms(20) }, 'token 31 is outside the vocabulary of 31'],
    [{ uniforms: uniforms(7) }, '120 uniform numbers are needed, got 7'],
    [{ temperature: -1 }, 'temperature must be at least 0, got -1'],
    [{ weights: new Float32Array(5) }, `the model has ${WEIGHTS.length} parameters, got 5`],
  ])('refuses %j', async (changes, message) => {
    const error = await thrownBy(() => sample(changes))
    expect([error.name, error.message]).toEqual(['RowError', message])
  })
})
