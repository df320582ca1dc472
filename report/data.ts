import type { Account } from '../shared/accounting.ts'
import type { Data, EpisodeRow, TurnRow } from '../shared/recipe.ts'
import type { Tally } from './estimates.ts'
import type { Html } from './html.ts'

/** What the report knows of a run: counts and sums, read once, whatever the recipe. docs/sql.md holds their queries. */
export interface ReportData {
  run: {
    name: string
    recipe: string
    seed: number
    config: Data
    state: string
    provenance: Data
    createdAt: Date
    finishedAt: Date | null
  }
  rounds: RoundTimes[]
  policies: PolicyLine[]
  /** Where the time went: rounds and their phases. */
  accounts: Account[]
  /** Training curves, at most 80 points each. */
  metrics: MetricPoint[]
  tallies: SuiteTally[]
  controls: { kind: string; data: Data; round: number; at: Date }[]
  /** Different worker processes that the ledger names. */
  workers: number
}

export interface RoundTimes {
  round: number
  score: number | null
  /** What the recipe's summary of the round came to (Recipe.summarise); null until the round is finished. */
  numbers: Data | null
  startedAt: Date
  finishedAt: Date | null
}

/** One number of a round's summary; null where the round has none of that name. */
export function numberOf({ numbers }: RoundTimes, name: string): number | null {
  const value = numbers?.[name]
  return typeof value === 'number' ? value : null
}

export interface PolicyLine {
  role: string
  version: number
  round: number
  course: string
  sha256: string
  bytes: number
  lesson: Data
}

export interface MetricPoint {
  role: string
  version: number
  name: string
  step: number
  value: number
}

export interface SuiteTally extends Tally {
  suite: string
  role: string
  version: number
  kind: string
}

/** A turn without its texts: enough to choose games by. */
export type JudgedTurn = Pick<TurnRow, 'round' | 'episode' | 'turn' | 'role' | 'version' | 'verdict' | 'reward'>

export interface RoundGames {
  round: number
  episodes: EpisodeRow[]
  /** Turns that got a verdict or a reward. */
  turns: JudgedTurn[]
}

/** Which update learned from a turn. */
export interface Consumption {
  round: number
  episode: number
  turn: string
  role: string
  version: number
}

export interface ItemCount {
  round: number
  set: string
  /** The values of the fields asked for, in their order. */
  values: (string | null)[]
  count: number
}

/** Where sections get games from: one round at a time, so that the report of a long run needs no more memory than a short one's. */
export interface GameSource {
  games(round: number): Promise<RoundGames>
  /** Everything said in some games. */
  turns(episodes: readonly { round: number; episode: number }[]): Promise<TurnRow[]>
  consumptions(episodes: readonly { round: number; episode: number }[]): Promise<Consumption[]>
  /** Items counted by the given fields of their data. */
  countItems(fields: readonly string[]): Promise<ItemCount[]>
}

export interface Section {
  id: string
  title: string
  body: Html
}

/** A recipe's part of the report: what the run came to, in a few sentences, and the sections that its numbers need. */
export interface RecipeReport {
  headline: Html
  sections: Section[]
  /** The run's configuration in the order of the recipe's schema, which the database does not keep. */
  config: Data
}

export type DescribeRun = (data: ReportData, source: GameSource) => Promise<RecipeReport>
