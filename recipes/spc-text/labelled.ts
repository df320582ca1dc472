import { z } from 'zod'
import { groupBy } from '../../shared/collections.ts'
import { policyName } from '../../shared/ids.ts'
import { Stream } from '../../shared/random.ts'
import type { Data, Example, ItemRow, Phase } from '../../shared/recipe.ts'
import { errorTypes } from '../../tasks/task.ts'
import { arithmeticErrors, corruptStep, statedEqualities } from '../../tasks/word-steps.ts'
import type { StepToJudge } from '../spc/critique.ts'
import type { Learner } from '../spc/lessons.ts'
import { type Verdict, verdicts } from '../spc/prompts.ts'
import type { SpcTextConfig } from './config.ts'
import {
  criticCompletion,
  criticPrompt,
  generatorCompletion,
  generatorPrompt,
  solverCompletion,
  solverPrompt,
  stop,
  verdictPrompt,
  words,
  workPrompt,
} from './prompts.ts'
import { PROBLEMS, problemsOf, RATED, shuffled, type Worked } from './problems.ts'
import { confirmedSteps, TEACHER_TEMPERATURE, WRITTEN } from './written.ts'

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

/** A step whose label is known, and what there is to say of it; null where it is people or solvers who say that it is right or wrong. */
interface LabelledStep extends StepToJudge {
  label: Verdict
  found: string | null
  /** Its right form, where that is known. */
  right: string | null
}

const ratedStep = z.object({
  problem: z.string(),
  done: z.array(z.string()),
  step: z.string(),
  label: z.enum(verdicts),
})

/** The critic's labelled steps, right and wrong 1:1: those that people have rated, or else both of each pair, made or written. */
function labelledSteps(rows: readonly ItemRow[]): LabelledStep[] {
  const rated = rows.filter(({ set }) => set === RATED).map(({ data }) => ratedStep.parse(data))
  if (rated.length > 0) return rated.map((step) => ({ ...step, found: null, right: null }))
  const both = ({ problem, done, right, step }: Pair, found: Record<Verdict, string> | null): LabelledStep[] => [
    { problem, done, step, label: 'Incorrect', found: found && found.Incorrect, right },
    { problem, done, step: right, label: 'Correct', found: found && found.Correct, right },
  ]
  return [
    ...pairsOf(rows).flatMap((pair) => {
      const should = `It should be ${pair.from}`
      return both(pair, {
        Incorrect: `${should}, and the step has ${pair.to}.`,
        Correct: `${should}, and so the step has it.`,
      })
    }),
    ...confirmedSteps(rows).flatMap((pair) => both(pair, null)),
  ]
}

type Pair = Pick<LabelledPair, 'problem' | 'done' | 'right' | 'step'>

const pairsOf = (rows: readonly ItemRow[]): LabelledPair[] =>
  rows.filter(({ set }) => set === PAIRS).map(({ data }) => labelledPair.parse(data))

/**
 * A teacher, the published model or a model behind a server, criticises each labelled step a few times, and the first critique that comes to the right verdict is kept (the paper's filter by label, C.2). A step of which it never does teaches nothing.
 */
export const CRITIQUES = 'teacher critiques'

const keptCritique = z.object({ prompt: z.string(), text: z.string() })

export const teach: Phase<SpcTextConfig> = {
  summary: 'The teacher criticises labelled steps; what agrees with the label is kept',
  items: ({ supervised: { pairs, written } }) => 2 * (pairs + written),
  sampling: ({ supervised: { critiques }, tokens }) => ({
    samples: critiques,
    temperature: TEACHER_TEMPERATURE,
    maximumNewTokens: tokens.critique,
  }),
  reads: () => ({ rounds: [0], sets: [PAIRS, WRITTEN, RATED], whole: true }),
  ask: ({ from, to }, rows) =>
    labelledSteps(rows.items)
      .slice(from, to)
      .map((step, index) => ({ key: String(from + index), prompt: criticPrompt(step) })),
  answer({ round, player }, rows, answers) {
    const steps = labelledSteps(rows.items)
    const teacher = player && policyName(player)
    const items = answers.flatMap(({ question: { key, prompt }, texts }): ItemRow[] => {
      const item = Number(key)
      const text = texts.find((one) => words.parse(one) === steps[item]?.label)
      return text === undefined ? [] : [{ round, set: CRITIQUES, item, data: { prompt, text, teacher } }]
    })
    return { items, episodes: [], turns: [] }
  },
}

const supervised = (prompt: string, completion: string): Example => ({
  prompt,
  completion,
  kind: 'supervised',
  advantage: 0,
})

/** The generator's pairs: by arithmetic and, of the other error types, by a teacher. */
const generatorPairs = (rows: readonly ItemRow[]) => [
  ...pairsOf(rows).map(({ from, to, ...pair }) => ({ ...pair, explanation: `${from} becomes ${to}` })),
  ...confirmedSteps(rows),
]

/** How many of the generator's pairs there are of each error type. */
export const pairsByType = (rows: readonly ItemRow[]): Data =>
  Object.fromEntries([...groupBy(generatorPairs(rows), ({ type }) => type)].map(([type, { length }]) => [type, length]))

/** What a player learns in round 0: the generator to make errors of pairs, the critic to say what is right and what is not. */
export function labelledExamples(
  learner: Learner,
  { critique, supervised: { teacher } }: SpcTextConfig,
  rows: readonly ItemRow[],
): Example[] {
  if (learner === 'generator') {
    return generatorPairs(rows).map(({ problem, done, right, ...told }) =>
      supervised(generatorPrompt(problem, done, right), generatorCompletion(told)),
    )
  }
  if (teacher !== 'rules') {
    const kept = rows.filter(({ set }) => set === CRITIQUES).map(({ data }) => keptCritique.parse(data))
    return kept.map(({ prompt, text }) => supervised(prompt, text))
  }
  return labelledSteps(rows).flatMap(({ label: verdict, found, right, ...step }) => {
    if (critique === 'seen') return [supervised(criticPrompt(step), criticCompletion(found, verdict))]
    if (right === null) return []
    const behindOwn = verdictPrompt(step, statedEqualities(right))
    return [workedStep(step, right), supervised(behindOwn, criticCompletion(null, verdict))]
  })
}

/** What a blind critic should work out of a step: the equalities of its right form. */
export const workedStep = (step: StepToJudge, right: string): Example =>
  supervised(workPrompt(step), statedEqualities(right) + stop)

/** A worked problem, as the solver learns it. */
export const workedExample = ({ problem, steps, answer }: Worked): Example =>
  supervised(solverPrompt(problem), solverCompletion(steps, answer))
