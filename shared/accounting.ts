/**
 * Where the time of a round, or of one phase of it, went. Four parts that add up to its seconds by the clock: `engine`,
 * `storage`, `worker` and `between`. What happens side by side is counted once, for the first of these that fits.
 */
export interface Account {
  round: number
  /** Null for the round as a whole. All suites of a kind are one phase: `evaluate arena/2 critic@1` is part of `evaluate arena`. */
  phase: string | null
  shards: number
  rows: number
  tokens: number
  /** By the clock. A round lasts until the next one opens, and the last one until the run ends; a phase, from its first shard to its last. */
  seconds: number
  /** At least one engine computed. */
  engine: number
  /** No engine computed; rows or files were read or written. */
  storage: number
  /** Neither; shards were under way, whose worker made prompts of rows and rows of answers, or prepared batches. */
  worker: number
  /** No shard was under way: Temporal handed work over, the report was written; pauses and interruptions. */
  between: number
  /** The engines' seconds added up, so that two at once count twice. */
  engineSeconds: number
}

/** The share of the time in which at least one engine computed. */
export const busyShare = ({ engine, seconds }: Pick<Account, 'engine' | 'seconds'>): number | null =>
  seconds > 0 ? engine / seconds : null

/** How many engines computed at once, on the average. */
export const busyEngines = ({ engineSeconds, seconds }: Pick<Account, 'engineSeconds' | 'seconds'>): number | null =>
  seconds > 0 ? engineSeconds / seconds : null

/** Several accounts as one, for example those of all rounds. */
export function total(accounts: readonly Account[]): Omit<Account, 'round' | 'phase'> {
  const sum = (of: (account: Account) => number): number => accounts.reduce((so, account) => so + of(account), 0)
  return {
    shards: sum(({ shards }) => shards),
    rows: sum(({ rows }) => rows),
    tokens: sum(({ tokens }) => tokens),
    seconds: sum(({ seconds }) => seconds),
    engine: sum(({ engine }) => engine),
    storage: sum(({ storage }) => storage),
    worker: sum(({ worker }) => worker),
    between: sum(({ between }) => between),
    engineSeconds: sum(({ engineSeconds }) => engineSeconds),
  }
}
