/** `npm run bench`: its arguments, its quantiles, and that the docs say what its results files say. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { describe, expect, it } from 'vitest'
import { quantile } from '../../bench/compare.ts'
import { logitsAlong } from '../../bench/decoding.ts'
import { divergence, equalStart, qualityTable, readQuality } from '../../bench/quality.ts'
import { readBench, row } from '../../bench/results.ts'
import { promptLengths } from '../../bench/sample.ts'
import { trainTable } from '../../bench/train.ts'
import { secondsToScore } from '../../bench/score.ts'
import { StoredSampler } from '../../engine/index.ts'
import { MODEL, WEIGHTS } from './engine/support.ts'

const root = path.resolve(import.meta.dirname, '..', '..')

describe('the command', () => {
  it.each([
    [['train', '--shapes', 'huge'], "no 'huge'"],
    [['train', '--pairs', '0'], 'positive integer'],
    [['train', '--threads', '1,many'], 'positive integer'],
    [['quality', '--model', 'nowhere.gguf'], 'no GGUF file nowhere.gguf'],
    [['sample', '--models', 'huge'], "no 'huge'"],
    [['sample', '--peers', 'vLLM'], "no 'vLLM'"],
    [['fly'], "unknown command 'fly'"],
  ])('%j: exit code 2 and a message', (args, message) => {
    const command = ['--import', 'tsx', path.join('bench', 'main.ts'), ...args]
    const { status, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
    expect(stderr).toContain(message)
    expect(status).toBe(2)
  })
})

describe('quantiles', () => {
  it('lie on a straight line between neighbours', () => {
    expect(quantile([3, 1, 2], 0.5)).toBe(2)
    expect(quantile([4, 1], 0.25)).toBe(1.75)
    expect(quantile([7], 0.9)).toBe(7)
  })

  it('of nothing do not exist', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError)
  })
})

it('prompts of the sampling benchmark: lengths spread evenly over those asked for', () => {
  expect(promptLengths(1)).toEqual([320])
  expect(promptLengths(4)).toEqual([128, 256, 384, 512])
})

describe('quality', () => {
  it('divergence: in nats, of distributions, 0 for logits that differ by a constant', () => {
    const logits = (...shares: number[]): Float32Array => Float32Array.from(shares, Math.log)
    const expected = 0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75)
    expect(divergence(logits(1, 1), logits(1, 3))).toBeCloseTo(expected, 6)
    expect(divergence(logits(1, 3), logits(2, 6))).toBeCloseTo(0, 6)
  })

  it('greedy tokens count until the first that differs', () => {
    expect(equalStart([1, 2, 3, 4], [1, 2, 9, 4])).toBe(2)
    expect(equalStart([1, 2], [1, 2])).toBe(2)
  })

  it.each(['float32', 'int8'] as const)(
    'logits along texts are what the sampler chooses from, in %s',
    async (precision) => {
      const stored = { model: { ...MODEL, context: 64 }, weights: WEIGHTS }
      const prompts = [
        [1, 2, 3, 4],
        [4, 3, 1, 5],
      ]
      const options = { ...stored, rows: 2, capacity: 20, temperature: 0, precision }
      const sampler = await StoredSampler.create(options)
      const request = { samplesPerPrompt: 1, maximumNewTokens: 8, stopTokens: [], uniforms: new Float32Array() }
      const { completions } = await sampler.sample({ prompts, ...request })
      await sampler.close()
      const texts = completions.map((completion, index) => [...(prompts[index] ?? []), ...completion])
      const logits = await logitsAlong(stored, { texts, prompt: 4 }, precision)
      expect(logits.map((along) => along.map((row) => row.indexOf(Math.max(...row))))).toEqual(completions)
    },
  )

  it('docs/performance.md shows the stored results', async () => {
    const results = readQuality()
    if (results === null) throw new Error('results/bench-quality.json is missing; npm run bench -- quality writes it')
    const page = path.join(root, 'docs', 'performance.md')
    const table = await format(qualityTable(results), { ...(await resolveConfig(page)), filepath: page })
    expect(fs.readFileSync(page, 'utf8')).toContain(table)
  })
})

it('docs/performance.md shows the stored results, of at least ten pairs each', async () => {
  const results = readBench('train', row)
  if (results === null) throw new Error('results/bench-train.json is missing; npm run bench -- train writes it')
  expect(Math.min(...results.rows.map(({ pairs }) => pairs))).toBeGreaterThanOrEqual(10)
  const page = path.join(root, 'docs', 'performance.md')
  const table = await format(trainTable(results.rows), { ...(await resolveConfig(page)), filepath: page })
  expect(fs.readFileSync(page, 'utf8')).toContain(table)
})

it('time to score: until the first round that reaches the lower of the two last harmonic means', () => {
  const side = (name: string, harmonics: number[], seconds: number) => ({
    name,
    seconds: seconds * harmonics.length,
    around: 0,
    rounds: harmonics.map((harmonic, round) => ({ round, harmonic, elapsed: seconds * (round + 1), phases: {} })),
  })
  const [ours, peer] = [side('ours', [0.4, 0.7, 0.6], 10), side('theirs', [0.5, 0.55, 0.65], 20)]
  expect(secondsToScore({ ours, peer })).toEqual({ goal: 0.6, ours: 20, peer: 60 })
  expect(secondsToScore({ ours, peer: side('theirs', [0.1, 0.2], 20) })).toEqual({ goal: 0.2, ours: 10, peer: 40 })
})
