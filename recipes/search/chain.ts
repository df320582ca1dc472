import type { Verdict } from '../spc/prompts.ts'
import type { Searching } from './config.ts'
import type { Answers } from './wording.ts'

/** One chain of guided search, from step to step: the whole algorithm without its players. */
export interface Chain {
  /** The last one is the step that is under way. */
  steps: string[]
  /** Attempts at it. */
  attempt: number
  /** Those that were rejected. */
  rejected: Proposal[]
  /** What became of it. `proposed`: it is to be judged. `broken`: the solver's last text is no step; nobody can judge it, and the chain is over. */
  state: (typeof states)[number]
  /** Whether the solver ended its solution with it. */
  ended: boolean
}

/** A step, and whether the solution ends with it: `85-27=58;` or `85-27=58.` Without a step it ends with those that stand. */
export interface Proposal {
  step: string
  ended: boolean
}

/** How often a step is tried, and which attempt stands when none is accepted. */
export type Rules = Pick<Searching['search'], 'attempts' | 'fallback'>

export const states = ['standing', 'proposed', 'rejected', 'broken'] as const

export const start: Chain = { steps: [], attempt: 0, rejected: [], state: 'standing', ended: false }

/** Whether a next step is to be proposed. */
export const goesOn = ({ state, ended }: Chain): boolean => state !== 'broken' && !ended

/** What stands before the next attempt at a step: all steps, or all but the rejected one. */
export const standing = ({ steps, state }: Chain): string[] => (state === 'rejected' ? steps.slice(0, -1) : steps)

/**
 * The chain with the solver's next step, or with another attempt in the place of the rejected one; null where it said none.
 * The last attempt stands unseen where it is to stand in any case; a step that was rejected before is rejected again, as a
 * greedy critic would say the same of it.
 */
export function propose(chain: Chain, proposal: Proposal | null, rules: Rules): Chain {
  const again = chain.state === 'rejected'
  const [attempt, rejected] = again ? [chain.attempt + 1, chain.rejected] : [1, []]
  const before = standing(chain)
  if (!proposal || (proposal.step === '' && before.length === 0)) {
    return { steps: before, attempt, rejected, state: 'broken', ended: false }
  }
  const { step, ended } = proposal
  if (step === '') return { steps: before, attempt, rejected, state: 'standing', ended }
  const proposed: Chain = { steps: [...before, step], attempt, rejected, state: 'proposed', ended }
  if (attempt === rules.attempts && rules.fallback === 'last') return { ...proposed, state: 'standing' }
  return rejected.some((other) => other.step === step) ? reject(proposed, rules) : proposed
}

/** The chain after a verdict on its last step. One that cannot be read counts as Correct, as in self-check. */
export const judge = (chain: Chain, verdict: Verdict | null, rules: Rules): Chain =>
  verdict === 'Incorrect' ? reject(chain, rules) : { ...chain, state: 'standing' }

function reject(chain: Chain, { attempts }: Rules): Chain {
  const done = chain.steps.slice(0, -1)
  const rejected = [...chain.rejected, { step: chain.steps.at(-1) ?? '', ended: chain.ended }]
  const [first] = rejected
  return chain.attempt < attempts || !first
    ? { ...chain, rejected, state: 'rejected' }
    : { ...chain, steps: [...done, first.step], rejected, state: 'standing', ended: first.ended }
}

/** The answer that the chain states; null where the solver came to no end. */
export const answerOf = ({ steps, ended }: Pick<Chain, 'steps' | 'ended'>, answers: Answers): string | null =>
  ended ? answers.of(steps) : null
