import { lineChart } from '../../../report/charts.ts'
import { numberOf, type RoundTimes } from '../../../report/data.ts'
import { exact } from '../../../report/estimates.ts'
import { digits, percent } from '../../../report/format.ts'
import type { Html } from '../../../report/html.ts'
import { table } from '../../../report/tables.ts'

/** Numbers of rounds as curves and as a table. They are computed from the probabilities of all answers: no intervals. */
export interface Column {
  /** What it is called. */
  name: string
  /** Its name among the numbers of a round. */
  number: string
  unit: 'share' | 'number'
}

export function curves(rounds: readonly RoundTimes[], title: string, columns: readonly Column[]): Html {
  return lineChart({
    title,
    along: 'round',
    ...(columns[0]?.unit === 'number' ? { written: digits } : {}),
    series: columns.map(({ name, number }) => ({
      name,
      points: rounds.flatMap((round) => {
        const value = numberOf(round, number)
        return value === null ? [] : [{ x: round.round, estimate: exact(Math.max(0, value)) }]
      }),
    })),
  })
}

/** At most so many rounds in a table: the first, the last, and others evenly between. */
const MOST_ROWS = 12

export function numbersTable(rounds: readonly RoundTimes[], caption: string, columns: readonly Column[]): Html {
  const every = Math.max(1, Math.ceil(rounds.length / MOST_ROWS))
  const shown = rounds.filter((_, index) => index % every === 0 || index === rounds.length - 1)
  return table({
    caption,
    head: ['round', ...columns.map(({ name }) => name)],
    rows: shown.map((round) => [
      round.round,
      ...columns.map(({ number, unit }) => {
        const value = numberOf(round, number)
        return unit === 'share' || value === null ? percent(value) : digits(value)
      }),
    ]),
  })
}

/** The first and the last value of a number, where there are any. */
export function ends(
  rounds: readonly RoundTimes[],
  number: string,
): { first: number; last: number; round: number } | null {
  const measured = rounds.flatMap((round) => {
    const value = numberOf(round, number)
    return value === null ? [] : [{ round: round.round, value }]
  })
  const [first, last] = [measured[0], measured.at(-1)]
  return first && last ? { first: first.value, last: last.value, round: last.round } : null
}
