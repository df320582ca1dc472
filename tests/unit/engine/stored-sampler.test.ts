import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine, initialiseLlama, type LlamaConfig, StoredSampler } from '../../../engine/index.ts'

const model: LlamaConfig = {
  vocabulary: 50,
  width: 32,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  hidden: 64,
  ropeTheta: 10_000,
  context: 256,
  normEpsilon: 1e-5,
}
/** Layers thirty times larger than initial ones usually are, or the tied head would repeat each prompt's last token. */
const weights = initialiseLlama(model, 'stored').map((weight, index) => {
  if (weight === 1) return 1
  return index < model.vocabulary * model.width ? weight : 30 * weight
})
const prompt = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, index) => (7 * index * index + 13 * seed + index) % model.vocabulary)
/** Of several lengths: within a block, at its border, over several. */
const prompts = [1, 9, 64, 65, 66, 130, 200].map((length, seed) => prompt(length, seed))
const uniforms = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, index) => (0.3 + index * 0.618_034) % 1)
const greedyRequest = {
  prompts,
  samplesPerPrompt: 1,
  maximumNewTokens: 20,
  stopTokens: [3, 4, 11, 20, 29],
  uniforms: uniforms(0),
}
const options = { model, weights, rows: 3, capacity: 256 }

describe('at temperature 0', () => {
  let sampler: StoredSampler
  beforeAll(async () => {
    sampler = await StoredSampler.create({ ...options, temperature: 0 })
  })
  afterAll(() => sampler.close())

  test('the tokens are those of the sampler whose weights are an input', async () => {
    const engine = new Engine()
    const fed = { ...greedyRequest, model, weights, temperature: 0, padToken: 0, promptLength: 200, batch: 7 }
    const expected = await engine.sample(fed)
    await engine.close()
    expect(new Set(expected.completions.map(({ length }) => length)).size).toBeGreaterThan(1)
    expect(await sampler.sample(greedyRequest)).toEqual(expected)
  })

  test('a block that prompts begin with is read once', async () => {
    const begin = prompt(128, 99)
    const before = sampler.blocksRead
    const shared = [[...begin, 1, 2], [...begin, 5, 6, 7], begin.concat(prompt(20, 1))]
    await sampler.sample({ ...greedyRequest, prompts: shared, samplesPerPrompt: 2 })
    expect(sampler.blocksRead - before).toBe(2 + 3)
  })

  test('requests that do not fit are refused', async () => {
    const ask = (change: object) => sampler.sample({ ...greedyRequest, ...change })
    await expect(ask({ prompts: [prompt(237, 0)] })).rejects.toThrow(/237 tokens.*capacity of 256/)
    await expect(ask({ prompts: [[]] })).rejects.toThrow(/no tokens/)
    await expect(ask({ prompts: [[50]] })).rejects.toThrow(/50/)
    await expect(ask({ maximumNewTokens: 0 })).rejects.toThrow(/maximumNewTokens/)
    await expect(StoredSampler.create({ ...options, capacity: 257, temperature: 0 })).rejects.toThrow(/context of 256/)
    await expect(StoredSampler.create({ ...options, temperature: -1 })).rejects.toThrow(/temperature/)
  })
})

test('a context shorter than a block of a prompt, up to its last token', async () => {
  const short = { ...model, context: 24 }
  const sampler = await StoredSampler.create({ model: short, weights, rows: 2, capacity: 24, temperature: 0 })
  const asked = { ...greedyRequest, stopTokens: [], prompts: [prompt(4, 1), prompt(14, 2)], maximumNewTokens: 10 }
  const found = await sampler.sample(asked)
  await sampler.close()
  const long = await StoredSampler.create({ ...options, temperature: 0 })
  expect(found).toEqual(await long.sample(asked))
  await long.close()
})

test('a row that is at the end of the context goes on beside one that is not', async () => {
  const short = { ...model, context: 24 }
  const sampler = await StoredSampler.create({ model: short, weights, rows: 2, capacity: 24, temperature: 0 })
  const asked = { ...greedyRequest, prompts: [prompt(4, 5), prompt(4, 2), prompt(4, 3)], maximumNewTokens: 20 }
  const { completions } = await sampler.sample({ ...asked, stopTokens: [] })
  // The second row stops within the first call, so that the third begins while the first has four tokens to go.
  const [first = [], second = [], third = []] = completions
  const stop = second.slice(0, 16).find((token) => !first.includes(token))
  if (stop === undefined) throw new Error('the second row says nothing of its own: choose another prompt')
  const stopped = await sampler.sample({ ...asked, stopTokens: [stop] })
  const cut = (tokens: readonly number[]) =>
    tokens.includes(stop) ? tokens.slice(0, tokens.indexOf(stop) + 1) : tokens
  expect(stopped.completions).toEqual([first, cut(second), cut(third)])
  expect(cut(third).length).toBeGreaterThan(5)
  await sampler.close()
})

test('fewer new tokens are the beginning of more, however calls divide them', async () => {
  const sampler = await StoredSampler.create({ ...options, temperature: 0 })
  const ask = (maximumNewTokens: number) => sampler.sample({ ...greedyRequest, stopTokens: [], maximumNewTokens })
  const { completions } = await ask(40)
  for (const count of [1, 15, 16, 17, 33]) {
    expect((await ask(count)).completions).toEqual(completions.map((tokens) => tokens.slice(0, count)))
  }
  await sampler.close()
})

test('a row that replaces a finished one, and one beside it, are as if alone', async () => {
  const sampler = await StoredSampler.create({ ...options, rows: 6, temperature: 0 })
  const many = Array.from({ length: 20 }, (_, seed) => prompt(1 + ((seed * 37) % 200), seed))
  const together = await sampler.sample({ ...greedyRequest, prompts: many })
  expect(new Set(together.completions.map(({ length }) => length)).size).toBeGreaterThan(2)
  for (const [index, alone] of many.entries()) {
    const { completions } = await sampler.sample({ ...greedyRequest, prompts: [alone] })
    expect(completions).toEqual([together.completions[index]])
  }
  await sampler.close()
})

describe.each(['float32', 'int8'] as const)('with weights in %s', (precision) => {
  test('the tokens of a row depend neither on the rows beside it nor on its place', async () => {
    const sampler = await StoredSampler.create({ ...options, temperature: 1.2, precision })
    const numbers = uniforms(prompts.length * 40)
    const request = { ...greedyRequest, maximumNewTokens: 40 }
    const together = await sampler.sample({ ...request, uniforms: numbers })
    const reversed = Float32Array.from(
      prompts.toReversed().flatMap((_, index) => {
        const from = (prompts.length - 1 - index) * 40
        return [...numbers.subarray(from, from + 40)]
      }),
    )
    const backwards = await sampler.sample({ ...request, prompts: prompts.toReversed(), uniforms: reversed })
    expect(backwards.completions.toReversed()).toEqual(together.completions)
    for (const [index, alone] of prompts.entries()) {
      const own = numbers.slice(index * 40, index * 40 + 40)
      const { completions } = await sampler.sample({ ...request, prompts: [alone], uniforms: own })
      expect(completions).toEqual([together.completions[index]])
    }
    await sampler.close()
  })
})
