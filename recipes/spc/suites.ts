import { Stream } from '../../shared/random.ts'
import type { ItemRow, Phase, Suite } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { errorTypes, type Split } from '../../tasks/task.ts'
import type { SpcConfig } from './config.ts'
import { readJudgedStep, type JudgedStep } from './games.ts'
import { critiqueQuestion, critiqueSampling, critiquesOf, type Judging, wholeCritique } from './critique.ts'
import { deceptionTokens, solutionTokens } from './lengths.ts'
import { problemAt, taskOf } from './problems.ts'
import { generatorPrompt, parseDeception, parseSolution, solverPrompt } from './prompts.ts'
import { corruptedStep } from './supervised.ts'

/**
 * What a critic is judged on, never its own opponent's errors alone: natural errors of the held-out weak solver, a
 * synthetic mix, and (the cross table) every generator version's steps on test problems.
 */
export const evaluationSplits = ['validation', 'test'] as const

const item = (round: number, set: string, index: number, step: JudgedStep): ItemRow => ({
  round,
  set,
  item: index,
  data: { ...step },
})

/** Natural errors: the weak solver's first wrong step, or a random step of a solution without one (exact checker). */
export function collectNatural(split: Split): Phase<SpcConfig> {
  return {
    summary: `The weak solver tries ${split} problems: its natural errors test the critic`,
    items: ({ evaluation }) => evaluation.natural,
    sampling: ({ task }) => ({ samples: 1, temperature: 1, maximumNewTokens: solutionTokens(taskFrom(task)) }),
    ask: ({ config, from, to }) =>
      Array.from({ length: to - from }, (_, index) => ({
        key: String(from + index),
        prompt: solverPrompt(problemAt(config, split, 'natural', from + index)),
      })),
    answer({ config, round }, _rows, answers) {
      const task = taskOf(config)
      const items = answers.flatMap((answer): ItemRow[] => {
        const index = Number(answer.question.key)
        const problem = problemAt(config, split, 'natural', index)
        const steps = parseSolution(answer.texts[0] ?? '')
        if (!steps) return []
        const wrong = steps.findIndex((step, position) => !task.check(problem, steps.slice(0, position), step))
        const chosen =
          wrong >= 0 ? wrong : new Stream(config.seed, 'natural step', split, index).integer(0, steps.length)
        const step = steps[chosen]!
        if (!task.isStep(step)) return []
        const label = wrong >= 0 ? 'Incorrect' : 'Correct'
        return [
          item(round, `natural/${split}`, index, {
            problem,
            done: steps.slice(0, chosen),
            step,
            label,
            kind: 'natural',
          }),
        ]
      })
      return { items, episodes: [], turns: [] }
    },
  }
}

/** Synthetic errors, the five types evenly, and as many right steps. */
export function composeSynthetic(split: Split): Phase<SpcConfig> {
  return {
    summary: `Compose synthetic errors on ${split} problems`,
    items: ({ evaluation }) => evaluation.synthetic,
    answer({ config, round, from, to }) {
      const items = Array.from({ length: to - from }, (_, offset): ItemRow => {
        const index = from + offset
        const type = errorTypes[Math.floor(index / 2) % errorTypes.length]!
        const { problem, done, right, step } = corruptedStep(config, split, [type], 'synthetic', split, index)
        const judged: JudgedStep =
          index % 2 === 0
            ? { problem, done, step, label: 'Incorrect', kind: type }
            : { problem, done, step: right, label: 'Correct', kind: type }
        return item(round, `synthetic/${split}`, index, judged)
      })
      return { items, episodes: [], turns: [] }
    },
  }
}

/** The newest generator's steps on test problems, for the cross table; the exact checker says which of them are wrong. */
export const arena: Phase<SpcConfig> = {
  summary: 'The generator attacks test problems, for the cross table of versions',
  items: ({ evaluation }) => evaluation.arena,
  sampling: ({ play, task }) => ({
    samples: 1,
    temperature: play.temperature,
    maximumNewTokens: deceptionTokens(taskFrom(task)),
  }),
  ask: ({ config, from, to }) =>
    Array.from({ length: to - from }, (_, offset) => {
      const { problem, done, right } = arenaStep(config, from + offset)
      return { key: String(from + offset), prompt: generatorPrompt(problem, done, right) }
    }),
  answer({ config, round, player }, _rows, answers) {
    const task = taskOf(config)
    const items = answers.flatMap((answer): ItemRow[] => {
      const index = Number(answer.question.key)
      const { problem, done, right } = arenaStep(config, index)
      const deception = parseDeception(answer.texts[0] ?? '')
      const wrong = deception !== null && deception.step !== right && !task.check(problem, done, deception.step)
      const step = deception?.step ?? ''
      const kind = wrong ? (deception?.type ?? '') : 'invalid'
      const judged: JudgedStep = { problem, done, step, label: wrong ? 'Incorrect' : 'Correct', kind }
      return [item(round, `arena/${player?.version ?? 0}`, index, judged)]
    })
    return { items, episodes: [], turns: [] }
  },
}

/** A random right step of a test problem, the same for every generator version. */
function arenaStep(config: SpcConfig, index: number): { problem: string; done: string[]; right: string } {
  const problem = problemAt(config, 'test', 'arena', index)
  const steps = taskOf(config).solve(problem)
  const chosen = new Stream(config.seed, 'arena step', index).integer(0, steps.length)
  return { problem, done: steps.slice(0, chosen), right: steps[chosen]! }
}

/** A suite whose lines are steps to judge, made in `round`. */
export function judgedSteps<Config extends Judging>(
  name: string,
  summary: string,
  items: (config: Config) => number,
  round = 0,
): Suite<Config> {
  return {
    summary,
    set: { round, name },
    items,
    sampling: critiqueSampling,
    ask: (config, row) => {
      const judged = readJudgedStep(row)
      // A step that is no error (or no step) is never shown to the critic.
      return judged.kind === 'invalid' ? null : critiqueQuestion(config, String(row.item), judged)
    },
    judge(config, row, answer) {
      const { label, kind } = readJudgedStep(row)
      const [critique = { prompt: '', text: '', verdict: null, working: null }] = critiquesOf(config, answer)
      return { item: row.item, label, kind, text: wholeCritique(critique), verdict: critique.verdict }
    },
  }
}

export const suites = ['natural', 'synthetic'].flatMap((kind) => evaluationSplits.map((split) => `${kind}/${split}`))

export function suite(name: string): Suite<SpcConfig> | null {
  const [kind = '', part = ''] = name.split('/')
  if (/^(critique|bigbench-mistake)\/[0-9a-f]+$/.test(name))
    return judgedSteps(name, `Steps of a file (${kind})`, () => 0)
  if (!suites.includes(name) && !/^arena\/\d+$/.test(name)) return null
  if (kind === 'arena')
    // A generator attacks in the round that made it.
    return judgedSteps(name, `Steps of generator ${part}, judged`, ({ evaluation }) => evaluation.arena, Number(part))
  return judgedSteps(name, `${kind} errors, ${part} split`, ({ evaluation }) =>
    kind === 'natural' ? evaluation.natural : evaluation.synthetic,
  )
}
