import { groupBy, range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { Answer, Context, EpisodeRow, ItemRow, Phase, Rows, Sampling } from '../../shared/recipe.ts'
import { logistic, type PairJudge } from '../../tasks/pair-judge.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'
import { answeredGames } from '../preferences/answers.ts'
import { answerTokens, readAnswer, splitPrompts } from '../preferences/prompts.ts'
import { winMatrix, winShares } from '../preferences/wins.ts'
import { dot, fitBradleyTerry, type Comparison } from './bradley-terry.ts'
import type { SpoConfig } from './config.ts'
import { COMPARISONS, readComparisons, readGroup, readRewardModel, REWARD_MODEL } from './games.ts'

/** The parts of an iteration of SPO, in order. */
const nothing: Rows = { items: [], episodes: [], turns: [] }
const groups = (config: SpoConfig): number => config.play.groups

const sampling = ({ play, task }: SpoConfig): Sampling => ({
  samples: play.answers,
  temperature: 1,
  maximumNewTokens: answerTokens(pairJudgeFrom(task)),
})

/** The prompts take turns, so that group i has the same one in every round and its queue is about the same thing. */
const ask: Phase<SpoConfig>['ask'] = ({ config, from, to }) => {
  const { train } = splitPrompts(pairJudgeFrom(config.task))
  return range(from, to).map((item) => ({ key: String(item), prompt: train[item % train.length] ?? '' }))
}

/** ξ_1 … ξ_k ~ π_t, a group for each prompt. */
export const answer: Phase<SpoConfig> = {
  summary: 'The policy answers each prompt k times',
  items: groups,
  sampling,
  ask,
  answer: (context, _rows, answers) => answeredGames(context, answers),
}

/** The judge compares each answer with the others of its group, and with the queue: the same group's answers of rounds before. */
export const compare: Phase<SpoConfig> = {
  summary: 'The judge compares the answers of each group with one another and with the queue',
  items: groups,
  reads: ({ config, round }) => ({ rounds: range(Math.max(1, round - config.play.queue), round + 1), sets: [] }),
  answer({ config, round, phase }, rows) {
    const judge = pairJudgeFrom(config.task)
    const said = groupBy(rows.turns, (turn) => turn.episode)
    const { votes, noise } = config.judge
    const episodes = rows.episodes
      .filter((row) => row.round === round)
      .map((row): EpisodeRow => {
        const { prompt, episode } = readGroup(row)
        const [now, before] = [true, false].map((ofThisRound) =>
          (said.get(episode) ?? []).filter((turn) => (turn.round === round) === ofThisRound).map(({ text }) => text),
        )
        const [answers = [], queue = []] = [now, before].map((texts) => texts?.map((text) => readAnswer(judge, text)))
        const wins = winMatrix(judge, { prompt, answers, queue }, { votes, noise }, config.seed, round, phase, episode)
        return { ...row, data: { ...row.data, opponents: [...(now ?? []), ...(before ?? [])], wins } }
      })
    return { ...nothing, episodes }
  },
}

/** Baseline: the first policy's answers are compared, as often as a run of self-play would compare in all its rounds. */
export const collect: Phase<SpoConfig> = {
  summary: 'Comparisons for a reward model that is fitted once',
  items: (config) => config.play.groups * config.rounds,
  sampling,
  ask,
  answer({ config, round, phase }, _rows, answers) {
    const judge = pairJudgeFrom(config.task)
    const { votes, noise } = config.judge
    const items = answers.map(({ question: { key, prompt }, texts }): ItemRow => {
      const said = texts.map((text) => readAnswer(judge, text))
      const wins = winMatrix(judge, { prompt, answers: said }, { votes, noise }, config.seed, round, phase, key)
      return { round, set: COMPARISONS, item: Number(key), data: { prompt, opponents: texts, wins } }
    })
    return { ...nothing, items }
  },
}

/** Baseline: the Bradley–Terry model of what was compared. */
export const fit: Phase<SpoConfig> = {
  summary: 'Fit a Bradley–Terry reward model to the comparisons',
  items: () => 1,
  reads: ({ round }) => ({ rounds: [round], sets: [COMPARISONS], whole: true }),
  answer({ config, round }, rows) {
    const judge = pairJudgeFrom(config.task)
    const compared =
      config.reward.from === 'fitted once' ? rows.items.map(readComparisons) : rows.episodes.map(readGroup)
    const comparisons = compared.flatMap((group) => differences(judge, config.play.answers, group))
    const data = { weights: fitBradleyTerry(comparisons), comparisons: comparisons.length }
    return { ...nothing, items: [{ round, set: REWARD_MODEL, item: 0, data }] }
  },
}

/** Each pair of a group once. The model is not asked about texts that are no answers. */
function differences(
  judge: PairJudge,
  answers: number,
  { prompt, opponents, wins }: { prompt: string; opponents: string[]; wins: number[][] },
): Comparison[] {
  const seen = opponents.map((text) => {
    const said = readAnswer(judge, text)
    return said === null ? null : judge.features(prompt, said)
  })
  return range(0, answers).flatMap((i) =>
    range(i + 1, answers).flatMap((j): Comparison[] => {
      const [left, right] = [seen[i], seen[j]]
      if (!left || !right) return []
      return [{ difference: left.map((value, index) => value - (right[index] ?? 0)), wins: wins[i]?.[j] ?? 0.5 }]
    }),
  )
}

/** log π_t of what was said, for the entropy term. */
export const score: Phase<SpoConfig> = {
  summary: 'How likely was each answer?',
  items: groups,
  ask(_context, rows) {
    return rows.episodes.map(readGroup).map(({ episode, prompt, opponents }) => ({
      key: String(episode),
      prompt,
      candidates: opponents.slice(0, rows.turns.filter((turn) => turn.episode === episode).length),
    }))
  },
  answer(_context, rows, answers) {
    const scored = new Map(answers.map((one: Answer) => [Number(one.question.key), one.logProbabilities ?? []]))
    const episodes = rows.episodes.map((row): EpisodeRow => {
      return { ...row, data: { ...row.data, logProbabilities: scored.get(row.episode) ?? [] } }
    })
    return { ...nothing, episodes }
  },
}

/** r(ξ_i) = 1/|Q| Σ_j P(ξ_i > ξ_j), as the judge told it or as the reward model predicts it, and the pull of the entropy. */
export const reward: Phase<SpoConfig> = {
  summary: 'The reward of an answer is its share of wins',
  items: groups,
  reads: (context) => ({
    rounds: [...new Set([modelRound(context), context.round])],
    sets: [REWARD_MODEL],
    whole: true,
  }),
  answer({ config, round, phase, from, to }, rows) {
    const judge = pairJudgeFrom(config.task)
    const model = rows.items.map(readRewardModel)[0]?.weights ?? null
    const said = groupBy(
      rows.turns.filter((turn) => turn.round === round),
      (turn) => turn.episode,
    )
    const mine = rows.episodes.filter((row) => row.round === round && row.item >= from && row.item < to)
    const turns = mine.map(readGroup).flatMap(({ episode, prompt, opponents, wins, logProbabilities }) => {
      const told = winShares(model ? predictedWins(judge, model, prompt, opponents, wins.length) : wins)
      const middle = mean(logProbabilities)
      const rewards = told.map((share, index) => {
        return share - config.reward.entropy * ((logProbabilities[index] ?? middle) - middle)
      })
      const place = new Stream(config.seed, round, phase, episode)
      const order = config.judge.signal === 'shuffled' ? place.permutation(rewards.length) : range(0, rewards.length)
      return (said.get(episode) ?? []).map((turn, index) => ({ ...turn, reward: rewards[order[index] ?? 0] ?? 0.5 }))
    })
    return { ...nothing, turns }
  },
}

/** The round whose reward model counts. */
const modelRound = ({ config, round }: Context<SpoConfig>): number => (config.reward.from === 'fitted once' ? 1 : round)

/** What the reward model makes of the same comparisons; a text that is no answer loses to every answer. */
function predictedWins(
  judge: PairJudge,
  model: readonly number[],
  prompt: string,
  opponents: readonly string[],
  answers: number,
): number[][] {
  const scores = opponents.map((text) => {
    const said = readAnswer(judge, text)
    return said === null ? -Infinity : dot(model, judge.features(prompt, said))
  })
  return scores.slice(0, answers).map((left) => scores.map((right) => (left === right ? 0.5 : logistic(left - right))))
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
