/** `npm run bench -- train`: a training step (forward, backward, clipping, AdamW, in float32) against PyTorch's. */
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { UserError } from '../shared/errors.ts'
import { Candidate } from './candidate.ts'
import { compare, median } from './compare.ts'
import { PEAK, startPeak } from './peak.ts'
import { pythonPeer } from './python.ts'
import { loadNow, provenance, type Row, type Side, spreadOf } from './results.ts'
import { trainingFlop, trainingShapes } from './shapes.ts'

const size = z.number().int().positive()

/** What both sides are told. */
export const trainingPlan = z.object({
  model: z.object({
    vocabulary: size,
    width: size,
    layers: size,
    heads: size,
    keyValueHeads: size,
    hidden: size,
    ropeTheta: z.number(),
    context: size,
    normEpsilon: z.number(),
  }),
  batchRows: size,
  length: size,
  completionFrom: size,
  lora: z.object({ rank: size, alpha: z.number() }).optional(),
  threads: size,
  /** Of our side: optimizer steps of one call. */
  stepsPerCall: size,
  /** Of PyTorch's: whether torch.compile compiles the model. */
  compile: z.boolean(),
})

const OURS = 'sparring'
/** As an update makes them (activities/update.ts). */
const STEPS_PER_CALL = 8

export interface TrainOptions {
  readonly shapes: readonly string[]
  readonly threads: readonly number[]
  readonly pairs: number
  readonly compile: boolean
  readonly say: (line: string) => void
}

export async function benchTrain({ shapes, threads, pairs, compile, say }: TrainOptions): Promise<Row[]> {
  const rows: Row[] = []
  for (const shape of shapes) {
    for (const count of threads) {
      const row = await measure(shape, count, { pairs, compile })
      say(
        `${shape}, ${count} ${count === 1 ? 'thread' : 'threads'}, against ${row.peer.name}: ` +
          `${row.ratio.wall.median.toFixed(2)} of its time, ${row.ratio.cpu.median.toFixed(2)} of its processor time, ` +
          `${(row.share.cpu.median * 100).toFixed(0)} % of peak`,
      )
      rows.push(row)
    }
  }
  return rows
}

async function measure(
  name: string,
  threads: number,
  { pairs, compile }: { readonly pairs: number; readonly compile: boolean },
): Promise<Row> {
  const shape = trainingShapes[name]
  if (shape === undefined) {
    throw new UserError(`there is no shape '${name}'`, `choose from ${Object.keys(trainingShapes).join(', ')}`)
  }
  const plan = JSON.stringify({ ...shape, threads, compile, stepsPerCall: STEPS_PER_CALL })
  const peerName = compile ? 'torch.compile' : 'PyTorch eager'
  const before = loadNow()
  const peak = await startPeak(threads)
  const worker = fileURLToPath(new URL('./workers/train.ts', import.meta.url))
  const ours = await Candidate.start(OURS, process.execPath, ['--import', 'tsx', worker, plan])
  const peer = await Candidate.start(peerName, ...pythonPeer('train.py', ['torch'], [plan]))
  const { rounds, peakBytes } = await compare([peak, ours, peer], pairs)
  for (const candidate of [peak, ours, peer]) await candidate.stop()

  const flop = trainingFlop(shape)
  const peakFlop = peak.ready.flopPerRepeat ?? Number.NaN
  const seconds = (candidate: string, clock: 'wall' | 'cpu'): number[] =>
    rounds.map((round) => round[candidate]?.[clock] ?? Number.NaN)
  const byClock = (of: (clock: 'wall' | 'cpu') => readonly number[]): Row['ratio'] => ({
    wall: spreadOf(of('wall')),
    cpu: spreadOf(of('cpu')),
  })
  const side = ({ name: of, ready }: Candidate): Side => ({
    name: of,
    ...(ready.version === undefined ? {} : { version: ready.version }),
    ...byClock((clock) => seconds(of, clock)),
    peakBytes: peakBytes[of] ?? Number.NaN,
    ...(ready.buildSeconds === undefined ? {} : { buildSeconds: ready.buildSeconds }),
  })
  const over = (above: readonly number[], below: readonly number[]): number[] =>
    above.map((value, index) => value / (below[index] ?? Number.NaN))
  return {
    shape: name,
    threads,
    pairs,
    ours: side(ours),
    peer: side(peer),
    ratio: byClock((clock) => over(seconds(OURS, clock), seconds(peerName, clock))),
    tokens: shape.batchRows * (shape.length - 1),
    flop,
    peak: byClock((clock) => seconds(PEAK, clock).map((time) => peakFlop / time)),
    share: byClock((clock) => over(seconds(PEAK, clock), seconds(OURS, clock)).map((x) => (x * flop) / peakFlop)),
    ...provenance(),
    load: { before, after: loadNow() },
  }
}

/** The table that docs/performance.md shows. */
export function trainTable(rows: readonly Row[]): string {
  const header = ['shape', 'threads', 'against', 'time', 'processor time', 'tokens/s', 'of peak', 'memory', 'build']
  const ratio = ({ median: middle, low, high }: Row['ratio']['wall']): string =>
    `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`
  const lines = rows.map((row) => {
    const gigabytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(2)
    return [
      row.shape,
      row.threads,
      `${row.peer.name} ${row.peer.version?.split('+')[0] ?? ''}`.trim(),
      ratio(row.ratio.wall),
      ratio(row.ratio.cpu),
      `${Math.round(row.tokens / row.ours.wall.median)} / ${Math.round(row.tokens / row.peer.wall.median)}`,
      `${(100 * row.share.cpu.median).toFixed(0)} %`,
      `${gigabytes(row.ours.peakBytes)} / ${gigabytes(row.peer.peakBytes)} GB`,
      `${(row.ours.buildSeconds ?? Number.NaN).toFixed(1)} s`,
    ]
  })
  const table = [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const pairs = rows.map((row) => row.pairs)
  const loads = rows.flatMap(({ load }) => [load.before, load.after])
  const peaks = [...new Set(rows.map(({ threads }) => threads))].map((threads) => {
    const of = rows.filter((row) => row.threads === threads)
    return `${(median(of.map(({ peak }) => peak.cpu.median)) / 1e9).toFixed(0)} GFLOP/s per processor second with ${threads}`
  })
  return `${table}

Ours over the other's: medians and quartiles of ${Math.min(...pairs)} or more interleaved pairs. Tokens/s, memory: ours / the other's. Peak: ${peaks.join(', ')}. Load average ${Math.min(...loads)}–${Math.max(...loads)}. Commit ${[...new Set(rows.map((row) => row.commit))].join(', ')}, ${[...new Set(rows.map((row) => row.machine))].join('; ')}.`
}
