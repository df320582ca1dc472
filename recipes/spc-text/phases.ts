import { range } from '../../shared/collections.ts'
import { policyName } from '../../shared/ids.ts'
import { Stream } from '../../shared/random.ts'
import type { Data, ItemRow, Phase, PlayContext } from '../../shared/recipe.ts'
import type { Split } from '../../tasks/task.ts'
import { isTrueStep } from '../../tasks/word-steps.ts'
import type { JudgedStep } from '../spc/games.ts'
import { nothing, playPhases } from '../spc/play.ts'
import { verdicts } from '../spc/prompts.ts'
import type { SpcTextConfig } from './config.ts'
import { parseSolution, solverPrompt } from './prompts.ts'
import { PROBLEMS, problemsOf, shuffled, type Worked } from './problems.ts'
import { asSolver, bySolver, isOwn, ownOf } from './solvers.ts'
import { textWording } from './wording.ts'

const phases = playPhases<SpcTextConfig>(textWording)

/** The phases of a round on word problems. */
export const { deceive, criticise, reward } = phases
export const solve = bySolver(signed(phases.solve))
/** The solver that wrote the solution goes on from both steps, as in the paper. */
export const validate = bySolver(phases.validate)

/** A game says whose solution it is about. */
function signed(phase: Phase<SpcTextConfig>): Phase<SpcTextConfig> {
  return {
    ...phase,
    answer(context, rows, answers) {
      const solver = context.player && policyName(context.player)
      const made = phase.answer(context, rows, answers)
      return { ...made, episodes: made.episodes.map((row) => ({ ...row, data: { ...row.data, solver } })) }
    },
  }
}

const theProblems = () => ({ rounds: [0], sets: [PROBLEMS], whole: true })

/** Pre-solutions: how hard is each problem for the solver? Every round draws new problems. */
export const presolve: Phase<SpcTextConfig> = {
  summary: 'The solver tries each problem a few times',
  items: ({ play }) => play.problems,
  asked: (config, phase) => ownOf(config, phase, config.play.problems),
  sampling(config, phase) {
    const { play, tokens } = config
    const { presolutions: samples, temperature } = play
    return asSolver(config, phase, { samples, temperature, maximumNewTokens: tokens.solution })
  },
  reads: theProblems,
  ask: (context, rows) =>
    drawn(context, rows.items).map(({ item, problem }) => ({ key: String(item), prompt: solverPrompt(problem) })),
  answer(context, rows, answers) {
    const { config, round, player } = context
    const { isSolved } = textWording(config)
    const texts = new Map(answers.map((answer) => [answer.question.key, answer.texts]))
    const items = drawn(context, rows.items).map(({ item, problem, answer }): ItemRow => {
      const solutions = texts.get(String(item)) ?? []
      const solved = solutions.filter((text) => isSolved({ problem, answer }, text)).length
      const difficulty = solved === 0 ? 'never' : solved <= solutions.length / 2 ? 'medium' : 'easy'
      const kept =
        difficulty === 'medium' ||
        (difficulty === 'easy' && new Stream(config.seed, 'keep easy', round, item).uniform(0) < config.play.easyKept)
      const solver = player && policyName(player)
      const data: Data = { problem, answer, solutions, solved, difficulty, kept, solver }
      return { round, set: 'problems', item, data }
    })
    return { ...nothing, items }
  },
}

function drawn({ config, round, phase, from, to }: PlayContext<SpcTextConfig>, items: readonly ItemRow[]) {
  const problems = shuffled(config, problemsOf(items, 'train'), 'problems', round)
  const own = range(from, to).filter((item) => isOwn(config, phase, item))
  return own.flatMap((item) => {
    const worked = problems[item % Math.max(1, problems.length)]
    return worked ? [{ item, ...worked }] : []
  })
}

/**
 * Natural errors: the first step of the solver's that states a false equality, in a solution with a wrong outcome; beside them steps
 * whose equalities are true, in solutions with a right one. So every label is arithmetic's. What is wrong in words alone is in
 * neither class. Of a problem's tries the first that has a step of a class gives it, so that either class has a problem once.
 */
export function collectNatural(split: Split): Phase<SpcTextConfig> {
  // In an order of their own, so that with several files there are problems of each.
  const tried = (config: SpcTextConfig, items: readonly ItemRow[]): Worked[] =>
    shuffled(config, problemsOf(items, split), 'natural', split)
  return {
    summary: `The solver tries ${split} problems: its slips of arithmetic test the critic`,
    items: ({ evaluation }) => evaluation.natural,
    asked: (config, phase) => ownOf(config, phase, config.evaluation.natural),
    sampling: (config, phase) => {
      const samples = config.evaluation.tries
      return asSolver(config, phase, { samples, temperature: 1, maximumNewTokens: config.tokens.solution })
    },
    reads: theProblems,
    ask: ({ config, phase, from, to }, rows) =>
      [...tried(config, rows.items).entries()]
        .slice(from, to)
        .filter(([item]) => isOwn(config, phase, item))
        .map(([item, { problem }]) => ({ key: String(item), prompt: solverPrompt(problem) })),
    answer({ config, round, player }, rows, answers) {
      const problems = tried(config, rows.items)
      const solver = player && policyName(player)
      const items = answers.flatMap(({ question, texts }): ItemRow[] => {
        const number = Number(question.key)
        const draws = new Stream(config.seed, 'natural step', split, number)
        const judged = texts.flatMap((text) => naturalStep(config, problems[number], text, draws) ?? [])
        return verdicts.flatMap((verdict, side) => {
          const step = judged.find(({ label }) => label === verdict)
          const item = naturalItems(number) + side
          return step ? [{ round, set: `natural/${split}`, item, data: { ...step, solver } }] : []
        })
      })
      return { ...nothing, items }
    },
  }
}

/** How many items the first so many problems have: one of either class. */
export const naturalItems = (problems: number): number => verdicts.length * problems

function naturalStep(
  config: SpcTextConfig,
  worked: Worked | undefined,
  text: string,
  draws: Stream,
): JudgedStep | null {
  const steps = parseSolution(text)
  if (!steps || !worked) return null
  const checked = steps.map(isTrueStep)
  const wrong = checked.indexOf(false)
  const solved = textWording(config).isSolved(worked, text)
  if (solved ? wrong >= 0 : wrong < 0) return null
  const right = [...checked.keys()].filter((index) => checked[index] === true)
  const chosen = solved ? right[draws.integer(0, right.length)] : wrong
  const step = chosen === undefined ? undefined : steps[chosen]
  if (step === undefined) return null
  const label = solved ? 'Correct' : 'Incorrect'
  return { problem: worked.problem, done: steps.slice(0, chosen), step, label, kind: 'natural' }
}
