import { policyName } from '../../shared/ids.ts'
import type { RoundRows, RoundSummary } from '../../shared/recipe.ts'
import { BALANCED, balancedAccuracy } from './balanced.ts'
import { BUDGET, budgetNumbers, readBudget } from './budget.ts'
import { type Checked, CHECKED, readChecked, type Way } from './rows.ts'

/** The numbers of a round, all on the same problems and the same votes. */
export interface Check {
  problems: number
  /** The share of problems that each way to spend the budget ends with the right answer. */
  accuracy: Record<Way, number>
  /** Shares of problems. */
  uncertain: number
  /** Uncertain problems for which the spare answers ran out. */
  short: number
  /** Of the candidates for uncertain answers: recall on right ones and on wrong ones; null where there are none. */
  right: number | null
  wrong: number | null
  /** `right + wrong - 1`, the critic's TPR - FPR: 0 is guessing. */
  informedness: number | null
  /** Verdicts per candidate that could not be read. */
  unreadable: number
  /** Tokens that the critic generated, per problem. */
  tokens: number
}

export function check(rows: readonly Checked[]): Check | null {
  const count = rows.length
  if (count === 0) return null
  const share = (holds: (row: Checked) => boolean): number => rows.filter(holds).length / count
  const candidates = rows.flatMap((row) => row.candidates)
  const recall = (right: boolean): number | null => {
    const mine = candidates.filter((candidate) => candidate.right === right)
    return mine.length === 0 ? null : mine.filter(({ incorrect }) => incorrect !== right).length / mine.length
  }
  const [right, wrong] = [recall(true), recall(false)]
  const accuracy = (way: Way): number => share((row) => row.right[way])
  return {
    problems: count,
    accuracy: {
      majority: accuracy('majority'),
      checked: accuracy('checked'),
      moreVotes: accuracy('moreVotes'),
      moreVotesRead: accuracy('moreVotesRead'),
      shuffled: accuracy('shuffled'),
      checker: accuracy('checker'),
    },
    uncertain: share((row) => row.uncertain),
    short: share((row) => row.short),
    right,
    wrong,
    informedness: right === null || wrong === null ? null : right + wrong - 1,
    unreadable: candidates.reduce((sum, { unreadable }) => sum + unreadable, 0) / Math.max(1, candidates.length),
    tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0) / count,
  }
}

/** The score is the accuracy after the check. */
export function summarise({ round, evaluations, measured }: RoundRows): RoundSummary {
  const votes = budgetNumbers(measured.filter(({ set }) => set === BUDGET).map(readBudget))
  const found = check(measured.filter(({ set }) => set === CHECKED).map(readChecked))
  const critic = policyName({ role: 'critic', version: round })
  const balanced = balancedAccuracy(evaluations.filter((row) => row.suite === BALANCED && policyName(row) === critic))
  if (!found) return { score: null, numbers: { balanced, ...votes } }
  const { accuracy } = found
  const errors = 1 - accuracy.majority
  return {
    score: accuracy.checked,
    numbers: {
      majority: accuracy.majority,
      checked: accuracy.checked,
      more_votes: accuracy.moreVotes,
      more_votes_read: accuracy.moreVotesRead,
      shuffled: accuracy.shuffled,
      checker: accuracy.checker,
      gain: accuracy.checked - accuracy.moreVotes,
      gain_read: accuracy.checked - accuracy.moreVotesRead,
      // (e_SC - e_check) / e_SC, as CriticBench reports it.
      error_reduction: errors === 0 ? null : (accuracy.checked - accuracy.majority) / errors,
      uncertain: found.uncertain,
      right: found.right,
      wrong: found.wrong,
      informedness: found.informedness,
      balanced,
      unreadable: found.unreadable,
      short: found.short,
      tokens: found.tokens,
      problems: found.problems,
      ...votes,
    },
  }
}
