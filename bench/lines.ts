/**
 * `npm run bench -- lines`: what a token of a training step costs in lines of several sizes, all of them full. Attention's cost grows
 * with the line: bestLineSize (engine/training/packing.ts) takes it for 1 + size / (factor · width) of that of an endless row of
 * lines of no size, and the factor is found here.
 */
import { z } from 'zod'
import { compare, type Contestant } from './compare.ts'
import { loadNow, provenance, spread, spreadOf } from './results.ts'
import { tinyModel } from './shapes.ts'
import { openTraining, type Training } from './training.ts'

/** Of one batch: two parts, as a step has several. */
const PARTS = 2
const TOKENS_PER_PART = 1024

export const linesResults = z.object({
  command: z.string(),
  width: z.number(),
  rounds: z.number(),
  /** Seconds of the processor for one token, by line size. */
  lines: z.array(z.object({ size: z.number(), seconds: spread })),
  factor: z.number(),
  commit: z.string(),
  machine: z.string(),
  load: z.object({ before: z.number(), after: z.number() }),
})
export type LinesResults = z.infer<typeof linesResults>

export interface LinesOptions {
  readonly sizes: readonly number[]
  readonly rounds: number
  readonly command: string
}

export async function benchLines({ sizes, rounds: count, command }: LinesOptions): Promise<LinesResults> {
  const before = loadNow()
  const sides: { size: number; tokens: number; training: Training; contestant: Contestant }[] = []
  for (const size of sizes) {
    const batchRows = PARTS * Math.max(1, Math.floor(TOKENS_PER_PART / size))
    const shape = { model: tinyModel, batchRows, length: size + 1, completionFrom: 1 }
    const training = await openTraining({ ...shape, threads: 1, stepsPerCall: 8 })
    sides.push({ size, tokens: batchRows * size, training, contestant: inThisProcess(String(size), training) })
  }
  const { rounds } = await compare(
    sides.map(({ contestant }) => contestant),
    count,
  )
  for (const { training } of sides) await training.close()
  const lines = sides.map(({ size, tokens }) => ({
    size,
    seconds: spreadOf(rounds.map((round) => (round[size]?.cpu ?? Number.NaN) / tokens)),
  }))
  const { width } = tinyModel
  const factor = factorOf(lines.map(({ size, seconds }) => [size, seconds.median] as const)) / width
  return { command, width, rounds: count, lines, factor, ...provenance(), load: { before, after: loadNow() } }
}

function inThisProcess(name: string, training: Training): Contestant {
  return {
    name,
    repeat: async (count) => {
      const [began, used] = [performance.now(), process.cpuUsage()]
      await training.steps(count)
      const { user, system } = process.cpuUsage(used)
      const wall = (performance.now() - began) / 1000
      return { wall, cpu: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1024 }
    },
  }
}

/** f of the straight line c · (1 + size / f) through (size, seconds), by least squares. */
export function factorOf(points: readonly (readonly [size: number, seconds: number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [middle, height] = [mean(points.map(([size]) => size)), mean(points.map(([, seconds]) => seconds))]
  const above = points.reduce((sum, [size, seconds]) => sum + (size - middle) * (seconds - height), 0)
  const slope = above / points.reduce((sum, [size]) => sum + (size - middle) ** 2, 0)
  return (height - slope * middle) / slope
}

/** What docs/performance.md shows. */
export function linesTable({ width, rounds, lines, factor, commit, machine, load }: LinesResults): string {
  const microseconds = (seconds: number): string => (1e6 * seconds).toFixed(2)
  const rows = lines.map(
    ({ size, seconds: { median, low, high } }) =>
      `| ${size} | ${microseconds(median)} (${microseconds(low)}–${microseconds(high)}) |`,
  )
  return `| tokens of a line | µs for a token |
| --- | --- |
${rows.join('\n')}

The line through these is c · (1 + size / (${factor.toFixed(2)} · width)). Processor time, medians and quartiles of ${rounds} interleaved rounds; width ${width}, one thread. Load average ${load.before}–${load.after}. Commit ${commit}, ${machine}.`
}
