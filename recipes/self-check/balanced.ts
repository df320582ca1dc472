import type { EvaluationRow, ItemRow, Phase } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import type { JudgedStep } from '../spc/games.ts'
import { judgedSteps } from '../spc/suites.ts'
import { type Candidate, candidatesOf, votesOf } from './candidates.ts'
import type { SelfCheckConfig } from './config.ts'
import { readSampled } from './rows.ts'

/**
 * CriticBench's balanced critique accuracy (section 3.2): of each problem one right solution and one wrong one, the wrong
 * one with the most frequent wrong answer, as that is the convincing one. Guessing gives one half.
 */
export const BALANCED = 'balanced'
const sides = ['right', 'wrong'] as const

/** Two solutions of each problem that has both kinds, a line for each of their steps. */
export const balance: Phase<SelfCheckConfig> = {
  summary: 'Of each problem one right solution and one convincing wrong one, for the balanced suite',
  items: ({ evaluation }) => evaluation.balanced,
  answer({ config, round }, rows) {
    const task = taskFrom(config.task)
    const items = rows.items.map(readSampled).flatMap(({ item, problem, solutions }): ItemRow[] => {
      const candidates = candidatesOf(votesOf(task, problem, solutions), 'answers')
      const isRight = ({ steps }: Candidate): boolean => task.grade(problem, steps)
      const [right, wrong] = [candidates.find(isRight), candidates.find((candidate) => !isRight(candidate))]
      if (!right || !wrong) return []
      return [right, wrong].flatMap(({ steps }, side) =>
        steps.map((step, position): ItemRow => {
          const done = steps.slice(0, position)
          const label = task.check(problem, done, step) ? 'Correct' : 'Incorrect'
          const judged: JudgedStep = { problem, done, step, label, kind: sides[side] ?? '' }
          return { round, set: BALANCED, item: lineOf(config, item, side, position), data: { ...judged } }
        }),
      )
    })
    return { items, episodes: [], turns: [] }
  },
}

const lineOf = ({ task }: SelfCheckConfig, problem: number, side: number, position: number): number =>
  (problem * sides.length + side) * taskFrom(task).longest.steps + position

export const balanced = judgedSteps<SelfCheckConfig>(
  BALANCED,
  'One right and one convincing wrong solution of each problem, step by step',
  (config) => lineOf(config, config.evaluation.balanced, 0, 0),
)

/** The share of solutions judged as what they are; null where there are none of one side. */
export function balancedAccuracy(evaluations: readonly EvaluationRow[]): number | null {
  const lines = evaluations.filter(({ suite }) => suite === BALANCED).toSorted((a, b) => a.item - b.item)
  const solutions: EvaluationRow[][] = []
  for (const line of lines) {
    // Right and wrong solutions take turns, so another side is another solution.
    const last = solutions.at(-1)
    if (last?.[0]?.kind === line.kind) last.push(line)
    else solutions.push([line])
  }
  const accuracy = sides.map((side) => {
    const judged = solutions.filter(([first]) => first?.kind === side)
    const said = judged.map((steps) => (steps.some(({ verdict }) => verdict === 'Incorrect') ? 'wrong' : 'right'))
    return said.length === 0 ? null : said.filter((verdict) => verdict === side).length / said.length
  })
  const [right, wrong] = accuracy
  return typeof right === 'number' && typeof wrong === 'number' ? (right + wrong) / 2 : null
}
