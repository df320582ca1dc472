import { Stream } from '../../shared/random.ts'
import { compare, type PairJudge, type Telling, told } from '../../tasks/pair-judge.ts'

/** Comparisons of the answers to one prompt: what SPO and SPPO learn from. */

/**
 * wins[i][j] = P(answer i beats opponent j) as the judge tells it. The first opponents are the answers themselves: the
 * diagonal is 1/2, and each pair is asked once, so that wins[j][i] = 1 - wins[i][j]. `queue` are opponents from before.
 */
export function winMatrix(
  judge: PairJudge,
  { prompt, answers, queue = [] }: Comparisons,
  telling: Telling,
  ...path: (string | number)[]
): number[][] {
  const ask = (i: number, j: number, right: string | null): number =>
    told(compare(judge, prompt, answers[i] ?? null, right), telling, new Stream(...path, i, j))
  return answers.map((left, i) => [
    ...answers.map((right, j) => (i === j ? 0.5 : i < j ? ask(i, j, right) : 1 - ask(j, i, left))),
    ...queue.map((right, j) => ask(i, answers.length + j, right)),
  ])
}

export interface Comparisons {
  prompt: string
  /** null is a text that is no answer. */
  answers: readonly (string | null)[]
  queue?: readonly (string | null)[]
}

/** The mean of each row: an answer's share of wins, the comparison with itself (1/2) included. */
export const winShares = (wins: readonly (readonly number[])[]): number[] =>
  wins.map((row) => row.reduce((sum, win) => sum + win, 0) / row.length)
