import { z } from 'zod'
import type { Data, Importer, ItemRow, Suite } from '../../shared/recipe.ts'
import type { JudgedSolution, Verdict } from '../../tasks/benchmarks/judged-solution.ts'
import { locatedIn } from '../../tasks/benchmarks/location.ts'
import { parsePairs } from '../../tasks/benchmarks/prm800k.ts'
import { benchmarks } from '../../tasks/benchmarks/registry.ts'
import { chooseSteps, concludeSingleStep, type SingleStep, type StepRule } from '../../tasks/benchmarks/single-step.ts'
import { stepLines, verdictsOfSolutions } from '../../tasks/benchmarks/step-lines.ts'
import { parseLines } from '../../tasks/json-lines.ts'
import { wholeCritique } from '../spc/critique.ts'
import type { SpcTextConfig } from './config.ts'
import { naturalItems } from './phases.ts'
import { verdictOf } from './prompts.ts'
import { textWording } from './wording.ts'

/** What a critic is judged on: the solver's own slips, and files of published benchmarks. */

/** A line of a suite: one step to judge. */
const line = z.object({
  problem: z.string(),
  done: z.array(z.string()),
  step: z.string(),
  label: z.enum(['Correct', 'Incorrect', 'unlabelled']),
  kind: z.string(),
})

interface Step {
  problem: string
  done: string[]
  step: string
  label: Verdict | null
  group: string
}
const lineOf = ({ problem, done, step, label, group }: Step): Data =>
  line.parse({ problem, done, step, label: label ?? 'unlabelled', kind: group })

/** The benchmark's own protocol: all steps of its solutions. */
const wholeSolutions = (name: string): Importer<SpcTextConfig> => {
  const benchmark = benchmarks[name]
  if (!benchmark) throw new Error(`no benchmark ${name}`)
  return {
    summary: benchmark.summary,
    read: (_config, text, source) => stepLines(benchmark.read(text, source)).map(lineOf),
    conclude(_config, text, source, judgements) {
      const solutions = benchmark.read(text, source)
      return benchmark.conclude(solutions, verdictsOfSolutions(solutions, judgements))
    },
    // Steps of one solution are not independent of each other, so two critics are compared in the place of its first error.
    outcomes(_config, text, source, judgements) {
      const solutions = benchmark.read(text, source)
      return locatedIn(solutions, verdictsOfSolutions(solutions, judgements)).map(({ truth, predicted }, index) => ({
        label: truth === null ? 'Correct' : 'Incorrect',
        right: truth === predicted,
        group: solutions[index]?.group ?? '',
      }))
    },
  }
}

/** Single steps, each judged by itself. */
const singleSteps = (
  summary: string,
  stepsOf: (text: string, source: string, config: SpcTextConfig) => SingleStep[],
): Importer<SpcTextConfig> => ({
  summary,
  read: (config, text, source) => stepsOf(text, source, config).map(lineOf),
  conclude(config, text, source, judgements) {
    const byItem = new Map(judgements.map(({ item, verdict }) => [item, verdictOf(verdict)]))
    const steps = stepsOf(text, source, config)
    const { lines, numbers } = concludeSingleStep(
      steps,
      steps.map((_, item) => byItem.get(item) ?? null),
    )
    return { lines, numbers }
  },
})

/** SPC's protocol (section 4.1): as many right steps of a benchmark's solutions as wrong ones. */
const stepsOfSolutions = (name: string, rule: StepRule): Importer<SpcTextConfig> =>
  singleSteps(`Single steps of ${name}, right and wrong 1:1`, (text, source, { seed }) =>
    chooseSteps(benchmarks[name]?.read(text, source) ?? [], rule, seed),
  )

const form = 'each line is JSON with problem, a text, and steps, a list of texts'
const ownSolution = z.object({ problem: z.string().regex(/\S/, 'there is no text'), steps: z.array(z.string()).min(1) })

/** A user's own solutions, of which nobody says what is right. */
const critique: Importer<SpcTextConfig> = {
  summary: 'Judges solutions step by step',
  read: (_config, text, source) => stepLines(solutionsOf(text, source)).map((one) => lineOf({ ...one, label: null })),
  conclude(_config, text, source, judgements) {
    const byItem = new Map(judgements.map((judgement) => [judgement.item, judgement]))
    let item = 0
    const solutions = solutionsOf(text, source).map(({ problem, steps }) => {
      const rows = steps.map((step) => {
        const { verdict = null, text: said = '' } = byItem.get(item++) ?? {}
        return { step, verdict, critique: said }
      })
      const first = rows.findIndex(({ verdict }) => verdict === 'Incorrect')
      return { problem, steps: rows, first_mistake: first < 0 ? null : first + 1 }
    })
    const lines = solutions.flatMap(({ problem, steps, first_mistake: first }) => [
      problem,
      ...steps.flatMap(({ step, verdict, critique: said }, index) => [
        `  ${index + 1}. ${step}`,
        `     ${verdict ?? 'unreadable'}: ${said.replaceAll('\n', ' ')}`,
      ]),
      first === null ? '  no mistake found' : `  first mistake: step ${first}`,
    ])
    return { lines, numbers: { solutions } }
  },
}

const solutionsOf = (text: string, source: string): JudgedSolution[] =>
  parseLines(text, source, ownSolution, form).map((one, index) => {
    return { ...one, id: String(index), firstError: null, group: 'critique' }
  })

export const importers: Record<string, Importer<SpcTextConfig>> = {
  critique,
  ...Object.fromEntries(Object.keys(benchmarks).map((name) => [name, wholeSolutions(name)])),
  'processbench-steps': stepsOfSolutions('processbench', 'first-error'),
  'prm800k-steps': stepsOfSolutions('prm800k', 'shared-prefix'),
  'prm800k-pairs': singleSteps('Right and wrong steps of PRM800K behind the same ones, in the form of SPC', parsePairs),
  'deltabench-steps': stepsOfSolutions('deltabench', 'labelled'),
}

export const suites = ['natural/validation', 'natural/test']

/** Steps of a solution are lines one behind the other. */
const behind = ({ item, data }: ItemRow): number | null => (line.parse(data).done.length === 0 ? null : item - 1)

/** Steps of a set of round 0. */
export function suite(name: string): Suite<SpcTextConfig> | null {
  const file = Object.keys(importers).find((one) => name.startsWith(`${one}/`))
  const isFile = file !== undefined
  if (!isFile && !suites.includes(name)) return null
  return {
    summary: isFile ? `Steps of a file (${file})` : `The solver's own slips (${name})`,
    set: { round: 0, name },
    items: ({ evaluation }) => (isFile ? 0 : naturalItems(evaluation.natural)),
    ...(isFile && benchmarks[file]?.scores === 'first error' ? { behind } : {}),
    sampling: (config, samples, temperature) => textWording(config).critiqueSampling(samples, temperature),
    ask: (config, row) => textWording(config).critiqueQuestion(String(row.item), line.parse(row.data)),
    judge(config, row, answer) {
      const { label, kind } = line.parse(row.data)
      const [critique = { prompt: '', text: '', verdict: null, working: null }] = textWording(config).critiques(answer)
      return { item: row.item, label, kind, text: wholeCritique(critique), verdict: critique.verdict }
    },
  }
}
