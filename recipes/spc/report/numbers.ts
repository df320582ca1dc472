import { groupBy } from '../../../shared/collections.ts'
import type { ItemCount, ReportData, SuiteTally } from '../../../report/data.ts'
import { type Estimate, judged, type Judged, share, total } from '../../../report/estimates.ts'

/** Every number of the sections on judging, worked out from counts. docs/sql.md has a query for each of these functions. */

const versionsOf = (tallies: readonly SuiteTally[]): number[] =>
  [...new Set(tallies.map(({ version }) => version))].toSorted((a, b) => a - b)

const byCritic = (tallies: readonly SuiteTally[], suite: string): SuiteTally[] =>
  tallies.filter((tally) => tally.role === 'critic' && tally.suite === suite)

export interface CriticScores extends Judged {
  version: number
}

/** The critic of each round on one suite. Its version is the round that made it. */
export function scores(tallies: readonly SuiteTally[], suite: string): CriticScores[] {
  const rows = byCritic(tallies, suite)
  return versionsOf(rows).map((version) => ({ version, ...judged(rows.filter((row) => row.version === version)) }))
}

export interface Confusion {
  version: number
  /** Right steps: said Correct, Incorrect, nothing that can be read. */
  right: [number, number, number]
  /** Wrong steps, likewise. */
  wrong: [number, number, number]
}

export function confusions(tallies: readonly SuiteTally[], suite: string): Confusion[] {
  const rows = byCritic(tallies, suite)
  const line = (version: number, label: string): [number, number, number] => {
    const labelled = rows.filter((row) => row.version === version && row.label === label)
    const said = (verdict: string | null): number => total(labelled.filter((row) => row.verdict === verdict))
    return [said('Correct'), said('Incorrect'), said(null)]
  }
  return versionsOf(rows).map((version) => ({
    version,
    right: line(version, 'Correct'),
    wrong: line(version, 'Incorrect'),
  }))
}

export interface KindRecall {
  kind: string
  version: number
  recall: Estimate
}

/** The share of wrong steps caught, by the kind of error. */
export function kindRecalls(tallies: readonly SuiteTally[], suite: string): KindRecall[] {
  const wrong = byCritic(tallies, suite).filter(({ label }) => label === 'Incorrect')
  return [...groupBy(wrong, ({ kind }) => kind)].flatMap(([kind, rows]) =>
    versionsOf(rows).flatMap((version) => {
      const mine = rows.filter((row) => row.version === version)
      const recall = share(total(mine.filter(({ verdict }) => verdict === 'Incorrect')), total(mine))
      return recall ? [{ kind, version, recall }] : []
    }),
  )
}

export interface CrossTable {
  generators: number[]
  critics: number[]
  /** By generator: the share of its texts on test problems that are wrong steps indeed. */
  attack: Map<number, Estimate>
  /** By `generator/critic`: the share of those wrong steps that the critic calls Correct. */
  fooling: Map<string, Estimate>
}

/** `fields` of the counts: label. */
export function crossTable(tallies: readonly SuiteTally[], items: readonly ItemCount[]): CrossTable {
  const generatorOf = (name: string): number | null => {
    const [kind, version] = name.split('/')
    return kind === 'arena' && version !== undefined ? Number(version) : null
  }
  const attack = new Map<number, Estimate>()
  for (const [set, rows] of groupBy(items, (row) => row.set)) {
    const generator = generatorOf(set)
    const wrong = total(rows.filter(({ values }) => values[0] === 'Incorrect'))
    const rate = share(wrong, total(rows))
    if (generator !== null && rate) attack.set(generator, rate)
  }
  const fooling = new Map<string, Estimate>()
  const shown = tallies.filter((row) => generatorOf(row.suite) !== null && row.label === 'Incorrect')
  for (const [pair, rows] of groupBy(shown, ({ suite, version }) => `${generatorOf(suite)}/${version}`)) {
    const rate = share(total(rows.filter(({ verdict }) => verdict === 'Correct')), total(rows))
    if (rate) fooling.set(pair, rate)
  }
  return {
    generators: [...attack.keys()].toSorted((a, b) => a - b),
    critics: versionsOf(shown),
    attack,
    fooling,
  }
}

/** How the games of a round ended. */
export interface Outcomes {
  round: number
  invalid: number
  detected: number
  fooling: number
  attack: Estimate | null
  foolingRate: Estimate | null
}

export function outcomes(round: number, counts: { invalid: number; detected: number; fooling: number }): Outcomes {
  const { invalid, detected, fooling } = counts
  return {
    round,
    invalid,
    detected,
    fooling,
    attack: share(detected + fooling, invalid + detected + fooling),
    foolingRate: share(fooling, detected + fooling),
  }
}

/** The critic's harmonic mean on natural errors, in the first round and in the last: what the headline tells. */
export function firstAndLast({ tallies }: ReportData): { first: CriticScores; last: CriticScores } | null {
  const rows = scores(tallies, 'natural/test')
  const [first, last] = [rows[0], rows.at(-1)]
  return first && last ? { first, last } : null
}
