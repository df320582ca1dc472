import type { Game } from '../games.ts'

/** The rollout rule against the exact checker, over the games with a step that could be read. */
export interface RuleCheck {
  /** Valid by both; by the rule alone; by the checker alone; by neither. */
  both: number
  ruleOnly: number
  oracleOnly: number
  neither: number
  /** Why the checker alone says valid: the solver fails from the right step, or it gets home from the wrong one. */
  missedByRight: number
  missedBySneaky: number
}

export const valid = {
  /** The paper's rule, whichever rule decided the run's games. */
  byRule: ({ sneaky, right, rightSuccess, sneakySuccess }: Game): boolean =>
    sneaky !== null && sneaky !== right && (rightSuccess ?? 0) >= 0.75 && sneakySuccess === 0,
  byOracle: ({ sneaky, rightIsRight, sneakyIsWrong }: Game): boolean =>
    sneaky !== null && rightIsRight === true && sneakyIsWrong === true,
}

export function checkRule(games: readonly Game[]): RuleCheck {
  const readable = games.filter(({ sneaky, rightSuccess }) => sneaky !== null && rightSuccess !== null)
  const where = (rule: boolean, oracle: boolean): Game[] =>
    readable.filter((game) => valid.byRule(game) === rule && valid.byOracle(game) === oracle)
  const missed = where(false, true)
  return {
    both: where(true, true).length,
    ruleOnly: where(true, false).length,
    oracleOnly: missed.length,
    neither: where(false, false).length,
    missedByRight: missed.filter(({ rightSuccess }) => (rightSuccess ?? 0) < 0.75).length,
    missedBySneaky: missed.filter(({ rightSuccess }) => (rightSuccess ?? 0) >= 0.75).length,
  }
}
