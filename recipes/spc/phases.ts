import { groupBy, range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { Answer, Data, EpisodeRow, ItemRow, Phase, PlayContext, Rows, TurnRow } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { errorTypes } from '../../tasks/task.ts'
import type { SpcConfig } from './config.ts'
import { readGame, readProblem, type SolvedProblem } from './games.ts'
import { problemAt, solutionSteps, taskOf } from './problems.ts'
import {
  generatorCompletion,
  generatorPrompt,
  parseDeception,
  parseRollout,
  parseSolution,
  rolloutPrompt,
  solverPrompt,
  type Deception,
} from './prompts.ts'
import { critiqueQuestion, critiqueSampling, critiquesOf } from './critique.ts'
import { deceptionTokens, rolloutTokens, solutionTokens } from './lengths.ts'
import { judgeValidity, rewardGame } from './rewards.ts'
import { checkRule, RULE_CHECKS } from './rule.ts'

/** The parts of a self-play round that make or judge games, in the order of the paper's Figure 1. */
type Context = PlayContext<SpcConfig>
const nothing: Rows = { items: [], episodes: [], turns: [] }
const problems = (config: SpcConfig): number => config.play.problems

/** Pre-solutions: how hard is each problem for the solver? */
export const presolve: Phase<SpcConfig> = {
  summary: 'The solver tries each problem a few times',
  items: problems,
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
    const task = taskOf(config)
    const items = answers.map((answer, index): ItemRow => {
      const problem = problemAt(config, 'train', round, from + index)
      const solved = answer.texts.filter((text) => gradeText(task, problem, text)).length
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

/** More solutions for the medium problems; then every correct solution offers one step, chosen at random, for a game. */
export const solve: Phase<SpcConfig> = {
  summary: 'The solver solves the medium problems more often; each correct solution gives one step to a game',
  items: problems,
  sampling: ({ play, task }) => ({
    samples: Math.max(1, play.mediumSolutions - play.presolutions),
    temperature: play.temperature,
    maximumNewTokens: solutionTokens(taskFrom(task)),
  }),
  ask({ config }, rows) {
    if (config.play.mediumSolutions <= config.play.presolutions) return []
    return rows.items
      .map(readProblem)
      .filter(({ difficulty }) => difficulty === 'medium')
      .map(({ item, problem }) => ({ key: String(item), prompt: solverPrompt(problem) }))
  },
  answer({ config, round }, rows, answers) {
    const extra = new Map(answers.map((answer) => [answer.question.key, answer.texts]))
    const episodes = rows.items.map(readProblem).flatMap((problem) => {
      if (!problem.kept) return []
      const texts = [...problem.solutions, ...(extra.get(String(problem.item)) ?? [])]
      return texts.flatMap((text, index) => openGame(config, round, problem, text, index))
    })
    return { ...nothing, episodes }
  },
}

/** The sneaky generator picks an error type, explains, and writes the wrong step. */
export const deceive: Phase<SpcConfig> = {
  summary: 'The sneaky generator turns each right step into a wrong one',
  items: problems,
  sampling: ({ play, task }) => ({
    samples: 1,
    temperature: play.temperature,
    maximumNewTokens: deceptionTokens(taskFrom(task)),
  }),
  ask: (_context, rows) =>
    rows.episodes.map(readGame).map(({ episode, problem, done, right }) => ({
      key: String(episode),
      prompt: generatorPrompt(problem, done, right),
    })),
  answer: (context, rows, answers) =>
    merge(
      pair(rows.episodes, answers).map(([row, answer]) => {
        const deception = parseDeception(answer.texts[0] ?? '')
        return { ...nothing, episodes: [withDeception(row, deception)], turns: says(context, row, 'deceive', answer) }
      }),
    ),
}

/** Control arm: errors made by the task's own corruption procedures instead of a learned generator. */
export const corrupt: Phase<SpcConfig> = {
  summary: 'A random corruptor turns each right step into a wrong one (control arm)',
  items: problems,
  answer({ config, round, phase }, rows) {
    const task = taskOf(config)
    const answered = rows.episodes.map((row) => {
      const { problem, done, right } = readGame(row)
      const draws = new Stream(config.seed, round, phase, row.episode).draws()
      const type = draws.pick(errorTypes)
      const corruption = task.corrupt(problem, done, right, type, draws)
      const deception: Deception | null = corruption && { type, ...corruption }
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
      return { ...nothing, episodes: [withDeception(row, deception)], turns: [turn] }
    })
    return merge(answered)
  },
}

/** Validity: the solver that wrote the solution goes on from the original and from the sneaky step, N times each. */
export const validate: Phase<SpcConfig> = {
  summary: 'The solver completes from the original and from the sneaky step: does the error break the solution?',
  items: problems,
  sampling: ({ play, task }) => ({
    samples: play.rollouts,
    temperature: play.rolloutTemperature,
    maximumNewTokens: rolloutTokens(taskFrom(task)),
  }),
  ask: (_context, rows) =>
    rows.episodes.map(readGame).flatMap(({ episode, problem, done, right, sneaky }) =>
      sneaky === null
        ? []
        : [
            { key: `${episode}/right`, prompt: rolloutPrompt(problem, done, right) },
            { key: `${episode}/sneaky`, prompt: rolloutPrompt(problem, done, sneaky) },
          ],
    ),
  answer(context, rows, answers) {
    const task = taskOf(context.config)
    const byKey = new Map(answers.map((answer) => [answer.question.key, answer]))
    const validated = merge(
      rows.episodes.map((row) => {
        const game = readGame(row)
        const completed = (step: string | null, answer: Answer | undefined): number =>
          (answer?.texts ?? []).filter((text) => {
            const rest = parseRollout(text)
            return step !== null && rest !== null && task.grade(game.problem, [...game.done, step, ...rest])
          }).length / context.config.play.rollouts
        const right = byKey.get(`${row.episode}/right`)
        const sneaky = byKey.get(`${row.episode}/sneaky`)
        const checks = {
          rightSuccess: completed(game.right, right),
          sneakySuccess: completed(game.sneaky, sneaky),
          rightIsRight: task.check(game.problem, game.done, game.right),
          sneakyIsWrong: game.sneaky !== null && !task.check(game.problem, game.done, game.sneaky),
        }
        const validity = judgeValidity(context.config.play.validity, game, checks)
        const episode: EpisodeRow = {
          ...row,
          data: { ...row.data, ...checks, ...validity },
          outcome: validity.valid ? null : 'invalid',
        }
        const turns = [
          ...(right ? says(context, row, 'validate/right', right) : []),
          ...(sneaky ? says(context, row, 'validate/sneaky', sneaky) : []),
        ]
        return { ...nothing, episodes: [episode], turns }
      }),
    )
    const data: Data = { ...checkRule(validated.episodes.map(readGame)) }
    return { ...validated, items: [{ round: context.round, set: RULE_CHECKS, item: context.from, data }] }
  },
}

/** The critic judges each valid sneaky step and, 1:1, the right step it came from; several critiques each. */
export const criticise: Phase<SpcConfig> = {
  summary: 'The critic judges each valid sneaky step, and as many right ones',
  items: problems,
  sampling: (config) => critiqueSampling(config, config.play.critiques, config.play.temperature),
  ask: ({ config }, rows) =>
    rows.episodes
      .map(readGame)
      .filter(({ valid }) => valid)
      .flatMap(({ episode, problem, done, right, sneaky }) => [
        critiqueQuestion(config, `${episode}/right`, { problem, done, step: right }),
        critiqueQuestion(config, `${episode}/sneaky`, { problem, done, step: sneaky ?? '' }),
      ]),
  answer(context, rows, answers) {
    const episodes = new Map(rows.episodes.map((row) => [String(row.episode), row]))
    const turns = answers.flatMap((answer) => {
      const [episode = '', side = ''] = answer.question.key.split('/')
      const row = episodes.get(episode)
      if (!row) throw new Error(`a critique of the unknown episode ${episode}`)
      const critiques = critiquesOf(answer)
      return says(context, row, `criticise/${side}`, answer).map((turn, sample) => ({ ...turn, ...critiques[sample] }))
    })
    return { ...nothing, turns }
  },
}

/** Winner +1, loser -1 (paper, Equations 2 and 3). */
export const reward: Phase<SpcConfig> = {
  summary: 'The winner of each game gets +1, the loser -1',
  items: problems,
  answer(_context, rows) {
    const turns = groupBy(rows.turns, (turn) => turn.episode)
    return merge(rows.episodes.map((row) => ({ ...nothing, ...rewardGame(row, turns.get(row.episode) ?? []) })))
  },
}

/** One game from one solution: a right outcome, and one of its steps. */
function openGame(
  config: SpcConfig,
  round: number,
  problem: SolvedProblem,
  text: string,
  solution: number,
): EpisodeRow[] {
  const task = taskOf(config)
  const steps = solutionSteps(task, text)
  if (!steps || !task.grade(problem.problem, steps)) return []
  const chosen = new Stream(config.seed, 'step', round, problem.item, solution).integer(0, steps.length)
  const most = Math.max(config.play.presolutions, config.play.mediumSolutions)
  const data: Data = {
    problem: problem.problem,
    solution: text,
    difficulty: problem.difficulty,
    done: steps.slice(0, chosen),
    right: steps[chosen] ?? '',
  }
  return [{ round, episode: problem.item * most + solution, item: problem.item, data, outcome: null }]
}

function withDeception(row: EpisodeRow, deception: Deception | null): EpisodeRow {
  const told: Data = deception
    ? { sneaky: deception.step, errorType: deception.type, explanation: `${deception.from} > ${deception.to}` }
    : { sneaky: null, errorType: null, explanation: null }
  return { ...row, data: { ...row.data, ...told } }
}

/** The turns of an answer: one per sample. */
function says({ round, player }: Context, row: EpisodeRow, turn: string, answer: Answer): TurnRow[] {
  if (!player) throw new Error(`nobody plays the turn ${turn}`)
  return answer.texts.map((text, sample) => ({
    round,
    episode: row.episode,
    turn: `${turn}/${sample}`,
    ...player,
    prompt: answer.question.prompt,
    text,
    tokens: answer.tokens[sample] ?? 0,
    verdict: null,
    reward: null,
  }))
}

function gradeText(task: ReturnType<typeof taskOf>, problem: string, text: string): boolean {
  const steps = parseSolution(text)
  return steps !== null && task.grade(problem, steps)
}

function pair(rows: EpisodeRow[], answers: Answer[]): [EpisodeRow, Answer][] {
  const byKey = new Map(answers.map((answer) => [answer.question.key, answer]))
  return rows.flatMap((row): [EpisodeRow, Answer][] => {
    const answer = byKey.get(String(row.episode))
    return answer ? [[row, answer]] : []
  })
}

function merge(parts: Rows[]): Rows {
  return {
    items: parts.flatMap((part) => part.items),
    episodes: parts.flatMap((part) => part.episodes),
    turns: parts.flatMap((part) => part.turns),
  }
}
