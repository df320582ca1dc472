import { groupBy, range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { EpisodeRow, Phase, Rows, TurnRow } from '../../shared/recipe.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'
import { answeredGames } from '../preferences/answers.ts'
import { answerTokens, readAnswer, splitPrompts } from '../preferences/prompts.ts'
import { winMatrix, winShares } from '../preferences/wins.ts'
import type { SppoConfig } from './config.ts'
import { type Game, outcomeOf, readGame } from './games.ts'

/** The parts of a round of SPPO that make its pairs, in the order of the paper's Algorithm 1. */
const nothing: Rows = { items: [], episodes: [], turns: [] }
/** What they read of a configuration: a recipe with another lesson may play the same games. */
type Games = Pick<SppoConfig, 'seed' | 'task' | 'play' | 'judge'>
const prompts = (config: Games): number => config.play.prompts

/** y_1 … y_K ~ π_t(· | x), for prompts that are drawn anew in each round. */
export const answer: Phase<Games> = {
  summary: 'The policy answers each prompt K times',
  items: prompts,
  sampling: ({ play, task }) => ({
    samples: play.answers,
    temperature: play.temperature,
    maximumNewTokens: answerTokens(pairJudgeFrom(task)),
  }),
  ask({ config, round, from, to }) {
    const { train } = splitPrompts(pairJudgeFrom(config.task))
    return range(from, to).map((item) => ({
      key: String(item),
      prompt: new Stream(config.seed, 'prompt', round, item).draws().pick(train),
    }))
  },
  answer: (context, _rows, answers) => answeredGames(context, answers),
}

/** P(y_i > y_j | x) of all pairs, and from it the best and the worst answer. */
export const judge: Phase<Games> = {
  summary: 'The judge compares the answers to each prompt with one another',
  items: prompts,
  answer({ config, round, phase }, rows) {
    const pairJudge = pairJudgeFrom(config.task)
    const said = groupBy(rows.turns, (turn) => turn.episode)
    const { votes, noise, signal } = config.judge
    const judged = rows.episodes.map((row) => {
      const { prompt, episode } = readGame(row)
      const turns = said.get(episode) ?? []
      const answers = turns.map(({ text }) => readAnswer(pairJudge, text))
      const path = [config.seed, round, phase, episode]
      const wins = winMatrix(pairJudge, { prompt, answers }, { votes, noise }, ...path)
      const earned = winShares(wins)
      const order = signal === 'shuffled' ? new Stream(...path, 'shuffle').permutation(answers.length) : null
      const shares = order ? order.map((index) => earned[index] ?? 0) : earned
      const chosen = shares.indexOf(Math.max(...shares))
      const rejected = shares.indexOf(Math.min(...shares))
      // Two texts that are the same teach nothing about either.
      const tie = turns[chosen]?.text === turns[rejected]?.text
      const data = { ...row.data, wins, shares, chosen, rejected }
      return {
        episode: { ...row, data, outcome: tie ? 'tie' : null },
        turns: turns.map((turn, index) => ({ ...turn, reward: shares[index] ?? null })),
      }
    })
    return {
      items: [],
      episodes: judged.map(({ episode }) => episode),
      turns: judged.flatMap(({ turns }) => turns),
    }
  },
}

/** The two texts of a game's pair, after all answers were judged. */
function pairOf(game: Game, turns: readonly TurnRow[]): [string, string] {
  const text = (sample: number): string => turns.find(({ turn }) => turn === `answer/${sample}`)?.text ?? ''
  return [text(game.chosen), text(game.rejected)]
}

/** log π of both answers of each pair, by whoever plays: the direction of learning is their difference over the update. */
function scorePairs(summary: string, place: 'before' | 'after'): Phase<Games> {
  return {
    summary,
    items: prompts,
    ask(_context, rows) {
      const said = groupBy(rows.turns, (turn) => turn.episode)
      return rows.episodes
        .map(readGame)
        .filter(({ outcome }) => outcome !== 'tie')
        .map((game) => ({
          key: String(game.episode),
          prompt: game.prompt,
          candidates: pairOf(game, said.get(game.episode) ?? []),
        }))
    },
    answer(_context, rows, answers) {
      const scored = new Map(answers.map((one) => [Number(one.question.key), one.logProbabilities ?? []]))
      const episodes = rows.episodes.flatMap((row): EpisodeRow[] => {
        const values = scored.get(row.episode)
        if (!values) return []
        const outcome = place === 'after' ? outcomeOf(readGame(row).before, values) : row.outcome
        return [{ ...row, data: { ...row.data, [place]: values }, outcome }]
      })
      return { ...nothing, episodes }
    },
  }
}

export const score = scorePairs('How likely are both answers of each pair before the update?', 'before')
export const rescore = scorePairs('How likely are they after the update?', 'after')
