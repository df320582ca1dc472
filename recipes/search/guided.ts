import { range } from '../../shared/collections.ts'
import type { Answer, EpisodeRow, Phase, PlayContext, Reading, Rows, TurnRow } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { critiqueQuestion, critiqueSampling, critiquesOf, type StepToJudge } from '../spc/critique.ts'
import { stepTokens } from '../spc/lengths.ts'
import { problemAt } from '../spc/problems.ts'
import { opening, type Verdict } from '../spc/prompts.ts'
import { goesOn, judge as withJudgement, propose as withProposal, standing, start } from './chain.ts'
import type { SearchConfig } from './config.ts'
import { type Judge, judges, readSearch, type Search } from './rows.ts'

/**
 * The phases of guided search. Each is played for one judge, whose name follows its own, and many times in a round:
 * `retry/critic/2/3`. Which chains it is about, the chains themselves say.
 */
type Context = PlayContext<SearchConfig>

export const problems = ({ search }: SearchConfig): number => search.problems
export const problemOf = (config: SearchConfig, item: number): string =>
  problemAt(config, config.search.split, 'search', item)

function judgeOf({ phase }: Context): Judge {
  const found = judges.find((name) => name === phase.split('/')[1])
  if (!found) throw new Error(`phase ${phase} names no judge`)
  return found
}

export const open: Phase<SearchConfig> = {
  summary: 'Opens the chains of each problem',
  items: problems,
  answer(context) {
    const { config, round, from, to } = context
    const { chains } = config.search
    const name = judgeOf(context)
    const episodes = range(from, to).flatMap((item) => {
      const problem = problemOf(config, item)
      const search: Search = {
        problem,
        judge: name,
        ...start,
        attempts: 0,
        tokens: { solver: 0, critic: 0 },
        checks: [],
      }
      const first = (item * judges.length + judges.indexOf(name)) * chains
      return range(first, first + chains).map((episode): EpisodeRow => {
        return { round, episode, item, data: { ...search }, outcome: null }
      })
    })
    return { items: [], episodes, turns: [] }
  },
}

/** The games of the shard in this round. */
const reads = ({ round }: { round: number }): Reading => ({ rounds: [round], sets: [] })

interface Game {
  row: EpisodeRow
  search: Search
}

/** Games of the phase's judge whose chains wait for the phase. */
function waiting(context: Context, rows: Rows, waits: (search: Search) => boolean): Game[] {
  const name = judgeOf(context)
  return rows.episodes
    .map((row) => ({ row, search: readSearch(row) }))
    .filter(({ search }) => search.judge === name && waits(search))
}

/** The rows of games in which the player said something: the game after it, and the turn. */
function played(
  { round, player }: Context,
  games: readonly Game[],
  answers: readonly Answer[],
  what: 'attempt' | 'check',
  say: (search: Search, answer: Answer) => Said,
): Rows {
  if (!player) throw new Error(`nobody plays the turn ${what}`)
  const byKey = new Map(answers.map((answer) => [answer.question.key, answer]))
  const episodes: EpisodeRow[] = []
  const turns: TurnRow[] = []
  for (const { row, search: old } of games) {
    const answer = byKey.get(String(row.episode))
    if (!answer) continue
    const { search, ...words } = say(old, answer)
    const step = search.steps.length + (search.state === 'broken' ? 1 : 0)
    const turn = `${step}/${search.attempt}/${what}/0`
    episodes.push({ ...row, data: { ...search } })
    turns.push({ round, episode: row.episode, turn, ...player, ...words, reward: null })
  }
  return { items: [], episodes, turns }
}
type Said = Pick<TurnRow, 'prompt' | 'text' | 'tokens' | 'verdict'> & { search: Search }

/** A phase in which the solver says a step of each chain that waits for one. */
const solverSays = (
  summary: string,
  temperature: (search: SearchConfig['search']) => number,
  waits: (search: Search) => boolean,
): Phase<SearchConfig> => ({
  summary,
  items: problems,
  sampling: ({ search, task }) => {
    return { samples: 1, temperature: temperature(search), maximumNewTokens: stepTokens(taskFrom(task)) }
  },
  reads,
  ask: (context, rows) =>
    waiting(context, rows, waits).map(({ row, search }) => ({
      key: String(row.episode),
      prompt: opening(search.problem, standing(search)),
    })),
  answer(context, rows, answers) {
    const { task, search: settings } = context.config
    return played(context, waiting(context, rows, waits), answers, 'attempt', (search, { question, texts, tokens }) => {
      const [text = ''] = texts
      const [spent = 0] = tokens
      const after: Search = {
        ...search,
        ...withProposal(search, taskFrom(task), text, settings),
        attempts: search.attempts + 1,
        tokens: { ...search.tokens, solver: search.tokens.solver + spent },
      }
      return { search: after, prompt: question.prompt, text, tokens: spent, verdict: null }
    })
  },
})

export const propose = solverSays(
  'The solver proposes the next step of each chain',
  ({ firstTemperature, temperature }) => firstTemperature ?? temperature,
  goesOn,
)

export const retry = solverSays(
  'The solver tries the rejected steps again',
  ({ temperature }) => temperature,
  ({ state }) => state === 'rejected',
)

const isProposed = ({ state }: Search): boolean => state === 'proposed'
const underWay = ({ problem, steps }: Search): StepToJudge => {
  return { problem, done: steps.slice(0, -1), step: steps.at(-1) ?? '' }
}

/** A game after a verdict on its last step. */
function withVerdict(config: SearchConfig, search: Search, verdict: Verdict | null): Search {
  const { problem, done } = underWay(search)
  const right = isSound(config, problem, done) ? isSound(config, problem, search.steps) : null
  return { ...search, ...withJudgement(search, verdict, config.search), checks: [...search.checks, { right, verdict }] }
}

const isSound = (config: SearchConfig, problem: string, steps: readonly string[]): boolean =>
  steps.every((step, index) => taskFrom(config.task).check(problem, steps.slice(0, index), step))

export const check: Phase<SearchConfig> = {
  summary: 'The critic judges the proposed steps',
  items: problems,
  sampling: (config) => critiqueSampling(config, 1, 0),
  reads,
  ask: (context, rows) =>
    waiting(context, rows, isProposed).map(({ row, search }) =>
      critiqueQuestion(context.config, String(row.episode), underWay(search)),
    ),
  answer: (context, rows, answers) =>
    played(context, waiting(context, rows, isProposed), answers, 'check', (search, answer) => {
      const [critique = { prompt: answer.question.prompt, text: '', tokens: 0, verdict: null }] = critiquesOf(answer)
      const tokens = { ...search.tokens, critic: search.tokens.critic + critique.tokens }
      return { search: { ...withVerdict(context.config, search, critique.verdict), tokens }, ...critique }
    }),
}

export const verify: Phase<SearchConfig> = {
  summary: 'The exact checker judges the proposed steps',
  items: problems,
  reads,
  answer(context, rows) {
    const { config } = context
    const episodes = waiting(context, rows, isProposed).map(({ row, search }): EpisodeRow => {
      const { problem, done, step } = underWay(search)
      const verdict = taskFrom(config.task).check(problem, done, step) ? 'Correct' : 'Incorrect'
      return { ...row, data: { ...withVerdict(config, search, verdict) } }
    })
    return { items: [], episodes, turns: [] }
  },
}
