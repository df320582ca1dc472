import { range } from '../../shared/collections.ts'
import type { Answer, EpisodeRow, Phase, PlayContext, Reading, Rows, TurnRow } from '../../shared/recipe.ts'
import { type Critique, critiqueTurns, type StepToJudge } from '../spc/critique.ts'
import type { Verdict } from '../spc/prompts.ts'
import { goesOn, judge as withJudgement, propose as withProposal, standing, start } from './chain.ts'
import type { Searching } from './config.ts'
import { type Judge, judges, readSearch, type Search } from './rows.ts'
import type { SearchWording } from './wording.ts'

export const problems = ({ search }: Searching): number => search.problems

/** The problems of a shard: those that stand in sets of round 0, or none, where the wording makes them. */
export const readsProblems =
  <Config>(wordingOf: (config: Config) => SearchWording) =>
  ({ config }: { config: Config }): Reading => ({ rounds: [0], sets: wordingOf(config).sets })

function judgeOf(phase: string): Judge {
  const found = judges.find((name) => name === phase.split('/')[1])
  if (!found) throw new Error(`phase ${phase} names no judge`)
  return found
}

/** The games of the shard in this round. */
const reads = ({ round }: { round: number }): Reading => ({ rounds: [round], sets: [] })

interface Game {
  row: EpisodeRow
  search: Search
}

/** Games of the phase's judge whose chains wait for the phase. */
function waiting(phase: string, rows: Rows, waits: (search: Search) => boolean): Game[] {
  const name = judgeOf(phase)
  return rows.episodes
    .map((row) => ({ row, search: readSearch(row) }))
    .filter(({ search }) => search.judge === name && waits(search))
}

/** The rows of games in which the player said something: the game after it, and the turn. */
function played(
  { round, player }: Pick<PlayContext<unknown>, 'round' | 'player'>,
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
    const step = what === 'attempt' ? standing(old).length + 1 : old.steps.length
    const turn = `${step}/${search.attempt}/${what}/0`
    episodes.push({ ...row, data: { ...search } })
    turns.push(...critiqueTurns({ round, episode: row.episode, turn, ...player, reward: null }, words))
  }
  return { items: [], episodes, turns }
}
type Said = Critique & { search: Search }

const isProposed = ({ state }: Search): boolean => state === 'proposed'
const underWay = ({ problem, steps }: Search): StepToJudge => {
  return { problem, done: steps.slice(0, -1), step: steps.at(-1) ?? '' }
}

/**
 * The phases of guided search. Each is played for one judge, whose name follows its own, and many times in a round:
 * `retry/critic/2/3`. Which chains it is about, the chains themselves say.
 */
export function guidedPhases<Config extends Searching>(wordingOf: (config: Config) => SearchWording) {
  const open: Phase<Config> = {
    summary: 'Opens the chains of each problem',
    items: problems,
    reads: readsProblems(wordingOf),
    answer({ config, round, phase, from, to }, rows) {
      const { chains } = config.search
      const judge = judgeOf(phase)
      const episodes = wordingOf(config)
        .problems(rows, from, to)
        .flatMap(({ item, problem }) => {
          const search: Search = {
            problem,
            judge,
            ...start,
            attempts: 0,
            tokens: { solver: 0, critic: 0 },
            checks: [],
          }
          const first = (2 * item + (judge === 'critic' ? 0 : 1)) * chains
          return range(first, first + chains).map((episode): EpisodeRow => {
            return { round, episode, item, data: { ...search }, outcome: null }
          })
        })
      return { items: [], episodes, turns: [] }
    },
  }

  /** A phase in which the solver says a step of each chain that waits for one. */
  const solverSays = (
    summary: string,
    temperature: (search: Searching['search']) => number,
    waits: (search: Search) => boolean,
  ): Phase<Config> => ({
    summary,
    items: problems,
    sampling(config) {
      const { tokens, ends } = wordingOf(config)
      const sampling = { samples: 1, temperature: temperature(config.search), maximumNewTokens: tokens.step }
      return ends === undefined ? sampling : { ...sampling, ends }
    },
    reads,
    ask: ({ config, phase }, rows) =>
      waiting(phase, rows, waits).map(({ row, search }) => ({
        key: String(row.episode),
        prompt: wordingOf(config).stepPrompt(search.problem, standing(search)),
      })),
    answer(context, rows, answers) {
      const { config, phase } = context
      const { proposal } = wordingOf(config)
      return played(context, waiting(phase, rows, waits), answers, 'attempt', (search, { question, texts, tokens }) => {
        const [text = ''] = texts
        const [spent = 0] = tokens
        const after: Search = {
          ...search,
          ...withProposal(search, proposal(text), config.search),
          attempts: search.attempts + 1,
          tokens: { ...search.tokens, solver: search.tokens.solver + spent },
        }
        return { search: after, prompt: question.prompt, text, tokens: spent, verdict: null, working: null }
      })
    },
  })

  const propose = solverSays(
    'The solver proposes the next step of each chain',
    ({ firstTemperature, temperature }) => firstTemperature ?? temperature,
    goesOn,
  )

  const retry = solverSays(
    'The solver tries the rejected steps again',
    ({ temperature }) => temperature,
    ({ state }) => state === 'rejected',
  )

  /** A game after a verdict on its last step. */
  function withVerdict(config: Config, search: Search, verdict: Verdict | null): Search {
    const { problem, done, step } = underWay(search)
    const { check: checked } = wordingOf(config)
    const isSound = done.every((one, index) => checked(problem, done.slice(0, index), one) !== false)
    const right = isSound ? checked(problem, done, step) : null
    return {
      ...search,
      ...withJudgement(search, verdict, config.search),
      checks: [...search.checks, { right, verdict }],
    }
  }

  const check: Phase<Config> = {
    summary: 'The critic judges the proposed steps',
    items: problems,
    sampling: (config) => wordingOf(config).critiqueSampling(1, 0),
    reads,
    ask: ({ config, phase }, rows) =>
      waiting(phase, rows, isProposed).map(({ row, search }) =>
        wordingOf(config).critiqueQuestion(String(row.episode), underWay(search)),
      ),
    answer(context, rows, answers) {
      const { config, phase } = context
      return played(context, waiting(phase, rows, isProposed), answers, 'check', (search, answer) => {
        const [critique = { prompt: answer.question.prompt, text: '', tokens: 0, verdict: null, working: null }] =
          wordingOf(config).critiques(answer)
        const tokens = { ...search.tokens, critic: search.tokens.critic + critique.tokens }
        return { search: { ...withVerdict(config, search, critique.verdict), tokens }, ...critique }
      })
    },
  }

  const verify: Phase<Config> = {
    summary: 'The proposed steps are checked without a critic',
    items: problems,
    reads,
    answer({ config, phase }, rows) {
      const episodes = waiting(phase, rows, isProposed).map(({ row, search }): EpisodeRow => {
        const { problem, done, step } = underWay(search)
        const verdict = wordingOf(config).check(problem, done, step) === false ? 'Incorrect' : 'Correct'
        return { ...row, data: { ...withVerdict(config, search, verdict) } }
      })
      return { items: [], episodes, turns: [] }
    },
  }

  return { open, propose, retry, check, verify }
}
