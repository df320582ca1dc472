/** Results as lines for people. */
import { wilson } from '../../shared/statistics.ts'

export const percent = (share: number | null): string => (share === null ? '–' : `${(100 * share).toFixed(1)} %`)

/** A share of a count, with Wilson's 95 % interval. Null shares (nothing was judged) have no interval. */
export interface Estimate {
  share: number | null
  count: number
  interval: [number, number] | null
}

export function estimate(right: number, count: number): Estimate {
  return count === 0
    ? { share: null, count, interval: null }
    : { share: right / count, count, interval: wilson(right / count, count) }
}

export function estimateText({ share, interval }: Estimate): string {
  if (share === null || interval === null) return '–'
  return `${percent(share)} [${interval.map((end) => (100 * end).toFixed(1)).join(', ')}]`
}

/** Columns padded to their widest cell: the first to the left, numbers to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** Whatever two accuracies have in common; null where one of them is not there, 0 where both are 0. */
export function harmonicMean(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return null
  return one + other === 0 ? 0 : (2 * one * other) / (one + other)
}

/** The plain mean of what is there; null where nothing is. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null)
  return present.length === 0 ? null : present.reduce((total, value) => total + value, 0) / present.length
}
