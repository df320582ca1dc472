import { groupBy } from '../../shared/collections.ts'

/** Counting answers, the whole arithmetic of self-check. */
export interface Vote {
  /** Null where a solution states no answer: it votes for nothing. */
  answer: string | null
  weight: number
}

export interface Counted {
  answer: string
  weight: number
}

/** The answers by their weight, the heaviest first; of equals the one that was given first. */
export function tally(votes: readonly Vote[]): Counted[] {
  const stated = votes.flatMap(({ answer, weight }) => (answer === null ? [] : [{ answer, weight }]))
  return [...groupBy(stated, ({ answer }) => answer)]
    .map(([answer, same]) => ({ answer, weight: same.reduce((sum, { weight }) => sum + weight, 0) }))
    .toSorted((a, b) => b.weight - a.weight)
}

export const majority = (votes: readonly Vote[]): string | null => tally(votes)[0]?.answer ?? null

/** count(top) / count(second); without a second answer there is nothing to doubt. CriticBench does not print its formula. */
export function certainty(votes: readonly Vote[]): number {
  const [top, second] = tally(votes)
  return top && second ? top.weight / second.weight : Infinity
}

/** The vote without the candidates that were judged incorrect. When none is left, the majority stands. */
export function voteAgain(candidates: readonly (Vote & { incorrect: boolean })[]): string | null {
  return majority(candidates.filter(({ incorrect }) => !incorrect)) ?? majority(candidates)
}

/** How many further votes the tokens buy, one after the other: rounded up, in the votes' favour. */
export function affordable(tokens: number, costs: readonly number[]): number {
  let spent = 0
  let bought = 0
  for (const cost of costs) {
    if (spent >= tokens) break
    spent += cost
    bought++
  }
  return bought
}
