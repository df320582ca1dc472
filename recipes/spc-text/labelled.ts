import { z } from 'zod'
import { Stream } from '../../shared/random.ts'
import type { Example, ItemRow, Phase } from '../../shared/recipe.ts'
import { errorTypes } from '../../tasks/task.ts'
import { arithmeticErrors, corruptStep } from '../../tasks/word-steps.ts'
import type { Learner } from '../spc/lessons.ts'
import type { SpcTextConfig } from './config.ts'
import {
  criticCompletion,
  criticPrompt,
  generatorCompletion,
  generatorPrompt,
  solverCompletion,
  solverPrompt,
} from './prompts.ts'
import { PROBLEMS, problemsOf, shuffled, type Worked } from './problems.ts'

/**
 * The labelled set of round 0, in place of the paper's PRM800K pairs and the critiques that GPT-4 wrote: steps of the training
 * problems' own solutions, and the same steps with an error of arithmetic that we know.
 */
export const PAIRS = 'labelled pairs'

const labelledPair = z.object({
  problem: z.string(),
  done: z.array(z.string()),
  right: z.string(),
  step: z.string(),
  type: z.enum(errorTypes),
  from: z.string(),
  to: z.string(),
})
type LabelledPair = z.infer<typeof labelledPair>

export const label: Phase<SpcTextConfig> = {
  summary: 'Make steps of worked solutions wrong: the labelled pairs of round 0',
  items: ({ supervised }) => supervised.pairs,
  reads: () => ({ rounds: [0], sets: [PROBLEMS], whole: true }),
  answer({ config, round, from, to }, rows) {
    const problems = shuffled(config, problemsOf(rows.items, 'train'), 'labelled pairs')
    const items = Array.from({ length: to - from }, (_, offset): ItemRow[] => {
      const item = from + offset
      const found = pairAt(config, problems, item)
      return found ? [{ round, set: PAIRS, item, data: { ...found } }] : []
    })
    return { items: items.flat(), episodes: [], turns: [] }
  },
}

/** Pair `item`: of its own problem where that has a step with an equality, else of one drawn at random. */
function pairAt(config: SpcTextConfig, problems: readonly Worked[], item: number): LabelledPair | null {
  for (let attempt = 0; attempt < 100; attempt++) {
    const draws = new Stream(config.seed, 'labelled pair', item, attempt).draws()
    const worked = attempt === 0 ? problems[item % problems.length] : draws.pick(problems)
    if (!worked || worked.steps.length === 0) continue
    const chosen = draws.between(0, worked.steps.length - 1)
    const right = worked.steps[chosen] ?? ''
    const type = draws.pick(arithmeticErrors)
    const corruption = corruptStep(right, type, draws)
    if (corruption) return { problem: worked.problem, done: worked.steps.slice(0, chosen), right, type, ...corruption }
  }
  return null
}

const supervised = (prompt: string, completion: string): Example => ({
  prompt,
  completion,
  kind: 'supervised',
  advantage: 0,
})

/** What a player learns of the pairs: the generator to make the error, the critic to say what is right and what is not. */
export function labelledExamples(learner: Learner, rows: readonly ItemRow[]): Example[] {
  const pairs = rows.filter(({ set }) => set === PAIRS).map(({ data }) => labelledPair.parse(data))
  if (learner === 'generator') {
    return pairs.map(({ problem, done, right, step, type, from, to }) =>
      supervised(
        generatorPrompt(problem, done, right),
        generatorCompletion({ type, explanation: `${from} becomes ${to}`, step }),
      ),
    )
  }
  return pairs.flatMap(({ problem, done, right, step, from, to }) => [
    supervised(
      criticPrompt({ problem, done, step }),
      criticCompletion(`It should be ${from}, and the step has ${to}.`, 'Incorrect'),
    ),
    supervised(
      criticPrompt({ problem, done, step: right }),
      criticCompletion(`It should be ${from}, and so the step has it.`, 'Correct'),
    ),
  ])
}

/** A worked problem, as the solver learns it. */
export const workedExample = ({ problem, steps, answer }: Worked): Example =>
  supervised(solverPrompt(problem), solverCompletion(steps, answer))
