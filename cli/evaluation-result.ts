/** What judgements add up to: scores with floors, what cannot be read, how far votes can be trusted, and differences of two policies. */
import { calibration, type Calibration } from '../shared/calibration.ts'
import { singleStepFloors } from '../tasks/benchmarks/single-step.ts'
import { columns, harmonicMean, meanOf, percent } from '../tasks/benchmarks/tables.ts'
import { bootstrapDifference, type Pair } from '../shared/bootstrap.ts'
import { groupBy } from '../shared/collections.ts'
import type { Data, EvaluationRow, Outcome } from '../shared/recipe.ts'
import { type Interval, meanOfTwo, pair, pairedDifference, recalls, wilson } from '../shared/statistics.ts'

export interface Conclusion {
  lines: string[]
  numbers: Data
}

type Line = Pick<EvaluationRow, 'label' | 'verdict'>
type Label = Outcome['label']
const labelOf = ({ label }: Pick<EvaluationRow, 'label'>): Label[] =>
  label === 'Correct' || label === 'Incorrect' ? [label] : []

/** A run's own suite of single steps: recalls, with the constants that need no critic. */
export function concludeSteps(rows: readonly Line[]): Conclusion {
  const { correct, wrong, mean, harmonic, invalid, counts } = recalls(rows)
  const floors = Object.entries(singleStepFloors(rows.flatMap(labelOf).map((label) => ({ label })))).map(
    ([name, floor]) => [name, { mean: floor.mean, harmonic: floor.harmonic }] as const,
  )
  return {
    lines: [
      `  right steps called right   ${withInterval(correct, counts.correct)}`,
      `  wrong steps called wrong   ${withInterval(wrong, counts.wrong)}`,
      `  mean ${number(mean)}   harmonic mean ${number(harmonic)}`,
      `  without a critic: ${floors
        .map(([name, floor]) => `${name}: mean ${number(floor.mean)}, harmonic ${number(floor.harmonic)}`)
        .join('; ')}`,
    ],
    numbers: { correct, wrong, mean, harmonic, invalid, counts: { ...counts }, floors: Object.fromEntries(floors) },
  }
}

/** Every labelled line by itself. */
export const outcomesOfLines = (rows: readonly Line[]): Outcome[] =>
  rows.flatMap((row) => labelOf(row).map((label) => ({ label, right: row.verdict === label })))

/** Above this share of lines without a verdict, scores say more of the format than of the critic. */
const MOST_UNREADABLE = 0.01

/** Lines without a verdict and, of votes, single answers without one. */
export function concludeUnreadable(rows: readonly Pick<EvaluationRow, 'verdict' | 'votes'>[]): Conclusion {
  const part = (all: readonly { verdict: string | null }[]) => {
    const unreadable = all.filter(({ verdict }) => verdict === null).length
    return { unreadable, of: all.length, share: all.length === 0 ? null : unreadable / all.length }
  }
  const lines = part(rows)
  const ballots = rows.flatMap(({ votes }) => votes ?? [])
  const votes = ballots.length === 0 ? null : part(ballots)
  const text = (what: string, { unreadable, of, share }: typeof lines): string =>
    `${unreadable} of ${of} ${what} (${percent(share)})`
  const said = [text('lines', lines), ...(votes ? [text('votes', votes)] : [])].join(', ')
  const warning = `Warning: more than ${percent(MOST_UNREADABLE)} of the lines have no verdict that can be read; each counts as wrong.`
  return {
    lines: [`  unreadable: ${said}`, ...((lines.share ?? 0) > MOST_UNREADABLE ? [`  ${warning}`] : [])],
    numbers: { ...lines, ...(votes ? { votes } : {}) },
  }
}

/** Over the labelled lines of which at least one vote can be read: the share of votes for Incorrect against the truth. */
export const calibrationOf = (rows: readonly Pick<EvaluationRow, 'label' | 'share'>[]): Calibration =>
  calibration(
    rows.flatMap((row) =>
      typeof row.share === 'number'
        ? labelOf(row).map((label) => ({ share: row.share!, wrong: label === 'Incorrect' }))
        : [],
    ),
  )

export function concludeCalibration({ bins, expectedError }: Calibration): Conclusion {
  return {
    lines: [
      ...columns([
        ['votes for Incorrect', 'steps', 'mean share', 'wrong'],
        ...bins
          .filter(({ count }) => count > 0)
          .map(({ from, to, count, meanShare, wrong }) => [
            `${Math.round(100 * from)} to ${Math.round(100 * to)} %`,
            String(count),
            percent(meanShare),
            percent(wrong),
          ]),
      ]),
      `expected calibration error ${number(expectedError)}`,
    ].map((line) => `  ${line}`),
    numbers: { expected_error: expectedError, bins: bins.map((bin) => ({ ...bin })) },
  }
}

/** The same for every comparison, so that it comes out the same again. With so many the ends are off by a fiftieth of the width. */
const RESAMPLING = { resamples: 2000, seed: 1 }

/** The first policy's share of right answers minus the second's, where nothing is wrong, where something is, and what both make together. */
export interface Difference {
  correct: Interval | null
  wrong: Interval | null
  mean: Interval | null
  /** Of the harmonic mean of both shares, which is ProcessBench's F1; over several groups of their plain mean, as in its headline. */
  f1: (Interval & { groups: number }) | null
  pairs: { correct: number; wrong: number; differing: number }
}

export function differenceOf(first: readonly Outcome[], second: readonly Outcome[]): Difference {
  const of = (label: Label) => {
    const right = (all: readonly Outcome[]): boolean[] =>
      all.filter((outcome) => outcome.label === label).map((outcome) => outcome.right)
    const [one, other] = [right(first), right(second)]
    return { count: one.length, difference: pairedDifference(pair(one, other)) }
  }
  const [correct, wrong] = [of('Correct'), of('Incorrect')]
  return {
    correct: correct.difference,
    wrong: wrong.difference,
    mean: correct.difference && wrong.difference && meanOfTwo(correct.difference, wrong.difference),
    f1: f1Difference(first, second),
    pairs: {
      correct: correct.count,
      wrong: wrong.count,
      differing: first.filter(({ right }, index) => right !== second[index]?.right).length,
    },
  }
}

/** Null where no group has things of both kinds. */
function f1Difference(first: readonly Outcome[], second: readonly Outcome[]): Difference['f1'] {
  const pairs = first.map(({ label, right, group = '' }, index) => ({
    label,
    group,
    pair: [right, second[index]?.right ?? false] as const,
  }))
  const strata = [...groupBy(pairs, ({ group }) => group).values()].flatMap((some): Pair[][] => {
    const kinds = (['Correct', 'Incorrect'] as const).map((label) => some.filter((one) => one.label === label))
    return kinds.some((kind) => kind.length === 0) ? [] : kinds.map((kind) => kind.map((one) => one.pair))
  })
  const groups = strata.length / 2
  const f1 = (shares: readonly number[]): number | null =>
    meanOf(
      Array.from({ length: groups }, (_, group) => harmonicMean(shares[2 * group] ?? 0, shares[2 * group + 1] ?? 0)),
    )
  const interval = bootstrapDifference(strata, f1, RESAMPLING)
  return interval && { ...interval, groups }
}

export function concludeDifference({ correct, wrong, mean, f1, pairs }: Difference): Conclusion {
  const plain = (interval: Interval | null): Data | null => interval && { ...interval }
  const name = f1 && f1.groups > 1 ? `F1, mean of ${f1.groups} groups` : 'F1 (harmonic mean)'
  const { resamples, seed } = RESAMPLING
  // Resamples of pairs that do not differ all say 0, which is no interval.
  const isDrawn = pairs.differing > 0
  const f1Text = isDrawn
    ? `${pointsOf(f1)}${f1 ? `, ${resamples} paired resamples, seed ${seed}` : ''}`
    : f1
      ? '+0.0 points, no pair differs'
      : '–'
  return {
    lines: [
      `  where nothing is wrong     ${pointsOf(correct)}, n = ${pairs.correct}`,
      `  where something is wrong   ${pointsOf(wrong)}, n = ${pairs.wrong}`,
      `  mean of both               ${pointsOf(mean)}`,
      `  ${name.padEnd(25)}  ${f1Text}`,
    ],
    numbers: {
      correct: plain(correct),
      wrong: plain(wrong),
      mean: plain(mean),
      f1: f1 && { ...f1, ...(isDrawn ? RESAMPLING : { low: null, high: null }) },
      pairs: { ...pairs },
    },
  }
}

const number = (value: number | null): string => (value === null ? '–' : value.toFixed(3))

function withInterval(share: number | null, count: number): string {
  if (share === null) return '–'
  const [low, high] = wilson(share, count)
  return `${share.toFixed(3)}  (95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}, n = ${count})`
}

function pointsOf(difference: Interval | null): string {
  if (difference === null) return '–'
  const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(100 * value).toFixed(1)}`
  const { value, low, high } = difference
  return `${signed(value)} points  (95 % interval ${signed(low)} to ${signed(high)})`
}
