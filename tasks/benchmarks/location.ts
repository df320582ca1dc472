/**
 * Where is the first error? The protocol of ProcessBench (Zheng et al. 2024, arXiv 2412.06559, section 3.1):
 *
 *   a_wrong   share of the solutions with an error whose first error is named exactly
 *   a_correct share of the solutions without one of which the critic says so
 *   F1        2 · a_wrong · a_correct / (a_wrong + a_correct): a harmonic mean of two accuracies
 *
 * by subset; the headline is the plain mean over subsets. An unreadable critique counts as wrong, as in the authors' script.
 */
import { groupBy } from '../../shared/collections.ts'
import type { Data } from '../../shared/recipe.ts'
import { type Conclusion, type JudgedSolution, type Location, locate, type StepVerdicts } from './judged-solution.ts'
import { columns, type Estimate, estimate, estimateText, harmonicMean, meanOf, percent } from './tables.ts'

/** A solution's first error and where it was seen; steps count from 0. */
export interface Located {
  truth: number | null
  predicted: Location
}

export interface LocationScores {
  solutions: number
  /** Solutions with an error whose first error was named exactly. */
  wrong: Estimate
  /** Solutions without an error of which the critic said so. */
  correct: Estimate
  f1: number | null
  /** All solutions alike: the measure of BIG-Bench Mistake. */
  accuracy: Estimate
  unreadable: number | null
}

export function locationScores(located: readonly Located[]): LocationScores {
  const rightOf = (rows: readonly Located[]): Estimate =>
    estimate(rows.filter(({ truth, predicted }) => truth === predicted).length, rows.length)
  const wrong = rightOf(located.filter(({ truth }) => truth !== null))
  const correct = rightOf(located.filter(({ truth }) => truth === null))
  const unreadable = located.filter(({ predicted }) => predicted === 'unreadable').length
  return {
    solutions: located.length,
    wrong,
    correct,
    f1: harmonicMean(wrong.share, correct.share),
    accuracy: rightOf(located),
    unreadable: located.length === 0 ? null : unreadable / located.length,
  }
}

/** What a guess reaches that reads no solution. */
export type Floor = { accuracy: number | null; f1: number | null }

/**
 * The guesses that need no critic. The best constant is the one place (or “none”) that is right most often. Any constant has
 * an F1 of 0 where solutions of both kinds are there; so beside them stands the best coin between “none” and one step k:
 * with s the share of errors at k it says “none” with probability √s / (1 + √s), and its F1 is 2s / (1 + √s)².
 */
export function locationFloors(
  truths: readonly (number | null)[],
): Record<'always Correct' | 'always Incorrect' | 'best constant' | 'best coin', Floor> & { place: number | null } {
  const counts = groupBy(truths, (truth) => truth)
  const floor = (predicted: number | null): Floor => {
    const { accuracy, f1 } = locationScores(truths.map((truth) => ({ truth, predicted })))
    return { accuracy: accuracy.share, f1 }
  }
  const frequent = (places: readonly (number | null)[]): number | null =>
    places.toSorted((one, other) => {
      const difference = (counts.get(other)?.length ?? 0) - (counts.get(one)?.length ?? 0)
      return difference === 0 ? (one ?? -1) - (other ?? -1) : difference
    })[0] ?? null
  const place = frequent([...counts.keys()])
  return {
    'always Correct': floor(null),
    'always Incorrect': floor(0),
    'best constant': floor(place),
    'best coin': coin(truths, counts.get(frequent([...counts.keys()].filter((key) => key !== null)))?.length ?? 0),
    place,
  }
}

function coin(truths: readonly (number | null)[], most: number): Floor {
  const wrong = truths.filter((truth) => truth !== null).length
  if (wrong === 0 || wrong === truths.length) return { accuracy: null, f1: null }
  const root = Math.sqrt(most / wrong)
  const none = root / (1 + root)
  const right = none * (truths.length - wrong) + (1 - none) * most
  return { accuracy: right / truths.length, f1: (2 * root * root) / (1 + root) ** 2 }
}

export const locatedIn = (solutions: readonly JudgedSolution[], verdicts: readonly StepVerdicts[]): Located[] =>
  solutions.map(({ firstError, steps }, index) => ({
    truth: firstError,
    predicted: locate(verdicts[index] ?? [], steps.length),
  }))

/** The protocol by group, with its floors, and the mean over groups. */
export function concludeLocation(
  solutions: readonly JudgedSolution[],
  verdicts: readonly StepVerdicts[],
): Conclusion & { groups: Record<string, LocationScores> } {
  const located = locatedIn(solutions, verdicts)
  const byGroup = groupBy(
    located.map((row, index) => ({ ...row, group: solutions[index]?.group ?? '' })),
    ({ group }) => group,
  )
  const scored = [...byGroup].map(([group, rows]) => ({
    group,
    scores: locationScores(rows),
    floors: locationFloors(rows.map(({ truth }) => truth)),
  }))
  const whole = { scores: locationScores(located), floors: locationFloors(located.map(({ truth }) => truth)) }
  const mean = meanOf(scored.map(({ scores }) => scores.f1))
  const named = [...scored, ...(scored.length > 1 ? [{ group: 'all', ...whole }] : [])]
  const lines = [
    ...columns([
      ['first error', 'solutions', 'with an error', 'without', 'F1', 'accuracy', 'unreadable'],
      ...named.map(({ group, scores }) => [
        group,
        String(scores.solutions),
        estimateText(scores.wrong),
        estimateText(scores.correct),
        percent(scores.f1),
        estimateText(scores.accuracy),
        percent(scores.unreadable),
      ]),
    ]),
    ...(scored.length > 1 ? [`Mean F1 over ${scored.length} groups: ${percent(mean)}`] : []),
    ...named.map(({ group, floors }) => `Without a critic, ${group}: ${floorText(floors)}`),
  ]
  const numbers: Data = {
    mean_f1: mean,
    groups: Object.fromEntries(named.map(({ group, scores, floors }) => [group, { ...scoreData(scores), floors }])),
  }
  return { lines, numbers, groups: Object.fromEntries(scored.map(({ group, scores }) => [group, scores])) }
}

function floorText({ place, ...floors }: ReturnType<typeof locationFloors>): string {
  const texts = Object.entries(floors).map(([name, { accuracy, f1 }]) => {
    const what = name === 'best constant' ? `${name} (${place === null ? 'none' : `step ${place + 1}`})` : name
    return `${what}: accuracy ${percent(accuracy)}, F1 ${percent(f1)}`
  })
  return `${texts.join('; ')}.`
}

const scoreData = ({ wrong, correct, accuracy, ...rest }: LocationScores): Data => ({
  ...rest,
  wrong: { ...wrong },
  correct: { ...correct },
  accuracy: { ...accuracy },
})
