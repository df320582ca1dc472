import { z } from 'zod'
import { Stream } from '../../shared/random.ts'
import type { Example, ItemRow, Phase } from '../../shared/recipe.ts'
import { errorTypes } from '../../tasks/task.ts'
import { arithmeticErrors, corruptStep } from '../../tasks/word-steps.ts'
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
  words,
} from './prompts.ts'
import { PROBLEMS, problemsOf, RATED, shuffled, type Worked } from './problems.ts'

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

/** A step whose label is known, and what there is to say of it; null where only people have said that it is right or wrong. */
interface LabelledStep extends StepToJudge {
  label: Verdict
  found: string | null
}

const ratedStep = z.object({
  problem: z.string(),
  done: z.array(z.string()),
  step: z.string(),
  label: z.enum(verdicts),
})

/** The critic's labelled steps, right and wrong 1:1: those that people have rated, or else both of each pair. */
function labelledSteps(rows: readonly ItemRow[]): LabelledStep[] {
  const rated = rows.filter(({ set }) => set === RATED).map(({ data }) => ratedStep.parse(data))
  if (rated.length > 0) return rated.map((step) => ({ ...step, found: null }))
  return pairsOf(rows).flatMap(({ problem, done, right, step, from, to }): LabelledStep[] => [
    { problem, done, step, label: 'Incorrect', found: `It should be ${from}, and the step has ${to}.` },
    { problem, done, step: right, label: 'Correct', found: `It should be ${from}, and so the step has it.` },
  ])
}

const pairsOf = (rows: readonly ItemRow[]): LabelledPair[] =>
  rows.filter(({ set }) => set === PAIRS).map(({ data }) => labelledPair.parse(data))

/**
 * The published model as teacher: it criticises each labelled step a few times, and the first critique that comes to the right
 * verdict is kept (the paper's filter by label, C.2). A step of which it never does teaches nothing.
 */
export const CRITIQUES = 'teacher critiques'

const keptCritique = z.object({ prompt: z.string(), text: z.string() })

export const teach: Phase<SpcTextConfig> = {
  summary: 'The published model criticises labelled steps; what agrees with the label is kept',
  items: ({ supervised: { pairs } }) => 2 * pairs,
  sampling: ({ supervised: { critiques }, play, tokens }) => ({
    samples: critiques,
    temperature: play.temperature,
    maximumNewTokens: tokens.critique,
  }),
  reads: () => ({ rounds: [0], sets: [PAIRS, RATED], whole: true }),
  ask: ({ from, to }, rows) =>
    labelledSteps(rows.items)
      .slice(from, to)
      .map((step, index) => ({ key: String(from + index), prompt: criticPrompt(step) })),
  answer({ round }, rows, answers) {
    const steps = labelledSteps(rows.items)
    const items = answers.flatMap(({ question: { key, prompt }, texts }): ItemRow[] => {
      const item = Number(key)
      const text = texts.find((one) => words.parse(one) === steps[item]?.label)
      return text === undefined ? [] : [{ round, set: CRITIQUES, item, data: { prompt, text } }]
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

/** What a player learns in round 0: the generator to make errors of pairs, the critic to say what is right and what is not. */
export function labelledExamples(
  learner: Learner,
  { supervised: { teacher } }: SpcTextConfig,
  rows: readonly ItemRow[],
): Example[] {
  if (learner === 'generator') {
    return pairsOf(rows).map(({ problem, done, right, step, type, from, to }) =>
      supervised(
        generatorPrompt(problem, done, right),
        generatorCompletion({ type, explanation: `${from} becomes ${to}`, step }),
      ),
    )
  }
  if (teacher === 'model') {
    const kept = rows.filter(({ set }) => set === CRITIQUES).map(({ data }) => keptCritique.parse(data))
    return kept.map(({ prompt, text }) => supervised(prompt, text))
  }
  return labelledSteps(rows).map(({ label: verdict, found, ...step }) =>
    supervised(criticPrompt(step), criticCompletion(found, verdict)),
  )
}

/** A worked problem, as the solver learns it. */
export const workedExample = ({ problem, steps, answer }: Worked): Example =>
  supervised(solverPrompt(problem), solverCompletion(steps, answer))
