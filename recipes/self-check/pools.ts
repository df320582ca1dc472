import { Stream } from '../../shared/random.ts'
import type { Data, Importer, Judgement, Suite } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { parsePools, type Pool, type PooledSolution, readSolution } from '../../tasks/solution-pools.ts'
import type { JudgedStep } from '../spc/games.ts'
import { critiqueSize } from '../spc/critique.ts'
import { judgedSteps } from '../spc/suites.ts'
import { breakEven } from './break-even.ts'
import type { SelfCheckConfig } from './config.ts'
import { certainty, majority, tally, voteAgain } from './vote.ts'

/**
 * Self-check over stored solutions in words. The critic can read their plain equalities alone; how good a critic of whole
 * solutions would have to be is asked of one whose verdicts are drawn at random from the labels.
 */
type Verdicts = (solution: PooledSolution) => boolean

/** The equalities that the critic is asked about: those that fit its context. */
function askedOf(config: SelfCheckConfig, text: string): { problem: string; step: string }[] {
  return readSolution(text).equalities.filter(
    ({ problem, step }) => critiqueSize(config, { problem, done: [], step }) <= config.model.context,
  )
}

/** What is judged of a pool: the first solution of each distinct answer, with the weight of all, or every solution. */
function candidatesOf({ check }: SelfCheckConfig, { solutions }: Pool): PooledSolution[] {
  const stated = solutions.filter(({ answer }) => answer !== null)
  if (check.candidates === 'solutions') return stated
  return tally(stated).flatMap(({ answer, weight }) => {
    const first = stated.find((solution) => solution.answer === answer)
    return first ? [{ ...first, weight }] : []
  })
}

const isRight = ({ solutions }: Pool, answer: string | null): boolean =>
  solutions.some((solution) => solution.right && solution.answer === answer)

/** Whether the pool ends with the right answer when `incorrect` is the judge of its candidates. */
function ends(config: SelfCheckConfig, pool: Pool, incorrect: Verdicts): boolean {
  if (certainty(pool.solutions) > config.check.certainty) return isRight(pool, majority(pool.solutions))
  const candidates = candidatesOf(config, pool)
  return isRight(pool, voteAgain(candidates.map((one) => ({ ...one, incorrect: incorrect(one) }))))
}

const share = (pools: readonly Pool[], holds: (pool: Pool) => boolean): number | null =>
  pools.length === 0 ? null : pools.filter(holds).length / pools.length

/** Accuracy with a critic that is right about each candidate with chance `quality`, over many draws. */
function withQuality(config: SelfCheckConfig, pools: readonly Pool[], quality: number): number {
  const repeats = 100
  let right = 0
  pools.forEach((pool, index) => {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const draws = new Stream(config.seed, 'pool critic', quality, index, repeat).draws()
      if (ends(config, pool, (solution) => solution.right !== draws.uniform() < quality)) right++
    }
  })
  return right / (repeats * pools.length)
}

const qualities = [0.5, 0.6, 0.7, 0.8, 0.9, 1]

function verdictOn(even: number | null, guessing: boolean): string {
  if (even !== null) {
    return `A critic of whole solutions, its errors independent, has to be right ${(100 * even).toFixed(1)} % of times to equal the vote.`
  }
  return guessing ? 'Here even a critic that guesses equals the vote.' : 'No such critic equals the vote.'
}

export const solutionPool: Importer<SelfCheckConfig> = {
  summary: 'Stored solutions to questions in words: does checking their equalities help the vote?',
  read(config, text, source) {
    const task = taskFrom(config.task)
    return parsePools(text, source).flatMap(({ solutions }) =>
      solutions.flatMap((solution) =>
        askedOf(config, solution.text).map(({ problem, step }): Data => {
          const label = task.check(problem, [], step) ? 'Correct' : 'Incorrect'
          const row: JudgedStep = { problem, done: [], step, label, kind: 'solution-pool' }
          return { ...row }
        }),
      ),
    )
  },
  conclude(config, text, source, judgements) {
    const pools = parsePools(text, source)
    const byItem = new Map(judgements.map((judgement) => [judgement.item, judgement]))
    const critic = new Set<string>()
    const checker = new Set<string>()
    let [item, claimed] = [0, 0]
    for (const solution of pools.flatMap(({ solutions }) => solutions)) {
      claimed += readSolution(solution.text).claimed
      for (const _ of askedOf(config, solution.text)) {
        const judgement: Judgement | undefined = byItem.get(item++)
        if (judgement?.verdict === 'Incorrect') critic.add(solution.text)
        if (judgement?.label === 'Incorrect') checker.add(solution.text)
      }
    }
    const vote = share(pools, (pool) => isRight(pool, majority(pool.solutions))) ?? 0
    const simulated = qualities.map((quality) => ({ quality, accuracy: withQuality(config, pools, quality) }))
    const numbers = {
      questions: pools.length,
      uncertain: share(pools, ({ solutions }) => certainty(solutions) <= config.check.certainty),
      majority: vote,
      checked: share(pools, (pool) => ends(config, pool, (solution) => critic.has(solution.text))),
      checker: share(pools, (pool) => ends(config, pool, (solution) => checker.has(solution.text))),
      labels: share(pools, (pool) => ends(config, pool, ({ right }) => !right)),
      equalities: { claimed, asked: item },
      simulated,
      break_even: breakEven(simulated.map(({ quality, accuracy }) => ({ quality, gain: accuracy - vote }))),
    }
    const percent = (value: number | null): string => (value === null ? '–' : `${(100 * value).toFixed(1)} %`)
    const lines = [
      `${numbers.questions} questions, ${percent(numbers.uncertain)} of them uncertain (certainty at most ${config.check.certainty}).`,
      `The critic can read ${item} of ${claimed} equalities (${percent(claimed === 0 ? null : item / claimed)}): one operation on whole numbers from 0 to 99.`,
      `majority vote                        ${percent(vote).padStart(8)}`,
      `self-check by this critic            ${percent(numbers.checked).padStart(8)}`,
      `by the exact checker, same equalities${percent(numbers.checker).padStart(8)}`,
      `by the labels themselves             ${percent(numbers.labels).padStart(8)}`,
      ...simulated.map(
        ({ quality, accuracy }) =>
          `by a critic right ${percent(quality).padStart(7)} of times  ${percent(accuracy).padStart(8)}`,
      ),
      verdictOn(numbers.break_even, (simulated[0]?.accuracy ?? 0) >= vote),
    ]
    return { lines, numbers }
  },
}

/** The suite of an imported file: its equalities. */
export const poolSuite = (name: string): Suite<SelfCheckConfig> | null =>
  /^solution-pool\/[0-9a-f]+$/.test(name) ? judgedSteps(name, 'Equalities of stored solutions', () => 0) : null
