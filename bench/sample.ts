/** `npm run bench -- sample`: tokens per second of StoredSampler beside node-llama-cpp and transformers. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { readPretrained } from '../engine/index.ts'
import { Candidate, type Measurement, measurement } from './candidate.ts'
import { compare, type Contestant, median } from './compare.ts'
import { llamaCppPeer } from './llama-cpp.ts'
import { PEAK, startPeak } from './peak.ts'
import { pythonPeer } from './python.ts'
import { loadNow, provenance, row, type Row, spreadOf } from './results.ts'
import { writeModels } from './sampled-models.ts'
import { randomTokens, samplingFlop } from './shapes.ts'

const SHORTEST = 128
export const LONGEST = 512
const NEW_TOKENS = 128
const OURS = 'sparring'

const size = z.number().int().positive()
const precisions = z.enum(['float32', 'int8'])

/** What a side is told at its start. */
export const samplingPlan = z.object({
  /** GGUF, of the weights in the precision of the decoding; for our side in float32. */
  file: z.string(),
  precision: precisions,
  threads: size,
  batchRows: size,
  /** Tokens of a row at most. */
  capacity: size,
})

/** What it is told to generate: `newTokens` tokens after each prompt, batch by batch. */
export const samplingTask = z.object({ batches: z.array(z.array(z.array(z.number()))), newTokens: size })

/** `of` their files: node-llama-cpp decodes in both precisions, transformers in float32. */
const peers = {
  'node-llama-cpp': { precisions: ['float32', 'int8'], command: llamaCppPeer },
  transformers: {
    precisions: ['float32'],
    command: (plan: object) =>
      pythonPeer('sample.py', ['torch', 'transformers', 'accelerate', 'gguf'], [JSON.stringify(plan)]),
  },
} as const
type PeerName = keyof typeof peers
export const samplingPeers = z.enum(['node-llama-cpp', 'transformers'])

const clocks = row.shape.ratio
/** A row whose tokens are the new ones. Its ratios are of seconds, for prompts and new tokens together. */
export const samplingRow = row.extend({
  model: z.string(),
  precision: precisions,
  batchRows: size,
  promptTokens: size,
  /** Of prompts and the first new token alone, and of the other new tokens: the difference to the whole. */
  reading: z.object({ ours: clocks, peer: clocks, ratio: clocks }),
  decoding: z.object({ ours: clocks, peer: clocks, ratio: clocks }),
})
export type SamplingRow = z.infer<typeof samplingRow>

export interface SampleOptions {
  readonly models: readonly string[]
  readonly precisions: readonly string[]
  readonly peers: readonly string[]
  readonly batch: readonly number[]
  readonly threads: readonly number[]
  readonly pairs: number
  readonly say: (line: string) => void
}

interface Case {
  readonly model: string
  readonly precision: z.infer<typeof precisions>
  readonly batchRows: number
  readonly threads: number
}

export async function benchSample(options: SampleOptions): Promise<SamplingRow[]> {
  const rows: SamplingRow[] = []
  for (const model of options.models) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-sample-'))
    try {
      writeModels(model, folder)
      for (const precision of options.precisions.map((name) => precisions.parse(name))) {
        const against = options.peers
          .map((name) => samplingPeers.parse(name))
          .filter((name) => peers[name].precisions.some((known) => known === precision))
        if (against.length === 0) continue
        for (const batchRows of options.batch) {
          for (const threads of options.threads) {
            const found = await measure({ model, precision, batchRows, threads }, folder, against, options.pairs)
            for (const line of found) options.say(summary(line))
            rows.push(...found)
          }
        }
      }
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  }
  return rows
}

async function measure(
  { model: name, precision, batchRows, threads }: Case,
  folder: string,
  against: readonly PeerName[],
  pairs: number,
): Promise<SamplingRow[]> {
  const before = loadNow()
  const exact = path.join(folder, 'float32.gguf')
  const { model } = await readPretrained(exact)
  const plan = { precision, threads, batchRows, capacity: LONGEST + NEW_TOKENS }
  const ourPlan = JSON.stringify({ ...plan, file: exact })
  const worker = fileURLToPath(new URL('./workers/sample.ts', import.meta.url))
  const peak = await startPeak(threads)
  const ours = await Candidate.start(OURS, process.execPath, ['--import', 'tsx', worker, ourPlan])
  const others: Candidate[] = []
  for (const peer of against) {
    const file = path.join(folder, `${precision}.gguf`)
    others.push(await Candidate.start(peer, ...peers[peer].command({ ...plan, file })))
  }
  const sides = [ours, ...others]
  const { rounds, peakBytes } = await compare(
    [peak, ...sides.flatMap((side) => tasks(side, batchRows, model.vocabulary))],
    pairs,
  )
  for (const candidate of [peak, ...sides]) await candidate.stop()

  const lengths = promptLengths(batchRows)
  const flop = samplingFlop(model, lengths, NEW_TOKENS)
  const peakFlop = peak.ready.flopPerRepeat ?? Number.NaN
  const byClock = (of: (clock: 'wall' | 'cpu') => readonly number[]): Row['ratio'] => ({
    wall: spreadOf(of('wall')),
    cpu: spreadOf(of('cpu')),
  })
  const seconds = (task: string, clock: 'wall' | 'cpu'): number[] =>
    rounds.map((round) => round[task]?.[clock] ?? Number.NaN)
  const parts = {
    whole: seconds,
    reading: (side: string, clock: 'wall' | 'cpu') => seconds(reading(side), clock),
    decoding: (side: string, clock: 'wall' | 'cpu') =>
      zipped(seconds(side, clock), seconds(reading(side), clock), (whole, read) => whole - read),
  }
  const share = (clock: 'wall' | 'cpu'): number[] =>
    zipped(seconds(PEAK, clock), seconds(OURS, clock), (one, our) => ((one / our) * flop) / peakFlop)
  const side = ({ name: of, ready }: Candidate): Row['ours'] => ({
    name: of,
    ...(ready.version === undefined ? {} : { version: ready.version }),
    ...byClock((clock) => seconds(of, clock)),
    peakBytes: Math.max(peakBytes[of] ?? Number.NaN, peakBytes[reading(of)] ?? Number.NaN),
    ...(ready.buildSeconds === undefined ? {} : { buildSeconds: ready.buildSeconds }),
  })
  return others.map((peer) => {
    const over = (part: keyof typeof parts): Row['ratio'] =>
      byClock((clock) => zipped(parts[part](OURS, clock), parts[part](peer.name, clock), (our, other) => our / other))
    const split = (part: keyof typeof parts): SamplingRow['reading'] => ({
      ours: byClock((clock) => parts[part](OURS, clock)),
      peer: byClock((clock) => parts[part](peer.name, clock)),
      ratio: over(part),
    })
    return {
      shape: `${name} ${precision} × ${batchRows}`,
      model: name,
      precision,
      batchRows,
      threads,
      pairs,
      ours: side(ours),
      peer: side(peer),
      ratio: over('whole'),
      reading: split('reading'),
      decoding: split('decoding'),
      promptTokens: lengths.reduce((sum, length) => sum + length, 0),
      tokens: batchRows * NEW_TOKENS,
      flop,
      peak: byClock((clock) => seconds(PEAK, clock).map((time) => peakFlop / time)),
      share: byClock(share),
      ...provenance(),
      load: { before, after: loadNow() },
    }
  })
}

const reading = (side: string): string => `${side}, prompts`

/** The two tasks of a side: prompts and new tokens, and prompts with one new token. No prompt comes twice in a process. */
function tasks(side: Candidate, batchRows: number, vocabulary: number): Contestant[] {
  const nextPrompts = prompts(batchRows, vocabulary)
  const task = (name: string, newTokens: number): Contestant => ({
    name,
    repeat: async (count): Promise<Measurement> => {
      const batches = Array.from({ length: count }, nextPrompts)
      return measurement.parse(await side.ask({ batches, newTokens }))
    },
  })
  return [task(side.name, NEW_TOKENS), task(reading(side.name), 1)]
}

/** Spread evenly over the lengths that are asked for; one row has the middle one. */
export function promptLengths(batchRows: number): number[] {
  if (batchRows === 1) return [(SHORTEST + LONGEST) / 2]
  return Array.from({ length: batchRows }, (_, index) =>
    Math.round(SHORTEST + ((LONGEST - SHORTEST) * index) / (batchRows - 1)),
  )
}

/** Batches of prompts, the same ones for every caller. */
export function prompts(batchRows: number, vocabulary: number): () => number[][] {
  const token = randomTokens(vocabulary)
  return () => promptLengths(batchRows).map((length) => Array.from({ length }, token))
}

function zipped(one: readonly number[], other: readonly number[], of: (a: number, b: number) => number): number[] {
  return one.map((value, index) => of(value, other[index] ?? Number.NaN))
}

/** How many times as many tokens in the same time: the ratio of seconds turned around. */
const faster = (ratio: Row['ratio']['wall']): string => (1 / ratio.median).toFixed(2)

function summary({ shape, threads, peer, ratio, reading: read, decoding }: SamplingRow): string {
  const times = (of: Row['ratio']): string => `${faster(of.wall)} (processor ${faster(of.cpu)})`
  return (
    `${shape}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, against ${peer.name}: ${times(ratio)} times as fast; ` +
    `prompts ${times(read.ratio)}, decoding ${times(decoding.ratio)}`
  )
}

/** The table that docs/performance.md shows. */
export function sampleTable(rows: readonly SamplingRow[]): string {
  const header = ['model', 'weights', 'rows', 'threads', 'against', 'tokens/s', 'speed', 'by processor time']
  header.push('prompts', 'decoding', 'of peak', 'memory')
  const spread = (ratio: Row['ratio']['wall']): string =>
    `${faster(ratio)} (${(1 / ratio.high).toFixed(2)}–${(1 / ratio.low).toFixed(2)})`
  const ordered = rows.toSorted(
    (a, b) =>
      a.model.localeCompare(b.model) ||
      a.precision.localeCompare(b.precision) ||
      a.peer.name.localeCompare(b.peer.name) ||
      a.threads - b.threads ||
      a.batchRows - b.batchRows,
  )
  const lines = ordered.map((entry) => {
    const speed = (seconds: Row['ratio']): number => Math.round(entry.tokens / seconds.wall.median)
    const gigabytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(2)
    return [
      entry.model,
      entry.precision,
      entry.batchRows,
      entry.threads,
      `${entry.peer.name} ${entry.peer.version ?? ''}`.trim(),
      `${speed(entry.ours)} / ${speed(entry.peer)}`,
      spread(entry.ratio.wall),
      spread(entry.ratio.cpu),
      faster(entry.reading.ratio.cpu),
      faster(entry.decoding.ratio.cpu),
      `${(100 * entry.share.cpu.median).toFixed(0)} %`,
      `${gigabytes(entry.ours.peakBytes)} / ${gigabytes(entry.peer.peakBytes)} GB`,
    ]
  })
  const table = [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const pairs = rows.map((entry) => entry.pairs)
  const loads = rows.flatMap(({ load }) => [load.before, load.after])
  return `${table}

Tokens/s: new tokens over the whole time, prompts included, ours / the other's. Speed: ours over the other's, medians and quartiles of ${Math.min(...pairs)} or more interleaved pairs. Prompts, decoding: the same of the two parts, by processor time. Of peak: multiplications and additions over the float32 peak of the same minutes, which was ${(median(rows.map(({ peak }) => peak.cpu.median)) / 1e9).toFixed(0)} GFLOP/s per processor second. Load average ${Math.min(...loads)}–${Math.max(...loads)}. Commit ${[...new Set(rows.map((entry) => entry.commit))].join(', ')}, ${[...new Set(rows.map((entry) => entry.machine))].join('; ')}.`
}
