import { range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { Data, ItemRow, Phase, TurnRow } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { errorTypes } from '../../tasks/task.ts'
import type { SpcConfig } from './config.ts'
import { readGame } from './games.ts'
import { solutionTokens } from './lengths.ts'
import { merge, nothing, playPhases, withDeception } from './play.ts'
import { problemAt, taskOf } from './problems.ts'
import { type Deception, generatorCompletion, generatorPrompt, solverPrompt } from './prompts.ts'
import { taskWording } from './wording.ts'

/** The phases of a round on a task that makes its own problems. */
export const { solve, deceive, validate, criticise, reward } = playPhases<SpcConfig>(taskWording)

/** Pre-solutions: how hard is each problem for the solver? */
export const presolve: Phase<SpcConfig> = {
  summary: 'The solver tries each problem a few times',
  items: ({ play }) => play.problems,
  sampling: ({ play, task }) => ({
    samples: play.presolutions,
    temperature: play.temperature,
    maximumNewTokens: solutionTokens(taskFrom(task)),
  }),
  ask({ config, round, from, to }) {
    return range(from, to).map((item) => ({
      key: String(item),
      prompt: solverPrompt(problemAt(config, 'train', round, item)),
    }))
  },
  answer({ config, round, player, from }, _rows, answers) {
    const { isSolved } = taskWording(config)
    const items = answers.map((answer, index): ItemRow => {
      const problem = problemAt(config, 'train', round, from + index)
      const solved = answer.texts.filter((text) => isSolved({ problem, answer: null }, text)).length
      const difficulty = solved === 0 ? 'never' : solved <= answer.texts.length / 2 ? 'medium' : 'easy'
      const kept =
        difficulty === 'medium' ||
        (difficulty === 'easy' &&
          new Stream(config.seed, 'keep easy', round, from + index).uniform(0) < config.play.easyKept)
      const data: Data = { problem, solutions: answer.texts, solved, difficulty, kept, solver: player?.version ?? 0 }
      return { round, set: 'problems', item: from + index, data }
    })
    return { ...nothing, items }
  },
}

/** Control arm: errors made by the task's own corruption procedures instead of a learned generator. */
export const corrupt: Phase<SpcConfig> = {
  summary: 'A random corruptor turns each right step into a wrong one (control arm)',
  items: ({ play }) => play.problems,
  answer({ config, round, phase }, rows) {
    const task = taskOf(config)
    const answered = rows.episodes.map((row) => {
      const { problem, done, right } = readGame(row)
      const draws = new Stream(config.seed, round, phase, row.episode).draws()
      const type = draws.pick(errorTypes)
      const corruption = task.corrupt(problem, done, right, type, draws)
      const deception: Deception | null = corruption && { type, ...corruption }
      const told = corruption && { type, step: corruption.step, explanation: `${corruption.from} > ${corruption.to}` }
      const turn: TurnRow = {
        round,
        episode: row.episode,
        turn: 'deceive/0',
        role: 'corruptor',
        version: 0,
        prompt: generatorPrompt(problem, done, right),
        text: deception ? generatorCompletion(deception) : '',
        tokens: 0,
        verdict: null,
        reward: null,
      }
      return { ...nothing, episodes: [withDeception(row, told)], turns: [turn] }
    })
    return merge(answered)
  },
}
