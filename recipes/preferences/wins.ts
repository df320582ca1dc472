import { Stream } from '../../shared/random.ts'
import { compare, type PairJudge, type Telling, told } from '../../tasks/pair-judge.ts'

/** Comparisons of the answers to one prompt: what SPO and SPPO learn from. */

/**
 * wins[i][j] = P(answer i beats answer j) as the judge tells it. The diagonal is 1/2, and each pair is asked once: the other
 * order is what is left to 1.
 */
export function winMatrix(
  judge: PairJudge,
  prompt: string,
  answers: readonly (string | null)[],
  telling: Telling,
  ...path: (string | number)[]
): number[][] {
  const wins = answers.map(() => answers.map(() => 0.5))
  answers.forEach((left, i) => {
    answers.forEach((right, j) => {
      if (i >= j) return
      const share = told(compare(judge, prompt, left, right), telling, new Stream(...path, i, j))
      wins[i]![j] = share
      wins[j]![i] = 1 - share
    })
  })
  return wins
}

/** The mean of each of the first `count` rows, the comparison of an answer with itself (1/2) included. */
export const winShares = (wins: readonly (readonly number[])[], count = wins.length): number[] =>
  wins.slice(0, count).map((row) => row.reduce((sum, win) => sum + win, 0) / row.length)
