import { groupBy, range, sum } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { EpisodeRow, ItemRow, Phase, Reading, Rows, TurnRow } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import type { Task } from '../../tasks/task.ts'
import { critiqueQuestion, critiqueSampling, critiquesOf, critiqueTurns } from '../spc/critique.ts'
import { solutionTokens } from '../spc/lengths.ts'
import { problemAt, rightAnswer } from '../spc/problems.ts'
import { parseVerdict, solverPrompt, spcVocabulary } from '../spc/prompts.ts'
import { BUDGET, votesByBudget } from './budget.ts'
import { anyIncorrect, type Candidate, doubted, stepsToJudge, votesOf } from './candidates.ts'
import type { SelfCheckConfig } from './config.ts'
import { CHECKED, type Checked, mapWays, readSampled, type Sampled, type Way } from './rows.ts'
import { affordable, majority, voteAgain } from './vote.ts'

/** The parts of a check, in the order of CriticBench's section 5. The problems and their solutions are round 0's. */
const nothing: Rows = { items: [], episodes: [], turns: [] }
const problems = (config: SelfCheckConfig): number => config.check.problems
const problemOf = (config: SelfCheckConfig, item: number): string => problemAt(config, 'test', 'self-check', item)

/** k answers, and those that the baseline may spend. */
export const sample: Phase<SelfCheckConfig> = {
  summary: 'The solver answers each test problem k times, and more often for the baseline of more votes',
  items: problems,
  sampling: ({ check, task }) => ({
    samples: check.answers + check.spareAnswers,
    temperature: check.temperature,
    maximumNewTokens: solutionTokens(taskFrom(task)),
  }),
  ask: ({ config, from, to }) =>
    range(from, to).map((item) => ({ key: String(item), prompt: solverPrompt(problemOf(config, item)) })),
  answer({ config, round }, _rows, answers) {
    const task = taskFrom(config.task)
    const items = answers.flatMap(({ question, texts, tokens }): ItemRow[] => {
      const item = Number(question.key)
      const problem = problemOf(config, item)
      const byBudget = votesByBudget(votesOf(task, problem, texts), tokens, rightAnswer(task, problem))
      return [
        { round, set: 'problems', item, data: { problem, solutions: texts, tokens } },
        { round, set: BUDGET, item, data: { ...byBudget } },
      ]
    })
    return { ...nothing, items }
  },
}

/** The problems of the shard, with this round's games about them. */
const reads = ({ round }: { round: number }): Reading => ({ rounds: [...new Set([0, round])], sets: ['problems'] })

/** The critic judges the candidates of the uncertain problems, step by step. */
export const criticise: Phase<SelfCheckConfig> = {
  summary: 'The critic judges the candidates for every answer that is in doubt',
  items: problems,
  sampling: (config) => critiqueSampling(config, 1, 0),
  reads,
  ask({ config }, rows) {
    const task = taskFrom(config.task)
    return rows.items
      .map(readSampled)
      .flatMap((sampled) =>
        doubted(config, task, sampled).flatMap(({ steps }, candidate) =>
          stepsToJudge(sampled.problem, steps).map((judged, step) =>
            critiqueQuestion(config, `${sampled.item}/${candidate}/${step}`, judged),
          ),
        ),
      )
  },
  answer({ config, round, player }, _rows, answers) {
    if (!player) throw new Error('nobody judges')
    const turns = answers.flatMap((answer): TurnRow[] => {
      const [item, candidate = 0, step = 0] = answer.question.key.split('/').map(Number)
      const turn = { round, episode: item ?? 0, turn: turnName(candidate, step), ...player, reward: null }
      return critiquesOf(config, answer).flatMap((critique) => critiqueTurns(turn, critique))
    })
    const episodes = [...new Set(turns.map(({ episode }) => episode))].map((item): EpisodeRow => ({
      round,
      episode: item,
      item,
      data: {},
      outcome: null,
    }))
    return { ...nothing, episodes, turns }
  },
}

const turnName = (candidate: number, step: number): string => `criticise/${candidate}/${step}/0`

/** A problem, its candidates as the critic judged them, and what that cost. */
interface Judged {
  sampled: Sampled
  candidates: JudgedCandidate[]
  critiques: TurnRow[]
}
interface JudgedCandidate extends Candidate {
  incorrect: boolean
  /** Verdicts that cannot be read. */
  unreadable: number
}

/** Candidates judged incorrect are dropped and the others vote again, beside all other ways to spend as much. */
export const vote: Phase<SelfCheckConfig> = {
  summary: 'Candidates judged incorrect are dropped, and the others vote again',
  items: problems,
  reads,
  answer({ config, round, phase, from }, rows) {
    const task = taskFrom(config.task)
    const vocabulary = spcVocabulary(task)
    const { answers } = config.check
    const critiques = groupBy(
      rows.turns.filter((turn) => turn.round === round),
      (turn) => turn.episode,
    )
    const judged = rows.items.map((row) => judge(config, task, readSampled(row), critiques))
    const verdicts = judged.flatMap(({ candidates }) => candidates.map(({ incorrect }) => incorrect))
    const order = new Stream(config.seed, round, phase, from).permutation(verdicts.length)
    const dealt = order.map((index) => verdicts[index] === true).values()
    const read = (text: string): number => vocabulary.encode(text).length

    const results = judged.map(({ sampled, candidates, critiques: said }): { item: number; data: Checked } => {
      const { item, problem, solutions, tokens } = sampled
      const right = rightAnswer(task, problem)
      const votes = votesOf(task, problem, solutions)
      const ofFirst = (count: number): string | null => majority(votes.slice(0, count))
      const by = (incorrect: (candidate: JudgedCandidate) => boolean): string | null =>
        candidates.length === 0
          ? ofFirst(answers)
          : voteAgain(candidates.map((candidate) => ({ ...candidate, incorrect: incorrect(candidate) })))

      const spare = tokens.slice(answers)
      const asked = read(solverPrompt(problem))
      const generated = sum(said.map((turn) => turn.tokens))
      const prompts = sum(said.map((turn) => read(turn.prompt)))
      const further = affordable(generated, spare)
      const furtherRead = affordable(
        generated + prompts,
        spare.map((cost) => cost + asked),
      )
      const end: Record<Way, string | null> = {
        majority: ofFirst(answers),
        checked: by(({ incorrect }) => incorrect),
        moreVotes: ofFirst(answers + further),
        moreVotesRead: ofFirst(answers + furtherRead),
        shuffled: by(() => dealt.next().value === true),
        checker: by(({ steps }) => !sound(task, problem, steps)),
      }
      const data: Checked = {
        uncertain: candidates.length > 0,
        right: mapWays((way) => end[way] === right),
        candidates: candidates.map(({ answer, incorrect, unreadable }) => {
          return { right: answer === right, incorrect, unreadable }
        }),
        tokens: generated,
        short: furtherRead === spare.length && candidates.length > 0,
      }
      return { item, data }
    })
    return {
      items: results.map(({ item, data }) => ({ round, set: CHECKED, item, data: { ...data } })),
      episodes: results
        .filter(({ data }) => data.uncertain)
        .map(({ item, data }) => ({ round, episode: item, item, data: {}, outcome: outcomeOf(data) })),
      turns: [],
    }
  },
}

/** The exact checker in the critic's place. */
const sound = (task: Task, problem: string, steps: readonly string[]): boolean =>
  steps.every((step, index) => task.check(problem, steps.slice(0, index), step))

function judge(
  config: SelfCheckConfig,
  task: Task,
  sampled: Sampled,
  critiques: ReadonlyMap<number, TurnRow[]>,
): Judged {
  const mine = critiques.get(sampled.item) ?? []
  const said = new Map(mine.map((turn) => [turn.turn, parseVerdict(turn.text)]))
  const candidates = doubted(config, task, sampled).map((candidate, index) => {
    const verdicts = candidate.steps.map((_, step) => said.get(turnName(index, step)) ?? null)
    const unreadable = verdicts.filter((verdict) => verdict === null).length
    return { ...candidate, incorrect: anyIncorrect(verdicts), unreadable }
  })
  return { sampled, candidates, critiques: mine }
}

/** What the check did to the majority answer. */
export const outcomes = {
  broken: 'the check turned a right answer into a wrong one',
  mended: 'the check turned a wrong answer into the right one',
  'kept right': 'the answer was right and stayed',
  'kept wrong': 'the answer was wrong before and after',
} as const

function outcomeOf({ right }: Checked): keyof typeof outcomes {
  if (right.majority) return right.checked ? 'kept right' : 'broken'
  return right.checked ? 'mended' : 'kept wrong'
}
