import { groupBy } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { Answer, Data, EpisodeRow, Phase, PlayContext, Rows, TurnRow } from '../../shared/recipe.ts'
import type { SpcConfig } from './config.ts'
import { critiqueTurns } from './critique.ts'
import { readGame, readProblem, type SolvedProblem } from './games.ts'
import { judgeValidity, rewardGame } from './rewards.ts'
import { checkRule, RULE_CHECKS } from './rule.ts'
import type { SneakyStep, Wording } from './wording.ts'

/** What a round of play reads of a configuration, whatever language its players speak. */
export type Playing = Pick<SpcConfig, 'seed'> & {
  play: Omit<SpcConfig['play'], 'generator' | 'validity'> & Partial<Pick<SpcConfig['play'], 'validity'>>
}

export const nothing: Rows = { items: [], episodes: [], turns: [] }

/** The parts of a self-play round that make or judge games, in the order of the paper's Figure 1, behind the choice of problems. */
export function playPhases<Config extends Playing>(wordingOf: (config: Config) => Wording) {
  const items = (config: Config): number => config.play.problems

  /** More solutions for the medium problems; then every correct solution offers one step, chosen at random, for a game. */
  const solve: Phase<Config> = {
    summary: 'The solver solves the medium problems more often; each correct solution gives one step to a game',
    items,
    sampling: (config) => ({
      samples: Math.max(1, config.play.mediumSolutions - config.play.presolutions),
      temperature: config.play.temperature,
      maximumNewTokens: wordingOf(config).tokens.solution,
    }),
    ask({ config }, rows) {
      if (config.play.mediumSolutions <= config.play.presolutions) return []
      return rows.items
        .map(readProblem)
        .filter(({ difficulty }) => difficulty === 'medium')
        .map(({ item, problem }) => ({ key: String(item), prompt: wordingOf(config).solverPrompt(problem) }))
    },
    answer({ config, round }, rows, answers) {
      const extra = new Map(answers.map((answer) => [answer.question.key, answer.texts]))
      const episodes = rows.items.map(readProblem).flatMap((problem) => {
        if (!problem.kept) return []
        const texts = [...problem.solutions, ...(extra.get(String(problem.item)) ?? [])]
        return texts.flatMap((text, index) => openGame(config, wordingOf(config), round, problem, text, index))
      })
      return { ...nothing, episodes }
    },
  }

  /** The sneaky generator picks an error type, explains, and writes the wrong step. */
  const deceive: Phase<Config> = {
    summary: 'The sneaky generator turns each right step into a wrong one',
    items,
    sampling: (config) => ({
      samples: 1,
      temperature: config.play.temperature,
      maximumNewTokens: wordingOf(config).tokens.deception,
    }),
    ask: ({ config }, rows) =>
      rows.episodes.map(readGame).map(({ episode, problem, done, right }) => ({
        key: String(episode),
        prompt: wordingOf(config).generatorPrompt(problem, done, right),
      })),
    answer: (context, rows, answers) =>
      merge(
        pair(rows.episodes, answers).map(([row, answer]) => {
          const deception = wordingOf(context.config).sneakyStep(answer.texts[0] ?? '')
          return { ...nothing, episodes: [withDeception(row, deception)], turns: says(context, row, 'deceive', answer) }
        }),
      ),
  }

  /** Validity: the solver that wrote the solution goes on from the original and from the sneaky step, N times each. */
  const validate: Phase<Config> = {
    summary: 'The solver completes from the original and from the sneaky step: does the error break the solution?',
    items,
    sampling: (config) => ({
      samples: config.play.rollouts,
      temperature: config.play.rolloutTemperature,
      maximumNewTokens: wordingOf(config).tokens.rollout,
    }),
    ask({ config }, rows) {
      const { rolloutPrompt } = wordingOf(config)
      return rows.episodes.map(readGame).flatMap(({ episode, problem, done, right, sneaky }) =>
        sneaky === null
          ? []
          : [
              { key: `${episode}/right`, prompt: rolloutPrompt(problem, done, right) },
              { key: `${episode}/sneaky`, prompt: rolloutPrompt(problem, done, sneaky) },
            ],
      )
    },
    answer(context, rows, answers) {
      const { isReached, check } = wordingOf(context.config)
      const byKey = new Map(answers.map((answer) => [answer.question.key, answer]))
      const validated = merge(
        rows.episodes.map((row) => {
          const game = readGame(row)
          const completed = (step: string | null, answer: Answer | undefined): number =>
            (answer?.texts ?? []).filter((text) => step !== null && isReached(game, [...game.done, step], text))
              .length / context.config.play.rollouts
          const right = byKey.get(`${row.episode}/right`)
          const sneaky = byKey.get(`${row.episode}/sneaky`)
          const checks = {
            rightSuccess: completed(game.right, right),
            sneakySuccess: completed(game.sneaky, sneaky),
            rightIsRight: check && check(game.problem, game.done, game.right),
            sneakyIsWrong: check && game.sneaky !== null && !check(game.problem, game.done, game.sneaky),
          }
          const validity = judgeValidity(context.config.play.validity ?? 'rollout', game, checks)
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
      if (check === null) return validated
      const data: Data = { ...checkRule(validated.episodes.map(readGame)) }
      return { ...validated, items: [{ round: context.round, set: RULE_CHECKS, item: context.from, data }] }
    },
  }

  /** The critic judges each valid sneaky step and, 1:1, the right step it came from; several critiques each. */
  const criticise: Phase<Config> = {
    summary: 'The critic judges each valid sneaky step, and as many right ones',
    items,
    sampling: (config) => wordingOf(config).critiqueSampling(config.play.critiques, config.play.temperature),
    ask({ config }, rows) {
      const { critiqueQuestion } = wordingOf(config)
      return rows.episodes
        .map(readGame)
        .filter(({ valid }) => valid)
        .flatMap(({ episode, problem, done, right, sneaky }) => [
          critiqueQuestion(`${episode}/right`, { problem, done, step: right }),
          critiqueQuestion(`${episode}/sneaky`, { problem, done, step: sneaky ?? '' }),
        ])
    },
    answer(context, rows, answers) {
      const episodes = new Map(rows.episodes.map((row) => [String(row.episode), row]))
      const turns = answers.flatMap((answer) => {
        const [episode = '', side = ''] = answer.question.key.split('/')
        const row = episodes.get(episode)
        if (!row) throw new Error(`a critique of the unknown episode ${episode}`)
        const place = placeOf(context, row)
        return wordingOf(context.config)
          .critiques(answer)
          .flatMap((critique, sample) => critiqueTurns({ ...place, turn: `criticise/${side}/${sample}` }, critique))
      })
      return { ...nothing, turns }
    },
  }

  /** Winner +1, loser -1 (paper, Equations 2 and 3). */
  const reward: Phase<Config> = {
    summary: 'The winner of each game gets +1, the loser -1',
    items,
    answer(_context, rows) {
      const turns = groupBy(rows.turns, (turn) => turn.episode)
      return merge(rows.episodes.map((row) => ({ ...nothing, ...rewardGame(row, turns.get(row.episode) ?? []) })))
    },
  }

  return { solve, deceive, validate, criticise, reward }
}

/** One game from one solution: a right outcome, and one of its steps. */
function openGame(
  config: Playing,
  wording: Wording,
  round: number,
  problem: SolvedProblem,
  text: string,
  solution: number,
): EpisodeRow[] {
  const steps = wording.steps(text)
  if (!steps || !wording.isSolved(problem, text)) return []
  const chosen = new Stream(config.seed, 'step', round, problem.item, solution).integer(0, steps.length)
  const most = Math.max(config.play.presolutions, config.play.mediumSolutions)
  const data: Data = {
    problem: problem.problem,
    ...(problem.answer === null ? {} : { answer: problem.answer }),
    solution: text,
    difficulty: problem.difficulty,
    done: steps.slice(0, chosen),
    right: steps[chosen] ?? '',
  }
  return [{ round, episode: problem.item * most + solution, item: problem.item, data, outcome: null }]
}

export function withDeception(row: EpisodeRow, deception: SneakyStep | null): EpisodeRow {
  const told: Data = deception
    ? { sneaky: deception.step, errorType: deception.type, explanation: deception.explanation }
    : { sneaky: null, errorType: null, explanation: null }
  return { ...row, data: { ...row.data, ...told } }
}

/** The turns of an answer: one per sample. */
function says(context: PlayContext<unknown>, row: EpisodeRow, turn: string, answer: Answer): TurnRow[] {
  const place = placeOf(context, row)
  return answer.texts.map((text, sample) => ({
    ...place,
    turn: `${turn}/${sample}`,
    prompt: answer.question.prompt,
    text,
    tokens: answer.tokens[sample] ?? 0,
    verdict: null,
  }))
}

/** What is the same of all turns of a game that are said in a phase. */
function placeOf({ round, phase, player }: PlayContext<unknown>, { episode }: EpisodeRow) {
  if (!player) throw new Error(`nobody plays the phase ${phase}`)
  return { round, episode, ...player, reward: null }
}

function pair(rows: EpisodeRow[], answers: Answer[]): [EpisodeRow, Answer][] {
  const byKey = new Map(answers.map((answer) => [answer.question.key, answer]))
  return rows.flatMap((row): [EpisodeRow, Answer][] => {
    const answer = byKey.get(String(row.episode))
    return answer ? [[row, answer]] : []
  })
}

export function merge(parts: Rows[]): Rows {
  return {
    items: parts.flatMap((part) => part.items),
    episodes: parts.flatMap((part) => part.episodes),
    turns: parts.flatMap((part) => part.turns),
  }
}
