/**
 * How long the players' texts get, in tokens, for problems of up to n operands: a step is five tokens and a separator,
 * a problem 2n - 1 and its colon.
 */
export const solutionTokens = (operands: number): number => 6 * (operands - 1) + 2
/** What may follow after at least one step. */
export const rolloutTokens = (operands: number): number => 6 * (operands - 2) + 2
/** Error type, what is replaced by what, the wrong step and the stop mark are ten; two more before we call it endless. */
export const DECEPTION_TOKENS = 12
/** The recomputed step, the verdict and the stop mark are seven. */
export const CRITIQUE_TOKENS = 9

/** The longest critique with its prompt: every step but the last is done, and one is judged. */
export const critiqueLength = (operands: number): number => 2 * operands + 6 * (operands - 1) + CRITIQUE_TOKENS
/** The context that the longest prompt and completion need. */
export const contextNeeded = (operands: number): number => 2 * operands + 6 * (operands - 1) + DECEPTION_TOKENS
