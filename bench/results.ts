/** What a benchmark leaves in results/bench-<name>.json, and reading and writing it. */
import fs from 'node:fs'
import os from 'node:os'
import { z } from 'zod'
import { commit, machine, resultsFile } from '../cli/results-file.ts'
import { groupBy } from '../shared/collections.ts'
import { quantile } from '../shared/statistics.ts'

export const spread = z.object({ median: z.number(), low: z.number(), high: z.number() })
export type Spread = z.infer<typeof spread>

const side = z.object({
  name: z.string(),
  version: z.string().optional(),
  /** Seconds of one repetition, on the clock and on the processor. */
  wall: spread,
  cpu: spread,
  peakBytes: z.number(),
  buildSeconds: z.number().optional(),
})
export type Side = z.infer<typeof side>

/** One line of a table: ours against one other program, on one shape, with one number of threads. */
export const row = z.object({
  shape: z.string(),
  threads: z.number(),
  pairs: z.number(),
  ours: side,
  peer: side,
  /** Our seconds over the other's, round by round. */
  ratio: z.object({ wall: spread, cpu: spread }),
  /** Tokens and float32 operations of one repetition. */
  tokens: z.number(),
  flop: z.number(),
  /** The multiply-add peak in the same rounds, in operations per second of the clock and of one processor. */
  peak: z.object({ wall: spread, cpu: spread }),
  /** Our operations per second over the peak's, round by round. */
  share: z.object({ wall: spread, cpu: spread }),
  commit: z.string(),
  machine: z.string(),
  /** Load average over one minute, before and after. */
  load: z.object({ before: z.number(), after: z.number() }),
})
export type Row = z.infer<typeof row>

interface Measured {
  readonly machine: string
}

export interface BenchResults<R> {
  readonly command: string
  readonly rows: R[]
}

/** Median and quartiles. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) }
}

export function provenance(): { commit: string; machine: string } {
  return { commit: commit(), machine: machine() }
}

export function loadNow(): number {
  return Math.round((os.loadavg()[0] ?? 0) * 100) / 100
}

const file = (name: string): string => resultsFile(`bench-${name}`)

/** Throws ZodError where a row is not one of `rowSchema`. */
export function readBench<R>(name: string, rowSchema: z.ZodType<R>): BenchResults<R> | null {
  if (!fs.existsSync(file(name))) return null
  const schema = z.object({ command: z.string(), rows: z.array(rowSchema) })
  return schema.parse(JSON.parse(fs.readFileSync(file(name), 'utf8')))
}

/** What a comparison on one machine is known by. */
export const comparisonKey = ({ shape, threads, peer }: Row): string => JSON.stringify([shape, threads, peer.name])

/** Rows in the place of those from the same kind of machine with the same key, among the others. */
export function mergeRows<R extends Measured>(before: readonly R[], rows: readonly R[], key: (row: R) => string): R[] {
  const known = (entry: R): string => JSON.stringify([entry.machine, key(entry)])
  const merged = new Map([...before, ...rows].map((entry) => [known(entry), entry]))
  return [...merged.values()].toSorted((a, b) => (known(a) < known(b) ? -1 : 1))
}

export function storeRows<R extends Measured>(
  name: string,
  rowSchema: z.ZodType<R>,
  command: string,
  rows: readonly R[],
  key: (row: R) => string,
): BenchResults<R> {
  const results = { command, rows: mergeRows(readBench(name, rowSchema)?.rows ?? [], rows, key) }
  storeResults(name, results)
  return results
}

/** A table for each kind of machine: seconds of two machines do not belong into one. */
export function byMachine<R extends Measured>(rows: readonly R[], table: (rows: readonly R[]) => string): string {
  return [...groupBy(rows, ({ machine: on }) => on).values()].map(table).join('\n\n')
}

export function storeResults(name: string, results: object): void {
  fs.writeFileSync(file(name), `${JSON.stringify(results, null, 2)}\n`)
}
