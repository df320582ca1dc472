import { groupBy } from '../shared/collections.ts'
import type { PhaseCost, ReportData, RoundTimes, Section } from './data.ts'
import { duration, MISSING, plural, short, whole } from './format.ts'
import { html } from './html.ts'
import { barred, table } from './tables.ts'

/** Seconds from a round's opening to its end; null while it is under way. */
export const wallSeconds = ({ startedAt, finishedAt }: RoundTimes): number | null =>
  finishedAt && (finishedAt.getTime() - startedAt.getTime()) / 1000

export interface CostLine {
  name: string
  shards: number
  tokens: number
  seconds: number
  byRound: Map<number, number>
}

/** Phases, the costliest first. */
export function costLines(ledger: readonly PhaseCost[]): CostLine[] {
  return [...groupBy(ledger, ({ phase }) => phase)]
    .map(([name, costs]) => ({
      name,
      shards: sum(costs, ({ shards }) => shards),
      tokens: sum(costs, ({ tokens }) => tokens),
      seconds: sum(costs, ({ seconds }) => seconds),
      byRound: new Map(costs.map(({ round, seconds }) => [round, seconds])),
    }))
    .toSorted((a, b) => b.seconds - a.seconds)
}

/** Rounds side by side; in a longer run the newest ones, which still fit a page. */
const MOST_ROUNDS = 8

export function timeSection({ rounds, ledger, workers }: ReportData): Section {
  const lines = costLines(ledger)
  const shown = rounds.slice(-MOST_ROUNDS)
  const seconds = sum(lines, (line) => line.seconds)
  const tokens = sum(lines, (line) => line.tokens)
  const wall = sum(rounds, (round) => wallSeconds(round) ?? 0)
  const most = Math.max(...lines.map((line) => line.seconds), 1e-9)
  const rate = (count: number, time: number): string => (count > 0 && time > 0 ? short(count / time) : MISSING)
  return {
    id: 'time',
    title: 'Where the time went',
    body: html`<p>
        The finished rounds took ${duration(wall)} by the clock.
        ${plural(workers, 'worker process', 'worker processes')} computed ${duration(seconds)} of shards side by side,
        and ${short(tokens)} tokens were sampled or trained on. A shard's seconds include its wait for a free engine.
      </p>
      ${table({
        head: ['phase', 'seconds', 'shards', 'tokens', 'tokens/s', ...shown.map(({ round }) => `round ${round}`)],
        rows: [
          ...lines.map((line) => [
            line.name,
            barred(duration(line.seconds), line.seconds / most),
            whole(line.shards),
            short(line.tokens),
            rate(line.tokens, line.seconds),
            ...shown.map(({ round }) => duration(line.byRound.get(round) ?? null)),
          ]),
          [
            html`<b>all shards</b>`,
            duration(seconds),
            whole(sum(lines, ({ shards }) => shards)),
            short(tokens),
            rate(tokens, seconds),
            ...shown.map(({ round }) => duration(sum(lines, ({ byRound }) => byRound.get(round) ?? 0))),
          ],
          [
            html`<b>by the clock</b>`,
            duration(wall),
            '',
            '',
            rate(tokens, wall),
            ...shown.map((round) => duration(wallSeconds(round))),
          ],
        ],
      })}`,
  }
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0)
