/** `npm run bench -- profile`: where the time of a training step, of reading prompts and of decoding goes. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { initialiseLlama, llamaLayout, loraLayout, StoredSampler } from '../engine/index.ts'
import { fromKeys } from '../engine/runtime/records.ts'
import { UserError } from '../shared/errors.ts'
import { compare, median } from './compare.ts'
import { PEAK, startPeak } from './peak.ts'
import { type Kind, KINDS, type Profile, readProfile } from './onnx-profile.ts'
import { loadNow, provenance } from './results.ts'
import { LONGEST, promptLengths, prompts } from './sample.ts'
import { trainingShapes, type TrainingShape } from './shapes.ts'
import { openTraining } from './training.ts'

const STEPS = 4
const NEW_TOKENS = 32
/** Rounds of the test of peak speed, before the work and after it. */
const PEAK_ROUNDS = 2

export const profileRow = z.object({
  shape: z.string(),
  work: z.enum(['training', 'prompts', 'decoding']),
  threads: z.number(),
  /** Of the batch; of prompts and decoding those decoded together. */
  batchRows: z.number(),
  /** Of one training step, one token of a prompt, one token of every row, with the profile on. */
  seconds: z.number(),
  /** How many times as long the call took with the profile on, which writes down every node. */
  slowdown: z.number(),
  /** Of all seconds that were measured, with the time between nodes and outside of the runtime they add up to 1. */
  share: z.record(z.enum(KINDS), z.number()),
  /** In the runtime, between nodes: choosing, allocating and recording them. */
  between: z.number(),
  /** In JavaScript: packing rows, feeding, copies of what comes out, caches. */
  outside: z.number(),
  /** Multiplications and additions per second of products with weights, and in attention. */
  speed: z.object({ weights: z.number(), attention: z.number() }),
  /** The same of the multiply-add test, on the clock, in the same minute. */
  peak: z.number(),
  /** The operators that take most, as shares. */
  operators: z.record(z.string(), z.number()),
  commit: z.string(),
  machine: z.string(),
  load: z.object({ before: z.number(), after: z.number() }),
})
export type ProfileRow = z.infer<typeof profileRow>

export const profileKey = ({ shape, work, threads, batchRows }: ProfileRow): string =>
  JSON.stringify([shape, threads, work === 'training' ? 0 : batchRows, work])

export interface ProfileOptions {
  readonly shapes: readonly string[]
  readonly threads: readonly number[]
  readonly batch: readonly number[]
  readonly say: (line: string) => void
}

type Measured = Pick<ProfileRow, 'work' | 'batchRows' | 'slowdown'> & {
  readonly profile: Profile
  /** On the clock, with what happens outside of the runtime; and how many steps or tokens they made. */
  readonly seconds: number
  readonly units: number
}

export async function benchProfile({ shapes, threads, batch, say }: ProfileOptions): Promise<ProfileRow[]> {
  const rows: ProfileRow[] = []
  const run = async (name: string, count: number, work: (folder: string) => Promise<Measured[]>): Promise<void> => {
    const found = await withPeak(count, work)
    for (const measured of found) {
      const line = rowOf(name, count, measured)
      say(summary(line))
      rows.push(line)
    }
  }
  for (const name of shapes) {
    const shape = trainingShapes[name]
    if (shape === undefined) {
      throw new UserError(`there is no shape '${name}'`, `choose from ${Object.keys(trainingShapes).join(', ')}`)
    }
    for (const count of threads) {
      await run(name, count, (folder) => profileTraining(shape, count, folder))
      for (const batchRows of batch)
        await run(name, count, (folder) => profileSampling(shape, count, batchRows, folder))
    }
  }
  return rows
}

async function profileTraining(shape: TrainingShape, threads: number, profile: string): Promise<Measured[]> {
  const secondsWith = async (options: { profile?: string }): Promise<number> => {
    const training = await openTraining({ ...shape, ...options, threads, stepsPerCall: STEPS })
    await training.steps(1)
    const seconds = await secondsOf(() => training.steps(STEPS))
    await training.close()
    return seconds
  }
  const plain = await secondsWith({})
  const seconds = await secondsWith({ profile })
  const { model, lora, batchRows } = shape
  const { size } = lora === undefined ? llamaLayout(model) : loraLayout(model, lora)
  const measured = { profile: readProfile(profile, 'training', size), seconds, units: STEPS }
  return [{ work: 'training', batchRows, slowdown: seconds / plain, ...measured }]
}

/** Reading and decoding take turns in one call; what happens outside of the runtime is counted as part of decoding. */
async function profileSampling(
  { model }: TrainingShape,
  threads: number,
  batchRows: number,
  profile: string,
): Promise<Measured[]> {
  const capacity = LONGEST + NEW_TOKENS
  const request = { samplesPerPrompt: 1, stopTokens: [], uniforms: new Float32Array() }
  const asked = { ...request, prompts: prompts(batchRows, model.vocabulary)(), maximumNewTokens: NEW_TOKENS }
  const weights = initialiseLlama(model, 'bench')
  const secondsWith = async (options: { profile?: string }): Promise<number> => {
    const sampler = await StoredSampler.create({
      ...options,
      model,
      weights,
      rows: batchRows,
      capacity,
      temperature: 0,
      threads,
    })
    await sampler.sample({ ...request, prompts: [[1, 2, 3]], maximumNewTokens: 2 })
    const seconds = await secondsOf(() => sampler.sample(asked))
    await sampler.close()
    return seconds
  }
  const plain = await secondsWith({})
  const seconds = await secondsWith({ profile })
  const [reading, decoding] = [readProfile(profile, 'prefill'), readProfile(profile, 'decode')]
  const read = promptLengths(batchRows).reduce((sum, length) => sum + length - 1, 0)
  const common = { batchRows, slowdown: seconds / plain }
  return [
    { ...common, work: 'prompts', profile: reading, seconds: reading.seconds, units: read },
    { ...common, work: 'decoding', profile: decoding, seconds: seconds - reading.seconds, units: NEW_TOKENS },
  ]
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

type Around = Pick<ProfileRow, 'peak' | 'load'>

async function withPeak(
  threads: number,
  work: (folder: string) => Promise<Measured[]>,
): Promise<(Measured & Around)[]> {
  const before = loadNow()
  const peak = await startPeak(threads)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-profile-'))
  try {
    const rounds = [...(await compare([peak], PEAK_ROUNDS)).rounds]
    const found = await work(folder)
    rounds.push(...(await compare([peak], PEAK_ROUNDS)).rounds)
    const speed = (peak.ready.flopPerRepeat ?? Number.NaN) / median(rounds.map((round) => round[PEAK]?.wall ?? NaN))
    const load = { before, after: loadNow() }
    return found.map((measured) => ({ ...measured, peak: speed, load }))
  } finally {
    await peak.stop()
    fs.rmSync(folder, { recursive: true })
  }
}

function rowOf(shape: string, threads: number, measured: Measured & Around): ProfileRow {
  const { work, batchRows, slowdown, profile, seconds, units, peak, load } = measured
  const { byKind, byOperator } = profile
  const share = fromKeys(KINDS, (kind) => byKind[kind].seconds / seconds)
  const inNodes = KINDS.reduce((sum, kind) => sum + byKind[kind].seconds, 0)
  const most = [...byOperator].toSorted(([, one], [, other]) => other - one).slice(0, 10)
  const speed = (kind: Kind): number => byKind[kind].flop / byKind[kind].seconds
  return {
    shape,
    work,
    threads,
    batchRows,
    seconds: seconds / units,
    slowdown,
    share,
    between: (profile.seconds - inNodes) / seconds,
    outside: (seconds - profile.seconds) / seconds,
    speed: { weights: speed('weights'), attention: speed('attention') },
    peak,
    operators: Object.fromEntries(most.map(([operator, spent]) => [operator, spent / seconds])),
    ...provenance(),
    load,
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`

function summary(row: ProfileRow): string {
  const { shape, work, batchRows, threads, operators } = row
  const most = Object.entries(operators).map(([operator, share]) => `${operator} ${percent(share)}`)
  return `${shape}, ${work} × ${batchRows}, ${threads} ${threads === 1 ? 'thread' : 'threads'}: ${most.join(', ')}`
}

/** The table that docs/performance.md shows. */
export function profileTable(rows: readonly ProfileRow[]): string {
  const header = [
    'shape',
    'work',
    'rows',
    'threads',
    'time',
    'slowed',
    'weights',
    'attention',
    'parameters',
    'elementwise',
  ]
  header.push('norms, positions, sums', 'moving', 'other nodes', 'between nodes', 'outside')
  const lines = rows.map((row) => {
    const product = (kind: 'weights' | 'attention'): string =>
      `${percent(row.share[kind])} at ${percent(row.speed[kind] / row.peak)}`
    const { parameters, elementwise, normalisation, movement, rest } = row.share
    return [
      row.shape,
      row.work,
      row.batchRows,
      row.threads,
      `${(1000 * row.seconds).toPrecision(3)} ms`,
      row.slowdown.toFixed(2),
      product('weights'),
      product('attention'),
      ...[parameters, elementwise, normalisation, movement, rest, row.between, row.outside].map(percent),
    ]
  })
  const table = [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const loads = rows.flatMap(({ load }) => [load.before, load.after])
  const peaks = rows.map(({ peak, threads }) => peak / threads / 1e9)
  return `${table}

Time: of one training step, one token of a prompt, one token of every row, with the profile on. Slowed: the call with the profile over the call without it. Weights: products with weights and one-hot rows; attention: products with keys and values, and softmax; both with their multiplications and additions per second over the peak of the same minute, ${Math.min(...peaks).toFixed(0)} to ${Math.max(...peaks).toFixed(0)} GFLOP/s a thread. Parameters: whatever goes over all of what is learnt at once, that is taking it apart, adding up gradients, clipping, AdamW. Outside: in JavaScript, copies of outputs and caches. Load average ${Math.min(...loads)}–${Math.max(...loads)}. Commit ${[...new Set(rows.map((row) => row.commit))].join(', ')}, ${[...new Set(rows.map((row) => row.machine))].join('; ')}.`
}
