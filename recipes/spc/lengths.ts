import type { Task } from '../../tasks/task.ts'

/**
 * How long the players' texts get, in tokens: exactly as long as the longest text the task can mean, for a player may
 * fill whatever it is given. Marks (error type, verdict, separators, stop) are one token each.
 */
type Longest = Pick<Task, 'longest'>

/** Steps with what follows each of them: a separator, or the stop mark. */
const stepsOf = ({ longest }: Longest, steps: number): number => steps * (longest.step + 1)

/** One step with its mark. */
export const stepTokens = (task: Longest): number => stepsOf(task, 1)
export const solutionTokens = (task: Longest): number => stepsOf(task, task.longest.steps)
/** `;step;step.`: what may follow after at least one step. */
export const rolloutTokens = (task: Longest): number => 1 + stepsOf(task, task.longest.steps - 1)
/** `type!from>to:step.` */
export const deceptionTokens = ({ longest }: Longest): number => longest.step + 2 * longest.replaced + 4
/** The verdict and the stop mark. */
const VERDICT = 2
/** The recomputed step and the verdict. */
export const critiqueTokens = ({ longest }: Longest): number => longest.step + VERDICT
/** The same in two turns: the step, as long as one may be, then the verdict. */
export const blindTokens = ({ longest }: Longest): readonly [number, number] => [longest.step, VERDICT]

/** `problem:step;step#`: the problem and its steps up to the one to corrupt; a mark stands for the last separator. */
const generatorPromptTokens = (task: Longest): number => task.longest.problem + 1 + stepsOf(task, task.longest.steps)
/** `problem:step;step?`: the judged step is longer than a true one where the explanation was shorter than it may be. */
const criticPromptTokens = (task: Longest): number => generatorPromptTokens(task) + 2 * (task.longest.replaced - 1)

export const deceptionLength = (task: Longest): number => generatorPromptTokens(task) + deceptionTokens(task)
export const critiqueLength = (task: Longest): number => criticPromptTokens(task) + critiqueTokens(task)
/** `problem:step;step>step?=>Incorrect.`: blind, the critic's own step stands before the judged one. */
export const verdictLength = (task: Longest): number => criticPromptTokens(task) + task.longest.step + 1 + VERDICT
/** The context that every prompt and its completion fit; a rollout goes on where the critic's mark would stand. */
export const contextNeeded = (task: Longest): number =>
  Math.max(deceptionLength(task), verdictLength(task), criticPromptTokens(task) - 1 + rolloutTokens(task))
