/**
 * Is this one step right? The protocol of SPC (Chen et al. 2025, arXiv 2504.19162, section 4.1 and appendix C.1): as many
 * right steps as wrong ones, each with its problem and the steps before it; what comes after it is cut. Scores are the recall
 * of each class, their mean and their harmonic mean.
 */
import { groupBy } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import { type Recalls, recalls } from '../../shared/statistics.ts'
import type { Conclusion, JudgedSolution, Verdict } from './judged-solution.ts'
import { columns, estimate, estimateText, percent } from './tables.ts'

export interface SingleStep {
  /** The solution it stands in. */
  id: string
  problem: string
  done: string[]
  step: string
  label: Verdict
  group: string
}

/**
 * Which steps are judged:
 *
 *   first-error    ProcessBench: of a solution with an error the first wrong step, of one without a random step. The paper says
 *                  1,700 of each; but 2,221 solutions have an error and 1,179 have none, so its set cannot be made by its
 *                  text. Here each group gives as many of each kind as it has of the rarer one.
 *   shared-prefix  PRM800K: a right and a wrong step that continue the same steps of the same problem; a step that was rated
 *                  both ways is left out. Each step is used once.
 *   labelled       DeltaBench: every step has a label. The paper says 771 of each of its mathematical solutions and no rule; here each
 *                  group gives as many of each kind as it has of the rarer one, drawn from all labelled steps.
 */
export type StepRule = 'first-error' | 'shared-prefix' | 'labelled'

/** The judged steps of a benchmark, as many right ones as wrong ones in each group; the seed decides which. */
export function chooseSteps(solutions: readonly JudgedSolution[], rule: StepRule, seed: number): SingleStep[] {
  const groups = [...groupBy(solutions, ({ group }) => group)]
  if (rule === 'shared-prefix') return groups.flatMap(([group, some]) => pairs(some, new Stream(seed, rule, group)))
  return groups.flatMap(([group, some]) => {
    const all = some.flatMap((one) => (rule === 'labelled' ? labelled(one) : firstErrorOrAny(one, seed)))
    const [right, wrong] = (['Correct', 'Incorrect'] as const).map((label) => all.filter((one) => one.label === label))
    const count = Math.min(right?.length ?? 0, wrong?.length ?? 0)
    return [right ?? [], wrong ?? []].flatMap((kind) => drawn(kind, count, new Stream(seed, rule, group)))
  })
}

/** So many of them, in an order that does not depend on that of the file. */
function drawn(steps: readonly SingleStep[], count: number, stream: Stream): SingleStep[] {
  const sorted = steps.toSorted(inOrder)
  return stream
    .permutation(sorted.length)
    .slice(0, count)
    .toSorted((one, other) => one - other)
    .map((index) => sorted[index]!)
}

const keyOf = ({ id, problem, done, step, label }: SingleStep): string =>
  JSON.stringify([id, problem, done.length, step, label])
const inOrder = (one: SingleStep, other: SingleStep): number => {
  const [left, right] = [keyOf(one), keyOf(other)]
  return left < right ? -1 : Number(left > right)
}

function at({ id, problem, steps, group }: JudgedSolution, index: number, label: Verdict): SingleStep {
  return { id, problem, done: steps.slice(0, index), step: steps[index] ?? '', label, group }
}

function firstErrorOrAny(solution: JudgedSolution, seed: number): SingleStep[] {
  const { id, firstError, steps } = solution
  if (firstError !== null) return [at(solution, firstError, 'Incorrect')]
  return [at(solution, new Stream(seed, 'step', id).integer(0, steps.length), 'Correct')]
}

function labelled(solution: JudgedSolution): SingleStep[] {
  const own = (solution.labels ?? []).flatMap((label, index) => (label === null ? [] : [at(solution, index, label)]))
  const others = (solution.others ?? []).map(({ index, step, label }) => ({ ...at(solution, index, label), step }))
  return [...own, ...others]
}

function pairs(solutions: readonly JudgedSolution[], stream: Stream): SingleStep[] {
  const places = groupBy(solutions.flatMap(labelled), ({ problem, done }) => JSON.stringify([problem, done]))
  return [...places.values()].flatMap((all) => {
    const byText = groupBy(all.toSorted(inOrder), ({ step }) => step)
    const clear = [...byText.values()].flatMap((same) =>
      same.every(({ label }) => label === same[0]?.label) ? [same[0]!] : [],
    )
    const [right, wrong] = (['Correct', 'Incorrect'] as const).map((label) =>
      clear.filter((one) => one.label === label).toSorted((one, other) => (one.step < other.step ? -1 : 1)),
    )
    const count = Math.min(right?.length ?? 0, wrong?.length ?? 0)
    const where = JSON.stringify([all[0]?.problem, all[0]?.done])
    const orders = [right ?? [], wrong ?? []].map((kind, side) =>
      new Stream(stream.path, where, side).permutation(kind.length).map((index) => kind[index]!),
    )
    return orders.flatMap((kind) => kind.slice(0, count))
  })
}

/** The scores by group, of verdicts that belong to the steps in their order. */
export function concludeSingleStep(
  steps: readonly SingleStep[],
  verdicts: readonly (Verdict | null)[],
): Conclusion & { groups: Record<string, Recalls> } {
  const rows = steps.map(({ label, group }, index) => ({ label, group, verdict: verdicts[index] ?? null }))
  const byGroup = groupBy(rows, ({ group }) => group)
  const parts = [...byGroup, ...(byGroup.size > 1 ? [['all', rows] as const] : [])]
  const scored = parts.map(([group, some]) => ({ group, some, scores: recalls(some), floors: singleStepFloors(some) }))
  const recall = (some: typeof rows, label: Verdict): ReturnType<typeof estimate> => {
    const kind = some.filter((row) => row.label === label)
    return estimate(kind.filter(({ verdict }) => verdict === label).length, kind.length)
  }
  const lines = [
    ...columns([
      ['one step', 'steps', 'right steps', 'wrong steps', 'mean', 'harmonic', 'unreadable'],
      ...scored.map(({ group, some, scores }) => [
        group,
        String(some.length),
        estimateText(recall(some, 'Correct')),
        estimateText(recall(some, 'Incorrect')),
        percent(scores.mean),
        percent(scores.harmonic),
        percent(scores.invalid),
      ]),
    ]),
    ...scored.map(
      ({ group, floors }) =>
        `Without a critic, ${group}: ${Object.entries(floors)
          .map(([name, floor]) => `${name}: mean ${percent(floor.mean)}, harmonic ${percent(floor.harmonic)}`)
          .join('; ')}.`,
    ),
  ]
  const numbers = Object.fromEntries(
    scored.map(({ group, some, scores, floors }) => [
      group,
      {
        ...scores,
        intervals: { correct: recall(some, 'Correct').interval, wrong: recall(some, 'Incorrect').interval },
        floors: Object.fromEntries(
          Object.entries(floors).map(([name, { mean, harmonic }]) => [name, { mean, harmonic }]),
        ),
      },
    ]),
  )
  return {
    lines,
    numbers: { groups: numbers },
    groups: Object.fromEntries([...byGroup].map(([group, some]) => [group, recalls(some)])),
  }
}

/** Constant verdicts, and a fair coin: as the classes are equally many, no constant is better than the other. */
export function singleStepFloors(
  steps: readonly { label: Verdict }[],
): Record<'always Correct' | 'always Incorrect' | 'coin', { mean: number | null; harmonic: number | null }> {
  const always = (verdict: Verdict): Recalls => recalls(steps.map(({ label }) => ({ label, verdict })))
  const both = always('Correct').mean !== null
  return {
    'always Correct': always('Correct'),
    'always Incorrect': always('Incorrect'),
    coin: { mean: both ? 0.5 : null, harmonic: both ? 0.5 : null },
  }
}
