import type { Draws, Stream } from '../shared/random.ts'

/**
 * Answers that are compared, not scored: a judge says how likely one answer is preferred to another, and nothing more.
 * Prompts and answers are few enough to be listed, so what a policy is worth can be computed instead of estimated.
 */
export interface PairJudge {
  readonly name: string
  /** Every token of prompts and answers. */
  readonly vocabulary: readonly string[]
  readonly prompts: readonly string[]
  /** Every well-formed answer, the same for each prompt. */
  readonly answers: readonly string[]
  /** Tokens of the longest prompt, and of an answer. */
  readonly longest: { prompt: number; answer: number }
  /** P(left is preferred to right | prompt) of two well-formed answers; the two orders add up to 1. */
  preference(prompt: string, left: string, right: string): number
  /** The answer of a player who has not learned from comparisons: what a base policy imitates. */
  demonstrate(prompt: string, draws: Draws): string
  /**
   * What a reward model sees of an answer. An answer made step by step is the sum of what is seen of its steps: a
   * reward of states and actions, as in reinforcement learning.
   */
  features(prompt: string, answer: string): number[]
}

/** A text that is no answer loses to every answer, and is as good as another of its kind. */
export function compare(judge: PairJudge, prompt: string, left: string | null, right: string | null): number {
  if (left === null || right === null) return left === right ? 0.5 : left === null ? 0 : 1
  return judge.preference(prompt, left, right)
}

/** How a comparison is told to the player. */
export interface Telling {
  /** The share of so many votes, each drawn by the preference; null tells the preference itself. */
  votes: number | null
  /** The share of comparisons whose vote is turned round. */
  noise: number
}

/** One comparison as it is told: P, or the share of votes drawn from it. */
export function told(preference: number, { votes, noise }: Telling, stream: Stream): number {
  const heard = noise + (1 - 2 * noise) * preference
  if (votes === null) return heard
  let won = 0
  for (let vote = 0; vote < votes; vote++) if (stream.uniform(vote) < heard) won++
  return won / votes
}

export const logistic = (x: number): number => 1 / (1 + Math.exp(-x))
export const logOdds = (share: number): number => Math.log(share / (1 - share))
