/** Interleaved comparison: every round measures each candidate once, so that what else the machine does falls on all alike. */
import { quantile } from '../shared/statistics.ts'
import type { Measurement } from './candidate.ts'

/** A slot lasts at least this long, so that clocks and wake-ups do not count. */
const SLOT_SECONDS = 0.5

/** What takes part: a program, or one of the tasks that a program is given. */
export interface Contestant {
  readonly name: string
  readonly repeat: (count: number) => Promise<Measurement>
}

export interface Round {
  /** Seconds of one repetition, by candidate. */
  readonly [candidate: string]: { readonly wall: number; readonly cpu: number }
}

export interface Comparison {
  readonly rounds: readonly Round[]
  readonly peakBytes: Readonly<Record<string, number>>
}

/** `rounds` rounds over the candidates; the order turns around from one round to the next. */
export async function compare(candidates: readonly Contestant[], rounds: number): Promise<Comparison> {
  const repeats = new Map<Contestant, number>()
  for (const candidate of candidates) {
    const { wall } = await candidate.repeat(1)
    repeats.set(candidate, Math.max(1, Math.ceil(SLOT_SECONDS / wall)))
  }
  const found: Round[] = []
  const peakBytes: Record<string, number> = {}
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? candidates : candidates.toReversed()
    const measured: Record<string, Measurement> = {}
    for (const candidate of order) {
      const count = repeats.get(candidate) ?? 1
      const { wall, cpu, peakBytes: bytes } = await candidate.repeat(count)
      measured[candidate.name] = { wall: wall / count, cpu: cpu / count, peakBytes: bytes }
      peakBytes[candidate.name] = Math.max(bytes, peakBytes[candidate.name] ?? 0)
    }
    found.push(measured)
  }
  return { rounds: found, peakBytes }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}
