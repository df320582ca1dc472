import { z } from 'zod'
import { UserError } from '../shared/errors.ts'
import { parseLines } from './json-lines.ts'
import type { Claim, Task } from './task.ts'

/**
 * BIG-Bench Mistake, multistep arithmetic (Tyen et al. 2023, Apache-2.0): PaLM 2 solutions with the index of the first
 * wrong step, labelled by people. A line of the file is one trace. Its steps are sentences with equalities
 * (`Let's calculate B = (5 + 3 - 4) = (8 - 4) = 4.`), of which a task reads what it can express (`Task.readSentence`).
 */
const trace = z
  .object({
    input: z.string(),
    steps: z.array(z.string()).min(1),
    mistake_index: z.int().min(0).nullable(),
  })
  .refine(({ steps, mistake_index: at }) => at === null || at < steps.length, {
    path: ['mistake_index'],
    message: 'there is no such step',
  })
export type Trace = z.infer<typeof trace>

export function parseTraces(text: string, source: string): Trace[] {
  const form = 'each line is a BIG-Bench Mistake trace: JSON with the fields input, steps and mistake_index'
  return parseLines(text, source, trace, form)
}

export type TaskOfTraces = Task & Required<Pick<Task, 'readSentence'>>

/** Throws a UserError for a task that reads no sentences. */
export function readsTraces(task: Task): TaskOfTraces {
  const { readSentence } = task
  if (!readSentence)
    throw new UserError(
      `the task ${task.name} reads no solutions in words`,
      'evaluate a run of the task arithmetic or multistep-arithmetic',
    )
  return { ...task, readSentence }
}

/** The claims of a trace that the critic can be asked about, in order, with the step they stand in. */
export function readTrace(
  { readSentence }: TaskOfTraces,
  { steps }: Pick<Trace, 'steps'>,
): {
  judged: (Claim & { at: number })[]
  claimed: number
  /** Whether every claim of the trace can be asked about. */
  readable: boolean
} {
  const read = steps.map(readSentence)
  const judged = read.flatMap(({ claims }, at) => claims.map((claim) => ({ ...claim, at })))
  const claimed = read.reduce((sum, step) => sum + step.claimed, 0)
  return { judged, claimed, readable: judged.length === claimed }
}

/** Exact-location accuracy of first-mistake predictions, and of the guesses that need no critic. */
export function locationAccuracy(traces: readonly { mistake: number | null; predicted: number | null }[]) {
  const share = (right: (one: { mistake: number | null; predicted: number | null }) => boolean): number | null =>
    traces.length === 0 ? null : traces.filter(right).length / traces.length
  return {
    traces: traces.length,
    accuracy: share(({ mistake, predicted }) => mistake === predicted),
    floors: {
      'always step 1': share(({ mistake }) => mistake === 1),
      'always step 2': share(({ mistake }) => mistake === 2),
      'no mistake': share(({ mistake }) => mistake === null),
    },
  }
}
