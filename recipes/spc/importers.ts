import { UserError } from '../../shared/errors.ts'
import type { Data, Importer, Judgement } from '../../shared/recipe.ts'
import { locationAccuracy, parseTraces, readTrace, type Trace } from '../../tasks/bigbench-mistake.ts'
import type { SpcConfig } from './config.ts'
import type { JudgedStep } from './games.ts'
import { critiqueSize } from './critique.ts'
import { taskOf } from './problems.ts'
import { stop } from './prompts.ts'

/** A step of a user's text, with the exact checker's label. Fails where the model's context or vocabulary ends. */
function judged(config: SpcConfig, problem: string, done: string[], step: string, kind: string, source: string): Data {
  const task = taskOf(config)
  const tokens = critiqueSize(config, { problem, done, step })
  if (tokens > config.model.context) {
    throw new UserError(
      `${source}: ${problem} with ${done.length + 1} steps takes ${tokens} tokens, the model has ${config.model.context}`,
      'shorten the solution, or train with a longer model.context',
    )
  }
  const label = task.check(problem, done, step) ? 'Correct' : 'Incorrect'
  const row: JudgedStep = { problem, done, step, label, kind }
  return { ...row }
}

interface Solution {
  problem: string
  steps: string[]
}

/** Solutions as people write them: `37+48-9*3:9*3=27;37+48=85`, or the problem and its steps on lines of their own; a blank line between two. */
export function readSolutions(text: string, source: string): Solution[] {
  const bare = text.replace(/[ \t]+/g, '')
  const solutions = bare.split(/\n{2,}/).flatMap((block): Solution[] => {
    const lines = block.split('\n').filter((line) => line !== '')
    if (lines.every((line) => line.includes(':'))) return lines.map(oneLine)
    const [problem = '', ...steps] = lines
    return problem === '' ? [] : [oneLine(`${problem.replace(/:$/, '')}:${steps.join(';')}`)]
  })
  for (const { problem, steps } of solutions) {
    if (!/^\d+([+*-]\d+)+$/.test(problem) || steps.length === 0) {
      throw new UserError(
        `${source}: cannot read a solution in ${JSON.stringify(`${problem}:${steps.join(';')}`)}`,
        'write the problem, a colon and its steps: 37+48-9*3:9*3=27;37+48=85;85-27=58',
      )
    }
  }
  if (solutions.length === 0)
    throw new UserError(`${source} holds no solution`, 'write one such as 10-3+2:10-3=7;7+2=9')
  return solutions
}

function oneLine(line: string): Solution {
  const [problem = '', rest = ''] = line.split(':')
  const steps = rest.replace(new RegExp(`\\${stop}$`), '').split(';')
  return { problem, steps: steps.filter((step) => step !== '') }
}

const critique: Importer<SpcConfig> = {
  summary: 'Judges solutions step by step',
  read: (config, text, source) =>
    readSolutions(text, source).flatMap(({ problem, steps }) =>
      steps.map((step, index) => judged(config, problem, steps.slice(0, index), step, 'critique', source)),
    ),
  conclude(_config, text, source, judgements) {
    let item = 0
    const solutions = readSolutions(text, source).map(({ problem, steps }) => {
      const rows = steps.map((step) => {
        const { verdict = null, text: said = '', label = '' } = judgements.find((row) => row.item === item) ?? {}
        item++
        return { step, verdict, critique: said, checker: label }
      })
      const first = rows.findIndex(({ verdict }) => verdict === 'Incorrect')
      return { problem, steps: rows, first_mistake: first < 0 ? null : first + 1 }
    })
    const lines = solutions.flatMap(({ problem, steps, first_mistake: first }) => [
      problem,
      ...steps.map(
        ({ step, verdict, critique: said }, index) =>
          `  ${index + 1}. ${step.padEnd(12)} ${(verdict ?? 'unreadable').padEnd(10)}  ${said}`,
      ),
      first === null ? '  no mistake found' : `  first mistake: step ${first}`,
    ])
    return { lines, numbers: { solutions } }
  },
}

/** Where a trace's first mistake is, by the critic: the first step with an equality that it calls wrong. */
function located(trace: Trace, judgementsOf: readonly (Judgement | undefined)[]): number | null {
  const { judged: equalities } = readTrace(trace)
  const wrong = equalities.findIndex((_, index) => judgementsOf[index]?.verdict === 'Incorrect')
  return wrong < 0 ? null : (equalities[wrong]?.at ?? null)
}

const bigbenchMistake: Importer<SpcConfig> = {
  summary: 'BIG-Bench Mistake, multistep arithmetic: where is the first mistake?',
  read: (config, text, source) =>
    parseTraces(text, source).flatMap((trace) =>
      readTrace(trace).judged.map(({ problem, step }) => judged(config, problem, [], step, 'bigbench-mistake', source)),
    ),
  conclude(_config, text, source, judgements) {
    const byItem = new Map(judgements.map((judgement) => [judgement.item, judgement]))
    let item = 0
    const traces = parseTraces(text, source).map((trace) => {
      const { judged: equalities, readable, claimed } = readTrace(trace)
      const rows = equalities.map(() => byItem.get(item++))
      const predicted = located(trace, rows)
      return { mistake: trace.mistake_index, predicted, readable, equalities: equalities.length, claimed }
    })
    const sum = (of: (trace: (typeof traces)[number]) => number): number =>
      traces.reduce((total, trace) => total + of(trace), 0)
    const numbers = {
      all: locationAccuracy(traces),
      with_a_readable_equality: locationAccuracy(traces.filter(({ equalities }) => equalities > 0)),
      fully_readable: locationAccuracy(traces.filter(({ readable }) => readable)),
      equalities: { claimed: sum(({ claimed }) => claimed), readable: sum(({ equalities }) => equalities) },
    }
    const percent = (share: number | null): string => (share === null ? '–' : `${(100 * share).toFixed(1)} %`)
    const { claimed, readable } = numbers.equalities
    const row = (name: string, group: ReturnType<typeof locationAccuracy>): string =>
      `${name.padEnd(28)} ${String(group.traces).padStart(5)} traces   exact location ${percent(group.accuracy).padStart(7)}` +
      `   floors: ${Object.entries(group.floors)
        .map(([floor, share]) => `${floor} ${percent(share)}`)
        .join(', ')}`
    const lines = [
      `The critic can read ${readable} of ${claimed} equalities (${percent(claimed === 0 ? null : readable / claimed)}): one operation on whole numbers from 0 to 99.`,
      row('all traces', numbers.all),
      row('with a readable equality', numbers.with_a_readable_equality),
      row('fully readable', numbers.fully_readable),
    ]
    return { lines, numbers }
  },
}

export const importers: Record<string, Importer<SpcConfig>> = { critique, 'bigbench-mistake': bigbenchMistake }
