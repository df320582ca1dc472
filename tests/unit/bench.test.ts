/** `npm run bench`: its arguments, its quantiles, and that the docs say what its results files say. */
import { deviceRow, devicesTable } from '../../bench/devices.ts'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { describe, expect, it } from 'vitest'
import { quantile } from '../../shared/statistics.ts'
import { logitsAlong } from '../../bench/decoding.ts'
import { isSum, sumPrompt, sums } from '../../bench/sums.ts'
import { divergence, equalStart, qualityTable, readQuality } from '../../bench/quality.ts'
import { byMachine, mergeRows, readBench, row } from '../../bench/results.ts'
import { factorOf, linesRow, linesTable } from '../../bench/lines.ts'
import { profileRow, profileTable } from '../../bench/profile.ts'
import { KINDS, readProfile, summarise } from '../../bench/onnx-profile.ts'
import { promptLengths } from '../../bench/sample.ts'
import { trainTable } from '../../bench/train.ts'
import { secondsToScore } from '../../bench/score.ts'
import { llamaLayout, StoredSampler, Trainer } from '../../engine/index.ts'
import { batchOf, MODEL, PLAN, WEIGHTS } from './engine/support.ts'

const root = path.resolve(import.meta.dirname, '..', '..')

describe('the command', () => {
  it.each([
    [['train', '--shapes', 'huge'], "no 'huge'"],
    [['train', '--pairs', '0'], 'positive integer'],
    [['train', '--threads', '1,many'], 'positive integer'],
    [['quality', '--model', 'nowhere.gguf'], 'no GGUF file nowhere.gguf'],
    [['sample', '--models', 'huge'], "no 'huge'"],
    [['sample', '--peers', 'vLLM'], "no 'vLLM'"],
    [['profile', '--shapes', 'huge'], "no 'huge'"],
    [['profile', '--batch', 'none'], 'positive integer'],
    [['lines', '--shapes', 'small'], "no 'small'"],
    [['fly'], "unknown command 'fly'"],
  ])('%j: exit code 2 and a message', (args, message) => {
    const command = ['--import', 'tsx', path.join('bench', 'main.ts'), ...args]
    const { status, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
    expect(stderr).toContain(message)
    expect(status).toBe(2)
  })
})

it('a row that is measured again takes the place of the one from the same kind of machine, and of no other', () => {
  const measured = (machine: string, shape: string, seconds: number) => ({ machine, shape, seconds })
  const before = [measured('A', 'tiny', 1), measured('A', 'medium', 2), measured('B', 'tiny', 3)]
  const merged = mergeRows(before, [measured('B', 'tiny', 4), measured('B', 'medium', 5)], ({ shape }) => shape)
  expect(merged.map(({ machine, shape, seconds }) => `${machine} ${shape} ${seconds}`)).toEqual([
    'A medium 2',
    'A tiny 1',
    'B medium 5',
    'B tiny 4',
  ])
  expect(byMachine(merged, (rows) => rows.map(({ seconds }) => seconds).join(' '))).toBe('2 1\n\n5 4')
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

  it('sums: each once, behind worked ones; a completion is right when its line is the result alone', () => {
    const all = sums()
    expect(new Set(all.map(({ left, right }) => `${left} + ${right}`)).size).toBe(400)
    const sum = { left: 7, right: 15 }
    expect(sumPrompt(sum, [{ left: 2, right: 3 }])).toBe('2 + 3 = 5\n7 + 15 =')
    expect([' 22\n8 + 1 = 9', ' 22', ' 222', ' 22 apples', ''].map((text) => isSum(sum, text))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
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
  const table = await format(byMachine(results.rows, trainTable), { ...(await resolveConfig(page)), filepath: page })
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

it('lines: the factor of a straight line through what was measured', () => {
  const cost = (size: number): [number, number] => [size, 3 * (1 + size / 96)]
  expect(factorOf([cost(33), cost(42), cost(66)])).toBeCloseTo(96, 9)
})

it('lines: docs/performance.md shows the stored results', async () => {
  const results = readBench('lines', linesRow)
  if (results === null) throw new Error('results/bench-lines.json is missing; npm run bench -- lines writes it')
  const page = path.join(root, 'docs', 'performance.md')
  const shown = await format(byMachine(results.rows, linesTable), { ...(await resolveConfig(page)), filepath: page })
  expect(fs.readFileSync(page, 'utf8')).toContain(`<!-- results:bench-lines -->\n\n${shown}`)
})

describe('profile', () => {
  const node = (op: string, ts: number, dur: number, inputs: number[][], output: number[]) => {
    const typed = (shape: number[]) => ({ float: shape })
    const args = { op_name: op, input_type_shape: inputs.map(typed), output_type_shape: [typed(output)] }
    return { name: `${op}_1_kernel_time`, ts, dur, args }
  }
  const run = (ts: number, dur: number) => ({ name: 'model_run', ts, dur, args: {} })
  const product = [
    [6, 4],
    [6, 5],
  ]

  it('counts nodes behind the first run by kind, what is inside a loop once, and the work of products', () => {
    const events = [
      node('Gemm', 5, 70, product, [4, 5]),
      run(0, 100),
      node('Gemm', 210, 20, product, [4, 5]),
      node('Gemm', 235, 10, [[3, 7]], [3, 2]),
      node(
        'FusedMatMul',
        250,
        5,
        [
          [2, 3, 7],
          [3, 7],
        ],
        [2, 3, 3],
      ),
      node('Mul', 260, 3, [[1000], [1]], [1000]),
      node('Mul', 265, 2, [[10]], [10]),
      node('Loop', 200, 80, [[1]], [1]),
      { name: 'SequentialExecutor::Execute', ts: 200, dur: 90, args: {} },
      run(200, 100),
    ]
    const { runs, seconds, byKind, byOperator } = summarise(events, 1000)
    expect([runs, seconds]).toEqual([1, 1e-4])
    expect(byKind.weights.seconds).toBeCloseTo(30e-6, 12)
    expect(byKind.weights.flop).toBeCloseTo(2 * 4 * 6 * 5 + 2 * 3 * 7 * 2, 9)
    expect(byKind.attention.flop).toBeCloseTo(2 * 2 * 3 * 7 * 3, 9)
    expect(byKind.parameters.seconds).toBeCloseTo(3e-6, 12)
    expect(byKind.elementwise.seconds).toBeCloseTo(2e-6, 12)
    expect([...byOperator.keys()]).not.toContain('Loop')
  })

  it('is what the runtime writes: nodes of a training and of decoding lie within their runs', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-profile-'))
    const { threads: _, ...plan } = PLAN
    const trainer = await Trainer.create({ ...plan, weights: WEIGHTS, profile: folder })
    await trainer.step([batchOf(1)])
    await trainer.step([batchOf(2), batchOf(3)])
    await trainer.close()
    const options = { model: MODEL, weights: WEIGHTS, rows: 2, capacity: 16, temperature: 0, profile: folder }
    const sampler = await StoredSampler.create(options)
    const request = { samplesPerPrompt: 1, maximumNewTokens: 4, stopTokens: [], uniforms: new Float32Array() }
    for (const prompt of [
      [1, 2, 3],
      [4, 5, 6, 7],
    ])
      await sampler.sample({ prompts: [prompt], ...request })
    await sampler.close()
    for (const graph of ['training', 'prefill', 'decode']) {
      const { runs, seconds, byKind } = readProfile(folder, graph, llamaLayout(MODEL).size)
      expect(runs, graph).toBe(1)
      const inNodes = KINDS.reduce((sum, kind) => sum + byKind[kind].seconds, 0)
      expect(inNodes / seconds, graph).toBeLessThanOrEqual(1)
      for (const kind of ['weights', 'attention'] as const) expect(byKind[kind].flop, graph).toBeGreaterThan(0)
      expect(byKind.parameters.seconds > 0, graph).toBe(graph === 'training')
    }
    expect(() => readProfile(folder, 'scoring')).toThrow("no profile of the graph 'scoring'")
    fs.rmSync(folder, { recursive: true })
  })

  it('docs/performance.md shows the stored results', async () => {
    const results = readBench('profile', profileRow)
    const page = path.join(root, 'docs', 'performance.md')
    const table = results === null ? 'Not measured yet.' : byMachine(results.rows, profileTable)
    const shown = await format(table, { ...(await resolveConfig(page)), filepath: page })
    expect(fs.readFileSync(page, 'utf8')).toContain(`<!-- results:bench-profile -->\n\n${shown}`)
  })

  it('needs a run behind the first', () => {
    expect(() => summarise([run(0, 1)])).toThrow('two runs at least')
  })
})

it('docs/performance.md shows what was measured of devices', async () => {
  const results = readBench('devices', deviceRow)
  if (results === null) throw new Error('results/bench-devices.json is missing; npm run bench -- devices writes it')
  const page = path.join(root, 'docs', 'performance.md')
  const shown = await format(byMachine(results.rows, devicesTable), { ...(await resolveConfig(page)), filepath: page })
  expect(fs.readFileSync(page, 'utf8')).toContain(`<!-- results:bench-devices -->\n\n${shown}`)
})
