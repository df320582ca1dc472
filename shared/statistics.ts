/** Small statistics for reports: shares with intervals. */

/** Recalls of a binary judgement, each in 0..1; null where nothing was judged. An unreadable verdict counts as wrong. */
export interface Recalls {
  correct: number | null
  wrong: number | null
  mean: number | null
  harmonic: number | null
  /** Share of answers that could not be read. */
  invalid: number | null
  counts: { correct: number; wrong: number }
}

export function recalls(rows: readonly { label: string; verdict: string | null }[]): Recalls {
  const recall = (label: string): number | null => {
    const labelled = rows.filter((row) => row.label === label)
    return labelled.length === 0 ? null : labelled.filter((row) => row.verdict === label).length / labelled.length
  }
  const correct = recall('Correct')
  const wrong = recall('Incorrect')
  const both = correct !== null && wrong !== null
  return {
    correct,
    wrong,
    mean: both ? (correct + wrong) / 2 : null,
    harmonic: both ? (correct + wrong === 0 ? 0 : (2 * correct * wrong) / (correct + wrong)) : null,
    invalid: rows.length === 0 ? null : rows.filter((row) => row.verdict === null).length / rows.length,
    counts: {
      correct: rows.filter((row) => row.label === 'Correct').length,
      wrong: rows.filter((row) => row.label === 'Incorrect').length,
    },
  }
}

/** Wilson's 95 % interval of a share of `count` trials. */
export function wilson(share: number, count: number): [number, number] {
  if (count === 0) return [0, 1]
  const z = 1.96
  const centre = (share + (z * z) / (2 * count)) / (1 + (z * z) / count)
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count))
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}
