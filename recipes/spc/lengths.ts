import type { Task } from '../../tasks/task.ts'

/** How long the players' texts get, in tokens. Marks are one token each; a little is left over before we call a text endless. */
type Longest = Pick<Task, 'longest'>

/** Steps with their separators. */
const stepsOf = ({ longest }: Longest, steps: number): number => steps * (longest.step + 1)

export const solutionTokens = (task: Longest): number => stepsOf(task, task.longest.steps) + 2
/** What may follow after at least one step. */
export const rolloutTokens = (task: Longest): number => stepsOf(task, task.longest.steps - 1) + 2
/** Error type, what is replaced by what, the wrong step and the stop mark. */
export const deceptionTokens = ({ longest }: Longest): number => longest.step + 2 * longest.replaced + 5
/** The recomputed step, the verdict and the stop mark. */
export const critiqueTokens = ({ longest }: Longest): number => longest.step + 4

/** The longest prompt of a critic or generator: the problem, and every step of its solution. */
const promptLength = (task: Longest): number => task.longest.problem + 1 + stepsOf(task, task.longest.steps)
export const critiqueLength = (task: Longest): number => promptLength(task) + critiqueTokens(task)
/** The context that the longest prompt and completion need. */
export const contextNeeded = (task: Longest): number => promptLength(task) + deceptionTokens(task)
