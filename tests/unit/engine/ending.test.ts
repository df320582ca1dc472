/** Where a completion ends beside its stop tokens. */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { cutBehind, Engine, endingOf, initialiseLlama, type LlamaConfig, StoredSampler } from '../../../engine/index.ts'
import { Reader } from '../../../engine/sampling/ending.ts'

describe('a text is cut', () => {
  it.each([
    ['One.\n\nTwo.', 'One.\n\n'],
    ['One.\nTwo.', 'One.\nTwo.'],
    ['\n\n \n\nOne.\n\n\nTwo.', '\n\n \n\nOne.\n\n'],
    ['\n\n', '\n\n'],
    ['One.\n \n\nTwo.', 'One.\n \n\n'],
    ['', ''],
  ])('%j behind its first blank line, which something stands before: %j', (text, cut) =>
    expect(cutBehind(text, '\n\n')).toBe(cut),
  )

  it('behind an end that begins again within itself', () => expect(cutBehind('aabaabaaac', 'aabaaa')).toBe('aabaabaaa'))
})

/** Tokens that hold the end, a part of it, or more than it. */
const vocabulary = ['a', '\n', '\n\n', '.\n\n', '\n\nb', ' ', ' \n', '\n\n\n', '.', ';']
const completions = fc.array(fc.nat(vocabulary.length - 1), { maxLength: 12 })
const textOf = (token: number): string => vocabulary[token] ?? ''

it.each(['\n\n', '.', '\n.\n', 'a\na', ';'])('tokens end where their text does: %j', (end) => {
  const ending = endingOf(end, vocabulary.length, textOf)
  fc.assert(
    fc.property(completions, (tokens) => {
      const reader = new Reader(new Set(), ending)
      const last = tokens.findIndex((token) => reader.endsWith(token))
      const whole = tokens.map(textOf).join('')
      const said = (last < 0 ? tokens : tokens.slice(0, last + 1)).map(textOf).join('')
      expect(cutBehind(said, end)).toBe(cutBehind(whole, end))
      const begun = whole.search(/\S/)
      expect(last >= 0).toBe(begun >= 0 && whole.includes(end, begun))
      // With one token fewer it has not ended.
      if (last >= 0)
        expect(said.slice(0, said.length - textOf(tokens[last] ?? 0).length).includes(end, begun)).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

const model: LlamaConfig = {
  vocabulary: vocabulary.length,
  width: 16,
  layers: 1,
  heads: 2,
  keyValueHeads: 2,
  hidden: 16,
  ropeTheta: 10_000,
  context: 96,
  normEpsilon: 1e-5,
}
const weights = initialiseLlama(model, 'ending')
const prompts = Array.from({ length: 9 }, (_, seed) =>
  Array.from({ length: 1 + seed }, (_unused, at) => (3 * at + seed) % 10),
)
const maximumNewTokens = 40
const uniforms = Float32Array.from(
  { length: prompts.length * maximumNewTokens },
  (_, index) => (0.3 + index * 0.618_034) % 1,
)
const request = { prompts, samplesPerPrompt: 1, maximumNewTokens, stopTokens: [8], uniforms }

describe('sampled completions', () => {
  const engine = new Engine()
  afterAll(() => engine.close())
  const ending = endingOf('\n\n', vocabulary.length, textOf)

  /** What is sampled without an end, cut there. */
  const cut = (tokens: readonly number[]): number[] => {
    const reader = new Reader(new Set(request.stopTokens), ending)
    const last = tokens.findIndex((token) => reader.endsWith(token))
    return last < 0 ? [...tokens] : tokens.slice(0, last + 1)
  }

  it('are those without an end up to it, whatever rows stand beside them, by either sampler', async () => {
    const sampler = await StoredSampler.create({ model, weights, rows: 3, capacity: 96, temperature: 1.5 })
    const { completions: plain } = await sampler.sample(request)
    const ended = await sampler.sample({ ...request, ending })
    expect(ended.completions).toEqual(plain.map(cut))
    expect(ended.completions).not.toEqual(plain)
    expect(ended.stopped).toContain(true)
    for (const [index, prompt] of prompts.entries()) {
      const own = uniforms.slice(index * maximumNewTokens, (index + 1) * maximumNewTokens)
      const alone = await sampler.sample({ ...request, prompts: [prompt], uniforms: own, ending })
      expect(alone.completions).toEqual([ended.completions[index]])
    }
    await sampler.close()
    const fed = { model, weights, temperature: 1.5, padToken: 0, promptLength: 16, batch: 9 }
    expect(await engine.sample({ ...request, ...fed, ending })).toEqual(ended)
  })

  it('are refused an ending of another vocabulary', async () => {
    const other = endingOf('\n\n', 5, textOf)
    const sampler = await StoredSampler.create({ model, weights, rows: 3, capacity: 96, temperature: 1.5 })
    await expect(sampler.sample({ ...request, ending: other })).rejects.toThrow(/ending of 3 states for 10 tokens/)
    await sampler.close()
    expect(() => endingOf('', 5, textOf)).toThrow(/1 to 254 characters/)
  })
})
