/**
 * `npm run bench -- lines`: what a token of a training step costs in lines of several sizes, all of them full. Attention's cost grows
 * with the line: bestLineSize (engine/training/packing.ts) takes it for 1 + size / f of that of an endless row of lines of no size,
 * and f is found here.
 */
import { z } from 'zod'
import { compare, type Contestant } from './compare.ts'
import { loadNow, provenance, spread, spreadOf } from './results.ts'
import { smolModel, tinyModel } from './shapes.ts'
import { openTraining, type Training } from './training.ts'

/** Of one batch: two parts, as a step has several. */
const PARTS = 2
const TOKENS_PER_PART = 1024

/** Models of bench/shapes.ts, tokens of the lines, and what part of a line is not learnt from. */
const measured = {
  tiny: { model: tinyModel, lora: undefined, sizes: [33, 42, 66], prompt: 0, stepsPerCall: 8 },
  lora: { model: smolModel, lora: { rank: 16, alpha: 32 }, sizes: [192, 320, 448], prompt: 0.5, stepsPerCall: 1 },
} as const
export const linedShape = z.enum(['tiny', 'lora'])
type LinedShape = z.infer<typeof linedShape>

export const linesRow = z.object({
  shape: linedShape,
  width: z.number(),
  rounds: z.number(),
  /** Seconds of the processor for one token, by line size. */
  lines: z.array(z.object({ size: z.number(), seconds: spread })),
  factor: z.number(),
  commit: z.string(),
  machine: z.string(),
  load: z.object({ before: z.number(), after: z.number() }),
})
export type LinesRow = z.infer<typeof linesRow>

export const linesKey = ({ shape }: LinesRow): string => shape

export async function benchLines(shape: LinedShape, count: number): Promise<LinesRow> {
  const before = loadNow()
  const { model, lora, sizes, prompt, stepsPerCall } = measured[shape]
  const sides: { size: number; tokens: number; training: Training; contestant: Contestant }[] = []
  for (const size of sizes) {
    const batchRows = PARTS * Math.max(1, Math.floor(TOKENS_PER_PART / size))
    const rows = { model, lora, batchRows, length: size + 1, completionFrom: 1 + Math.floor(prompt * size) }
    const training = await openTraining({ ...rows, threads: 1, stepsPerCall })
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
  const factor = factorOf(lines.map(({ size, seconds }) => [size, seconds.median] as const))
  const { width } = model
  return { shape, width, rounds: count, lines, factor, ...provenance(), load: { before, after: loadNow() } }
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
export function linesTable(rows: readonly LinesRow[]): string {
  const microseconds = (seconds: number): string => (1e6 * seconds).toFixed(1)
  const shown = rows.flatMap(({ shape, width, lines, factor }) =>
    lines.map(({ size, seconds: { median, low, high } }) => {
      const time = `${microseconds(median)} (${microseconds(low)}–${microseconds(high)})`
      return `| ${shape} | ${size} | ${time} | ${factor.toFixed(0)}, ${(factor / width).toFixed(2)} · width |`
    }),
  )
  const rounds = rows.map((row) => `${row.rounds} (${row.shape})`).join(', ')
  const loads = rows.flatMap(({ load }) => [load.before, load.after])
  const commits = [...new Set(rows.map(({ commit }) => commit))].join(', ')
  return `| shape | tokens of a line | µs for a token | f |
| --- | --- | --- | --- |
${shown.join('\n')}

The line through those of a shape is c · (1 + size / f). Processor time, medians and quartiles of interleaved rounds: ${rounds}. One thread. Load average ${Math.min(...loads)}–${Math.max(...loads)}. Commit ${commits}, ${rows[0]?.machine ?? ''}.`
}
