import { sum } from '../../shared/collections.ts'
import type { RoundRows, RoundSummary } from '../../shared/recipe.ts'
import { meanInterval } from '../../shared/statistics.ts'
import { BUDGET, budgetNumbers, readBudget } from '../self-check/budget.ts'
import { type Judge, readSearched, SEARCHED, type Searched, type Way } from './rows.ts'

/** What people are shown of each round. */
export const columns = {
  greedy: 'greedy',
  guided: 'guided',
  votes: 'votes',
  gain: 'gain',
  guided_majority: 'guided majority',
  more_votes: 'more votes',
  majority_gain: 'majority gain',
  informedness: 'informed',
}

/** Shares of problems and means over them. The score is the accuracy of guided chains that vote; `checker` names what stands in the critic's place. */
export function summarise({ measured }: RoundRows, checker: Exclude<Judge, 'critic'>): RoundSummary {
  const votes = budgetNumbers(measured.filter(({ set }) => set === BUDGET).map(readBudget))
  const rows = measured.filter(({ set }) => set === SEARCHED).map(readSearched)
  if (rows.length === 0) return { score: null, numbers: votes }
  const total = (of: (row: Searched) => number): number => sum(rows.map(of))
  const accuracy = (way: Way): number => total(({ right }) => right[way]) / rows.length
  const chains = total((row) => row.chains)
  const guidedMajority = accuracy('guidedMajority')
  return {
    score: guidedMajority,
    numbers: {
      sampled: accuracy('sampled'),
      greedy: accuracy('greedy'),
      critic_solves: accuracy('criticSolves'),
      guided: accuracy('guided'),
      votes: accuracy('votes'),
      best: accuracy('best'),
      [checker]: accuracy('checker'),
      majority: accuracy('majority'),
      guided_majority: guidedMajority,
      more_votes: accuracy('moreVotes'),
      best_of_more: accuracy('bestOfMore'),
      votes_of_accepted: accuracy('votesOfAccepted'),
      [`${checker}_majority`]: accuracy('checkerMajority'),
      ...gainNumbers(rows),
      ...criticNumbers(rows.flatMap(({ checks }) => checks)),
      attempts:
        total(({ attempts }) => attempts) /
        Math.max(
          1,
          total(({ steps }) => steps),
        ),
      unanswered: total(({ unanswered }) => unanswered) / chains,
      // Generated tokens of one chain.
      tokens: total(({ tokens }) => tokens.solver + tokens.critic) / chains,
      critic_tokens: total(({ tokens }) => tokens.critic) / chains,
      [`${checker}_tokens`]: total(({ tokens }) => tokens.checker) / chains,
      sampled_tokens: total(({ tokens }) => tokens.plain) / chains,
      greedy_tokens: total(({ tokens }) => tokens.greedy) / rows.length,
      chains: chains / rows.length,
      short: rows.filter(({ short }) => short).length / rows.length,
      problems: rows.length,
      ...votes,
    },
  }
}

/** What guided search is compared with, in the tokens that it takes. */
const gains: Record<string, [Way, Way]> = {
  gain: ['guided', 'votes'],
  gain_greedy: ['guided', 'greedy'],
  gain_best: ['guided', 'best'],
  majority_gain: ['guidedMajority', 'moreVotes'],
  majority_gain_greedy: ['guidedMajority', 'greedy'],
  majority_gain_accepted: ['guidedMajority', 'votesOfAccepted'],
}

/** Each gain with half of its 95 % interval over the problems, which both ways have answered; null where no two of them differ. */
function gainNumbers(rows: readonly Searched[]): Record<string, number | null> {
  const numbers = Object.entries(gains).flatMap(([name, [one, other]]): [string, number | null][] => {
    const { mean, half } = meanInterval(rows.map(({ right }) => right[one] - right[other]))
    return [
      [name, mean],
      [`${name}_half`, half === 0 ? null : half],
    ]
  })
  return Object.fromEntries(numbers)
}

/** How good the critic is where search asks it: recalls on proposed steps after right ones; null where there are none. */
function criticNumbers(checks: Searched['checks']): Record<string, number | null> {
  const recall = (right: boolean): number | null => {
    const mine = checks.filter((check) => check.right === right)
    const found = mine.filter(({ verdict }) => (verdict === 'Incorrect') !== right)
    return mine.length === 0 ? null : found.length / mine.length
  }
  const [right, wrong] = [recall(true), recall(false)]
  return {
    right,
    wrong,
    informedness: right === null || wrong === null ? null : right + wrong - 1,
    unreadable: checks.filter(({ verdict }) => verdict === null).length / Math.max(1, checks.length),
  }
}
