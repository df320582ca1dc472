import { logistic } from '../../tasks/pair-judge.ts'

/**
 * The reward model of the baselines (Bradley and Terry 1952): P(left > right) = σ(θ · (f(left) - f(right))), fitted by
 * maximum likelihood to the shares of wins that were told.
 */
export interface Comparison {
  /** f(left) - f(right). */
  difference: readonly number[]
  /** The share of wins of the left answer. */
  wins: number
}

/** Keeps the scores finite where one answer always won: the weight of ½ |θ|² beside the mean log-likelihood. */
const RIDGE = 1e-4
const STEPS = 50

/** Newton's method; the log-likelihood is concave, so it ends at the one maximum. */
export function fitBradleyTerry(comparisons: readonly Comparison[]): number[] {
  const size = comparisons[0]?.difference.length ?? 0
  let weights = Array.from({ length: size }, () => 0)
  for (let step = 0; step < STEPS; step++) {
    const gradient = weights.map((weight) => -RIDGE * weight)
    const curvature = weights.map((_, row) => weights.map((_one, column) => (row === column ? RIDGE : 0)))
    for (const { difference, wins } of comparisons) {
      const predicted = logistic(dot(weights, difference))
      difference.forEach((value, row) => {
        if (value === 0) return
        gradient[row]! += ((wins - predicted) * value) / comparisons.length
        difference.forEach((other, column) => {
          curvature[row]![column]! += (predicted * (1 - predicted) * value * other) / comparisons.length
        })
      })
    }
    const move = solve(curvature, gradient)
    const length = Math.hypot(...move)
    // Far from the maximum the parabola is a poor picture of a logistic: short steps stay on the way up.
    weights = weights.map((weight, index) => weight + move[index]! * Math.min(1, 4 / Math.max(length, 1e-12)))
    if (length < 1e-9) break
  }
  return weights
}

export const dot = (left: readonly number[], right: readonly number[]): number =>
  left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0)

/** x of A x = b, A symmetric and positive definite: Gauss's elimination needs no pivots there. */
function solve(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, index) => [...row, right[index] ?? 0])
  rows.forEach((pivot, at) => {
    for (const row of rows.slice(at + 1)) {
      const factor = row[at]! / pivot[at]!
      for (let column = at; column < row.length; column++) row[column]! -= factor * pivot[column]!
    }
  })
  const found = right.map(() => 0)
  for (let at = rows.length - 1; at >= 0; at--) {
    const row = rows[at]!
    found[at] = (row.at(-1)! - dot(row.slice(at + 1, -1), found.slice(at + 1))) / row[at]!
  }
  return found
}
