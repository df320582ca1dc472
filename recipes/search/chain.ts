import type { Task } from '../../tasks/task.ts'
import type { Verdict } from '../spc/prompts.ts'

/** One chain of guided search, from step to step: the whole algorithm without its players. */
export interface Chain {
  /** The last one is the step that is under way. */
  steps: string[]
  /** Attempts at it. */
  attempt: number
  /** What became of it. `proposed`: it is to be judged. `broken`: the solver's last text is no step; nobody can judge it, and the chain is over. */
  state: (typeof states)[number]
  /** Whether the solver ended its solution with it. */
  ended: boolean
}
export const states = ['standing', 'proposed', 'rejected', 'broken'] as const

export const start: Chain = { steps: [], attempt: 0, state: 'standing', ended: false }

/** Whether a next step is to be proposed. */
export const goesOn = ({ state, ended }: Chain): boolean => state !== 'broken' && !ended

/** What stands before the next attempt at a step: all steps, or all but the rejected one. */
export const standing = ({ steps, state }: Chain): string[] => (state === 'rejected' ? steps.slice(0, -1) : steps)

/**
 * The chain with the solver's next step, or with another attempt in the place of the rejected one. The last of so many
 * attempts stands, whatever anyone would think of it.
 */
export function propose(chain: Chain, task: Task, text: string, attempts: number): Chain {
  const proposal = readProposal(task, text)
  const attempt = chain.state === 'rejected' ? chain.attempt + 1 : 1
  if (!proposal) return { steps: standing(chain), attempt, state: 'broken', ended: false }
  const state = attempt < attempts ? 'proposed' : 'standing'
  return { steps: [...standing(chain), proposal.step], attempt, state, ended: proposal.ended }
}

/** A step and whether the solution ends with it: `85-27=58;` or `85-27=58.`; what may follow the mark is not looked at. */
function readProposal(task: Task, text: string): { step: string; ended: boolean } | null {
  const [, step = '', mark] = /^([^;.]*)([;.])/.exec(text) ?? []
  return mark !== undefined && task.isStep(step) ? { step, ended: mark === '.' } : null
}

/** The chain after a verdict on its last step. One that cannot be read counts as Correct, as in self-check. */
export const judge = (chain: Chain, verdict: Verdict | null): Chain => ({
  ...chain,
  state: verdict === 'Incorrect' ? 'rejected' : 'standing',
})

/** The outcome that the chain states; null where the solver came to no end. */
export const answerOf = ({ steps, ended }: Chain, task: Task, problem: string): string | null =>
  ended ? task.answer(problem, steps) : null
