import { type Account, busyEngines, busyShare, total } from '../shared/accounting.ts'
import { groupBy } from '../shared/collections.ts'
import type { ReportData, RoundTimes, Section } from './data.ts'
import { duration, MISSING, percent, plural, short, whole } from './format.ts'
import { type Fragment, html } from './html.ts'
import { barred, table } from './tables.ts'

/** Seconds from a round's opening to its end; null while it is under way. */
export const wallSeconds = ({ startedAt, finishedAt }: RoundTimes): number | null =>
  finishedAt && (finishedAt.getTime() - startedAt.getTime()) / 1000

export interface PhaseLine extends Omit<Account, 'round' | 'phase'> {
  name: string
  /** Seconds by the clock. */
  byRound: Map<number, number>
}

/** Phases over all rounds, the longest first. */
export function phaseLines(accounts: readonly Account[]): PhaseLine[] {
  return [...groupBy(accounts, ({ phase }) => phase)]
    .flatMap(([name, of]): PhaseLine[] =>
      name === null ? [] : [{ name, ...total(of), byRound: new Map(of.map(({ round, seconds }) => [round, seconds])) }],
    )
    .toSorted((a, b) => b.seconds - a.seconds)
}

/** Rounds side by side; in a longer run the newest ones, which still fit a page. */
const MOST_ROUNDS = 8

export function timeSection({ accounts, workers }: ReportData): Section {
  const rounds = accounts.filter(({ phase }) => phase === null)
  const shown = rounds.slice(-MOST_ROUNDS)
  const all = total(rounds)
  const lines = phaseLines(accounts)
  const most = Math.max(...lines.map(({ seconds }) => seconds), 1e-9)
  return {
    id: 'time',
    title: 'Where the time went',
    body: html`<p>
        The rounds took ${duration(all.seconds)} by the clock, with
        ${plural(workers, 'worker process', 'worker processes')}. During ${percent(busyShare(all))} of that time at
        least one engine computed; ${engines(all)} engines did on the average. ${short(all.tokens)} tokens were sampled,
        scored or trained on.
      </p>
      ${table({
        caption:
          'Four parts add up to a round: an engine computed; none did, but rows or files were read or written; neither, but a worker made prompts of rows, rows of answers, or batches; no shard was under way (hand-over, report, pauses, interruptions). A round lasts until the next one opens.',
        head: ['round', 'by the clock', 'engine', 'storage', 'worker', 'between', 'engine share', 'engines'],
        rows: [
          ...shown.map((round) => [String(round.round), ...parts(round)]),
          ...(rounds.length > 1 ? [[html`<b>all rounds</b>`, ...parts(all)]] : []),
        ],
      })}
      ${table({
        caption:
          'Phases, from their first shard to their last, which may be side by side with those of others. Engines: how many computed for the phase at once, on the average.',
        head: [
          'phase',
          'seconds',
          'engines',
          'shards',
          'tokens',
          'tokens/s',
          ...shown.map(({ round }) => `round ${round}`),
        ],
        rows: lines.map((line) => [
          line.name,
          barred(duration(line.seconds), line.seconds / most),
          engines(line),
          whole(line.shards),
          short(line.tokens),
          line.tokens > 0 && line.seconds > 0 ? short(line.tokens / line.seconds) : MISSING,
          ...shown.map(({ round }) => duration(line.byRound.get(round) ?? null)),
        ]),
      })}`,
  }
}

const engines = (account: Pick<Account, 'engineSeconds' | 'seconds'>): string =>
  busyEngines(account)?.toFixed(2) ?? MISSING

function parts(account: Omit<Account, 'round' | 'phase'>): Fragment[] {
  const { seconds, engine, storage, worker, between } = account
  return [
    duration(seconds),
    ...[engine, storage, worker, between].map((part) => barred(duration(part), seconds > 0 ? part / seconds : 0)),
    percent(busyShare(account)),
    engines(account),
  ]
}
