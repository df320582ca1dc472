/**
 * Do a critic's votes mean what they say? Over single steps: `share` is the part of its readable votes that call the step
 * Incorrect, `wrong` whether it is. Expected calibration error (Guo et al. 2017, arXiv 1706.04599, equation 3), of the
 * probability of one class:
 *
 *   ECE = Σ over bins of n_b / N · |mean share in b − part of b that is wrong|
 */
export interface Voted {
  /** 0 to 1. */
  share: number
  wrong: boolean
}

export interface ReliabilityBin {
  /** The bin holds shares from `from` up to `to`; the last one also `to` itself. */
  from: number
  to: number
  count: number
  /** Null in an empty bin. */
  meanShare: number | null
  wrong: number | null
}

export interface Calibration {
  bins: ReliabilityBin[]
  /** Null where nothing was voted on. */
  expectedError: number | null
}

export function calibration(votes: readonly Voted[], bins = 10): Calibration {
  if (!Number.isInteger(bins) || bins < 1) throw new RangeError(`a table of ${bins} bins`)
  const outside = votes.find(({ share }) => !(share >= 0 && share <= 1))
  if (outside) throw new RangeError(`a share of votes of ${outside.share}`)
  const table = Array.from({ length: bins }, (_, bin): ReliabilityBin => {
    const inside = votes.filter(({ share }) => Math.min(bins - 1, Math.floor(share * bins)) === bin)
    const count = inside.length
    return {
      from: bin / bins,
      to: (bin + 1) / bins,
      count,
      meanShare: count === 0 ? null : inside.reduce((total, { share }) => total + share, 0) / count,
      wrong: count === 0 ? null : inside.filter(({ wrong }) => wrong).length / count,
    }
  })
  const gaps = table.map(({ count, meanShare, wrong }) => count * Math.abs((meanShare ?? 0) - (wrong ?? 0)))
  return {
    bins: table,
    expectedError: votes.length === 0 ? null : gaps.reduce((total, gap) => total + gap, 0) / votes.length,
  }
}
