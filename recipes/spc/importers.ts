import { UserError } from '../../shared/errors.ts'
import type { Data, Importer } from '../../shared/recipe.ts'
import { locationAccuracy, parseTraces, readsTraces, readTrace } from '../../tasks/bigbench-mistake.ts'
import type { SpcConfig } from './config.ts'
import type { JudgedStep } from './games.ts'
import { critiqueSize, ownStepOf } from './critique.ts'
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
    if (problem === '' || steps.length === 0) {
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

/** Where a trace's first mistake is: the first step with a claim that is called wrong. */
function located(claims: readonly { at: number }[], isWrong: (claim: number) => boolean): number | null {
  return claims.find((_, claim) => isWrong(claim))?.at ?? null
}

const percent = (share: number | null): string => (share === null ? '–' : `${(100 * share).toFixed(1)} %`)

const bigbenchMistake: Importer<SpcConfig> = {
  summary: 'BIG-Bench Mistake, multistep arithmetic: where is the first mistake?',
  read(config, text, source) {
    const task = readsTraces(taskOf(config))
    return parseTraces(text, source).flatMap((trace) =>
      readTrace(task, trace).judged.map(({ problem, step }) =>
        judged(config, problem, [], step, 'bigbench-mistake', source),
      ),
    )
  },
  conclude(config, text, source, judgements) {
    const task = readsTraces(taskOf(config))
    const byItem = new Map(judgements.map((judgement) => [judgement.item, judgement]))
    let item = 0
    const traces = parseTraces(text, source).map((trace) => {
      const { judged: claims, readable, claimed } = readTrace(task, trace)
      const rows = claims.map(() => byItem.get(item++))
      const own = rows.map((row) => ownStepOf(row?.text ?? '') ?? '')
      const workedOut = claims.filter(({ problem }, claim) => task.check(problem, [], own[claim] ?? '')).length
      const predicted = located(claims, (claim) => rows[claim]?.verdict === 'Incorrect')
      const checked = located(claims, (claim) => rows[claim]?.label === 'Incorrect')
      const counts = { claims: claims.length, claimed, workedOut }
      return { mistake: trace.mistake_index, predicted, checked, readable, ...counts }
    })
    const sum = (of: (trace: (typeof traces)[number]) => number): number =>
      traces.reduce((total, trace) => total + of(trace), 0)
    const groups = {
      all: traces,
      with_a_mistake: traces.filter(({ mistake }) => mistake !== null),
      without_a_mistake: traces.filter(({ mistake }) => mistake === null),
      with_a_readable_claim: traces.filter(({ claims }) => claims > 0),
      fully_readable: traces.filter(({ readable }) => readable),
      // Labels are never corrected: where arithmetic says something else they are counted, and shown apart.
      label_by_arithmetic: traces.filter(({ mistake, checked }) => mistake === checked),
      label_against_arithmetic: traces.filter(({ mistake, checked }) => mistake !== checked),
    }
    const measured = Object.entries(groups).map(([name, group]) => {
      const checker = locationAccuracy(group.map(({ mistake, checked }) => ({ mistake, predicted: checked })))
      return [name, { ...locationAccuracy(group), checker: checker.accuracy }] as const
    })
    const claims = {
      claimed: sum(({ claimed }) => claimed),
      readable: sum((trace) => trace.claims),
      worked_out: sum(({ workedOut }) => workedOut),
    }
    const share = (part: number, whole: number): string => percent(whole === 0 ? null : part / whole)
    const floorsOf = ({ floors }: ReturnType<typeof locationAccuracy>): string =>
      Object.entries(floors)
        .map(([floor, reached]) => `${floor} ${percent(reached)}`)
        .join(', ')
    const [[, all] = ['', locationAccuracy([])]] = measured
    const lines = [
      `The critic can read ${claims.readable} of ${claims.claimed} claims (${share(claims.readable, claims.claimed)}), and works out ${claims.worked_out} of those rightly (${share(claims.worked_out, claims.readable)}).`,
      `Exact location of the first mistake${' '.repeat(10)}traces   critic   exact checker`,
      ...measured.map(
        ([name, group]) =>
          `  ${name.replaceAll('_', ' ').padEnd(40)} ${String(group.traces).padStart(6)}  ${percent(group.accuracy).padStart(7)}  ${percent(group.checker).padStart(14)}`,
      ),
      `Without a critic, all traces: ${floorsOf(all)}.`,
    ]
    return { lines, numbers: { ...Object.fromEntries(measured), claims } }
  },
}

export const importers: Record<string, Importer<SpcConfig>> = { critique, 'bigbench-mistake': bigbenchMistake }
