/**
 * MR-Score (MR-GSM8K, Zeng et al. 2023, arXiv 2312.17080, section 4.2; the same in MR-Ben, arXiv 2406.13975):
 *
 *   0.2 · max(0, MCC) + 0.3 · step accuracy + 0.5 · reason accuracy
 *
 * MCC is the Matthews correlation of “is the solution right?”, with right as the positive class; the two accuracies are over the
 * wrong solutions. A reason is only looked at where the step is right, and by people or a judge model: a critic of steps
 * alone has no reason accuracy. So the score is given as the range it must lie in: from no reason right to each one right.
 * MR-GSM8K's script scores all solutions alike; MR-Ben's takes the plain mean of the subjects' scores.
 */
import { groupBy } from '../../shared/collections.ts'
import type { Data } from '../../shared/recipe.ts'
import type { Conclusion, JudgedSolution, StepVerdicts } from './judged-solution.ts'
import { type Located, locatedIn, locationFloors } from './location.ts'
import { columns, type Estimate, estimate, estimateText, meanOf, percent } from './tables.ts'

export const weights = { correctness: 0.2, step: 0.3, reason: 0.5 }

/** The least and the most that MR-Score can be; null where a part has no value. */
type ScoreRange = { least: number; most: number } | null

export interface MrScores {
  solutions: number
  /** -1 to 1; 0 where the critic says the same of all; null where all solutions are right, or all wrong. */
  mcc: number | null
  /** Over the wrong solutions. */
  step: Estimate
  score: ScoreRange
  unreadable: number | null
}

export function mrScores(located: readonly Located[]): MrScores {
  const wrong = located.filter(({ truth }) => truth !== null)
  const correct = located.filter(({ truth }) => truth === null)
  // An unreadable verdict is counted against the critic on either side, as in the authors' script.
  const truePositive = correct.filter(({ predicted }) => predicted === null).length
  const trueNegative = wrong.filter(({ predicted }) => typeof predicted === 'number').length
  const mcc = matthews(truePositive, trueNegative, wrong.length - trueNegative, correct.length - truePositive)
  const step = estimate(wrong.filter(({ truth, predicted }) => truth === predicted).length, wrong.length)
  const defined = wrong.length > 0 && correct.length > 0
  const least = weights.correctness * Math.max(0, mcc) + weights.step * (step.share ?? 0)
  return {
    solutions: located.length,
    mcc: defined ? mcc : null,
    step,
    score: defined ? { least, most: least + weights.reason * (step.share ?? 0) } : null,
    unreadable:
      located.length === 0
        ? null
        : located.filter(({ predicted }) => predicted === 'unreadable').length / located.length,
  }
}

/** 0 where a margin is empty, as scikit-learn has it. */
export function matthews(
  truePositive: number,
  trueNegative: number,
  falsePositive: number,
  falseNegative: number,
): number {
  const margins =
    (truePositive + falsePositive) *
    (truePositive + falseNegative) *
    (trueNegative + falsePositive) *
    (trueNegative + falseNegative)
  return margins === 0 ? 0 : (truePositive * trueNegative - falsePositive * falseNegative) / Math.sqrt(margins)
}

export function concludeMrScore(solutions: readonly JudgedSolution[], verdicts: readonly StepVerdicts[]): Conclusion {
  const located = locatedIn(solutions, verdicts)
  const byGroup = groupBy(
    located.map((row, index) => ({ ...row, group: solutions[index]?.group ?? '' })),
    ({ group }) => group,
  )
  const parts = [...byGroup, ...(byGroup.size > 1 ? [['all', located] as const] : [])]
  const scored = parts.map(([group, rows]) => ({ group, scores: mrScores(rows), floors: floorsOf(rows) }))
  const mean = meanScore([...byGroup.values()].map((rows) => mrScores(rows).score))
  const lines = [
    ...columns([
      ['MR-Score', 'solutions', 'MCC', 'first wrong step', 'MR-Score lies in', 'unreadable'],
      ...scored.map(({ group, scores: { solutions: count, mcc, step, score, unreadable } }) => [
        group,
        String(count),
        mcc === null ? '–' : mcc.toFixed(3),
        estimateText(step),
        rangeText(score),
        percent(unreadable),
      ]),
    ]),
    ...(byGroup.size > 1 ? [`Mean MR-Score over ${byGroup.size} groups lies in: ${rangeText(mean)}`] : []),
    'MR-Score needs a judge of the reasons, which is missing here: the range is from none right to all right.',
    ...scored.map(
      ({ group, floors }) =>
        `Without a critic, ${group}: ${Object.entries(floors)
          .map(([name, { mcc, step }]) => `${name}: MCC ${mcc?.toFixed(3) ?? '–'}, first wrong step ${percent(step)}`)
          .join('; ')}.`,
    ),
  ]
  const groups = scored.map(({ group, scores, floors }): [string, Data] => [
    group,
    { ...scores, step: { ...scores.step }, score: scores.score && { ...scores.score }, floors },
  ])
  return { lines, numbers: { groups: Object.fromEntries(groups), mean, missing: 'reason accuracy' } }
}

const rangeText = (range: ScoreRange): string =>
  range === null ? '–' : `${(100 * range.least).toFixed(1)} to ${(100 * range.most).toFixed(1)}`

/** Null where one of the groups has no score: a mean over the others would look like one over all. */
function meanScore(scores: readonly ScoreRange[]): ScoreRange {
  const present = scores.filter((score) => score !== null)
  const [least, most] = [meanOf(present.map((one) => one.least)), meanOf(present.map((one) => one.most))]
  return present.length < scores.length || least === null || most === null ? null : { least, most }
}

function floorsOf(located: readonly Located[]): Record<string, { mcc: number | null; step: number | null }> {
  const truths = located.map(({ truth }) => truth)
  const constant = (predicted: number | null): { mcc: number | null; step: number | null } => {
    const { mcc, step } = mrScores(truths.map((truth) => ({ truth, predicted })))
    return { mcc, step: step.share }
  }
  const { place } = locationFloors(truths.filter((truth) => truth !== null))
  return {
    'always Correct': constant(null),
    'always Incorrect': constant(0),
    [`best constant${place === null ? '' : ` (step ${place + 1})`}`]: constant(place),
  }
}
