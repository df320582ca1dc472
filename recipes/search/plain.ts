import { sum } from '../../shared/collections.ts'
import type { Answer, ItemRow, Phase, PlayContext, Question, Rows } from '../../shared/recipe.ts'
import { BUDGET, votesByBudget } from '../self-check/budget.ts'
import { stepsToJudge } from '../self-check/candidates.ts'
import { readSampled, type Sampled } from '../self-check/rows.ts'
import type { Vote } from '../self-check/vote.ts'
import type { Critique, StepToJudge } from '../spc/critique.ts'
import type { Searching } from './config.ts'
import { problems, readsProblems } from './guided.ts'
import { JUDGED, type JudgedChain } from './rows.ts'
import type { Answers, SearchWording } from './wording.ts'

/** Each plain chain as a vote for the answer that it states. */
export function votesOf({ steps }: SearchWording, answers: Answers, solutions: readonly string[]): Vote[] {
  return solutions.map((text) => {
    const stated = steps(text)
    return { answer: stated && answers.of(stated), weight: 1 }
  })
}

/** The phases in which whole solutions are said in one go: what guided search is compared with. */
export function plainPhases<Config extends Searching>(wordingOf: (config: Config) => SearchWording) {
  const reads = readsProblems(wordingOf)
  const ofShard = ({ config, from, to }: PlayContext<Config>, rows: Rows) => wordingOf(config).problems(rows, from, to)
  const ask = (context: PlayContext<Config>, rows: Rows): Question[] =>
    ofShard(context, rows).map(({ item, problem }) => ({
      key: String(item),
      prompt: wordingOf(context.config).solverPrompt(problem),
    }))

  const solve: Phase<Config> = {
    summary: 'The solver answers each problem many times, unguided',
    items: problems,
    sampling: (config) => ({
      samples: config.search.votes,
      temperature: config.search.temperature,
      maximumNewTokens: wordingOf(config).tokens.solution,
    }),
    reads,
    ask,
    answer(context, rows, given) {
      const { round, config } = context
      const wording = wordingOf(config)
      const said = new Map(given.map((answer) => [answer.question.key, answer]))
      const items = ofShard(context, rows).flatMap(({ item, ...posed }): ItemRow[] => {
        const { texts: solutions = [], tokens = [] } = said.get(String(item)) ?? {}
        const answers = wording.answers(posed)
        const byBudget = votesByBudget(votesOf(wording, answers, solutions), tokens, answers.right)
        return [
          { round, set: 'problems', item, data: { ...posed, solutions, tokens } },
          { round, set: BUDGET, item, data: { ...byBudget } },
        ]
      })
      return { items, episodes: [], turns: [] }
    },
  }

  /** Its items are of a set of the phase's whole name, which says who answers: see greedySet. */
  const greedy: Phase<Config> = {
    summary: 'A greedy answer to each problem',
    items: problems,
    sampling: (config) => ({ samples: 1, temperature: 0, maximumNewTokens: wordingOf(config).tokens.solution }),
    reads,
    ask,
    answer(context, rows, given) {
      const { round, phase, config } = context
      const wording = wordingOf(config)
      const said = new Map(given.map((answer) => [answer.question.key, answer]))
      const items = ofShard(context, rows).map(({ item, ...posed }): ItemRow => {
        const { texts = [], tokens: [tokens = 0] = [] } = said.get(String(item)) ?? {}
        const answers = wording.answers(posed)
        const [vote] = votesOf(wording, answers, texts)
        const right = vote !== undefined && vote.answer !== null && vote.answer === answers.right
        return { round, set: phase, item, data: { right, tokens } }
      })
      return { items, episodes: [], turns: [] }
    },
  }

  /** Steps to judge of the first plain chains, by chain. */
  const placesOf = (config: Config, { problem, solutions }: Sampled): StepToJudge[][] =>
    solutions.slice(0, config.search.judged).map((text) => stepsToJudge(problem, wordingOf(config).steps(text) ?? []))
  const keyOf = (item: number, { done, step }: StepToJudge): string => `${item}/${JSON.stringify([...done, step])}`

  const saidOf = (config: Config, answers: readonly Answer[]): Map<string, Critique | undefined> =>
    new Map(answers.map((answer) => [answer.question.key, wordingOf(config).critiques(answer)[0]]))

  /** The next step of each chain that the critic has not stopped reading. Each place once: the critic is greedy, and says the same again. */
  function readOn(config: Config, rows: Rows, answers: readonly Answer[]): Question[] {
    const said = saidOf(config, answers)
    const places = rows.items.map(readSampled).flatMap((sampled) =>
      placesOf(config, sampled).flatMap((chain): [string, StepToJudge][] => {
        const keyed = chain.map((place): [string, StepToJudge] => [keyOf(sampled.item, place), place])
        const next = keyed.find(([key]) => !said.has(key) || said.get(key)?.verdict === 'Incorrect')
        return next && !said.has(next[0]) ? [next] : []
      }),
    )
    return [...new Map(places)].map(([key, place]) => wordingOf(config).critiqueQuestion(key, place))
  }

  /** For best-of-n: where in each of the first plain chains does the critic stop reading? */
  const judgeSolutions: Phase<Config> = {
    summary: 'The critic judges whole solutions step by step, for best-of-n',
    items: problems,
    sampling: (config) => wordingOf(config).critiqueSampling(1, 0),
    reads: () => ({ rounds: [0], sets: ['problems'] }),
    ask: ({ config }, rows) => readOn(config, rows, []),
    askOn: ({ config }, rows, answers) => readOn(config, rows, answers),
    answer({ config, round }, rows, answers) {
      const said = saidOf(config, answers)
      const items = rows.items.map(readSampled).map((sampled): ItemRow => {
        const chains = placesOf(config, sampled).map((places): JudgedChain => {
          const all = places.map((place) => said.get(keyOf(sampled.item, place)))
          const stop = all.findIndex((critique) => critique?.verdict === 'Incorrect')
          const read = stop < 0 ? all : all.slice(0, stop + 1)
          return {
            accepted: stop < 0 ? all.length : stop,
            whole: stop < 0 && all.length > 0,
            tokens: sum(read.map((critique) => critique?.tokens ?? 0)),
          }
        })
        return { round, set: JUDGED, item: sampled.item, data: { chains } }
      })
      return { items, episodes: [], turns: [] }
    },
  }

  return { solve, greedy, judgeSolutions }
}
