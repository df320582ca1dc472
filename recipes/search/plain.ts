import { range, sum } from '../../shared/collections.ts'
import type { ItemRow, Phase, PlayContext, Question } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { BUDGET, votesByBudget } from '../self-check/budget.ts'
import { stepsToJudge } from '../self-check/candidates.ts'
import { readSampled, type Sampled } from '../self-check/rows.ts'
import { critiqueQuestion, critiqueSampling, critiquesOf, type StepToJudge } from '../spc/critique.ts'
import { solutionTokens } from '../spc/lengths.ts'
import { solutionSteps } from '../spc/problems.ts'
import { solverPrompt } from '../spc/prompts.ts'
import type { SearchConfig } from './config.ts'
import { problemOf, problems } from './guided.ts'
import { JUDGED, type JudgedChain } from './rows.ts'

/** Whole solutions, said in one go: what guided search is compared with. */
const wholeProblems = ({ config, from, to }: PlayContext<SearchConfig>): Question[] =>
  range(from, to).map((item) => ({ key: String(item), prompt: solverPrompt(problemOf(config, item)) }))

export const solve: Phase<SearchConfig> = {
  summary: 'The solver answers each problem many times, unguided',
  items: problems,
  sampling: ({ search, task }) => ({
    samples: search.votes,
    temperature: search.temperature,
    maximumNewTokens: solutionTokens(taskFrom(task)),
  }),
  ask: wholeProblems,
  answer({ config, round }, _rows, answers) {
    const items = answers.flatMap(({ question, texts, tokens }): ItemRow[] => {
      const item = Number(question.key)
      const data = { problem: problemOf(config, item), solutions: texts, tokens }
      return [
        { round, set: 'problems', item, data },
        { round, set: BUDGET, item, data: { ...votesByBudget(taskFrom(config.task), data) } },
      ]
    })
    return { items, episodes: [], turns: [] }
  },
}

/** Its items are of a set of the phase's whole name, which says who answers: see greedySet. */
export const greedy: Phase<SearchConfig> = {
  summary: 'A greedy answer to each problem',
  items: problems,
  sampling: ({ task }) => ({ samples: 1, temperature: 0, maximumNewTokens: solutionTokens(taskFrom(task)) }),
  ask: wholeProblems,
  answer({ config, round, phase }, _rows, answers) {
    const task = taskFrom(config.task)
    const items = answers.map(({ question, texts: [text = ''], tokens: [tokens = 0] }): ItemRow => {
      const item = Number(question.key)
      const right = task.grade(problemOf(config, item), solutionSteps(task, text) ?? [])
      return { round, set: phase, item, data: { right, tokens } }
    })
    return { items, episodes: [], turns: [] }
  },
}

/** The steps of the chains that the critic judges, each place once: it is greedy, and says the same again. */
function distinctSteps({ search, task }: SearchConfig, { problem, solutions }: Sampled): Map<string, StepToJudge> {
  const chains = solutions.slice(0, search.judged).map((text) => solutionSteps(taskFrom(task), text) ?? [])
  return new Map(chains.flatMap((steps) => stepsToJudge(problem, steps)).map((place) => [nameOf(place), place]))
}
const nameOf = ({ done, step }: StepToJudge): string => [...done, step].join(';')

/** For best-of-n: where in each of the first plain chains would the critic stop reading? */
export const judgeSolutions: Phase<SearchConfig> = {
  summary: 'The critic judges whole solutions step by step, for best-of-n',
  items: problems,
  sampling: (config) => critiqueSampling(config, 1, 0),
  reads: () => ({ rounds: [0], sets: ['problems'] }),
  ask: ({ config }, rows) =>
    rows.items
      .map(readSampled)
      .flatMap((sampled) =>
        [...distinctSteps(config, sampled)].map(([name, place]) =>
          critiqueQuestion(config, `${sampled.item}/${name}`, place),
        ),
      ),
  answer({ config, round }, rows, answers) {
    const critiques = new Map(answers.map((answer) => [answer.question.key, critiquesOf(answer)[0]]))
    const items = rows.items.map(readSampled).map((sampled): ItemRow => {
      const { item, problem, solutions } = sampled
      const chains = solutions.slice(0, config.search.judged).map((text): JudgedChain => {
        const places = stepsToJudge(problem, solutionSteps(taskFrom(config.task), text) ?? [])
        const said = places.map((place) => critiques.get(`${item}/${nameOf(place)}`))
        const stop = said.findIndex((critique) => critique?.verdict === 'Incorrect')
        const read = stop < 0 ? said : said.slice(0, stop + 1)
        return {
          accepted: stop < 0 ? said.length : stop,
          whole: stop < 0 && said.length > 0,
          tokens: sum(read.map((critique) => critique?.tokens ?? 0)),
        }
      })
      return { round, set: JUDGED, item, data: { chains } }
    })
    return { items, episodes: [], turns: [] }
  },
}
