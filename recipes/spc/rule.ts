import { z } from 'zod'
import type { ItemRow } from '../../shared/recipe.ts'
import type { Game } from './games.ts'

/** The rollout rule against the exact checker, over the games with a step that could be read. */
const ruleCheck = z.object({
  /** Valid by both; by the rule alone; by the checker alone; by neither. */
  both: z.int(),
  ruleOnly: z.int(),
  oracleOnly: z.int(),
  neither: z.int(),
  /** Why the checker alone says valid: the solver fails from the right step, or it gets home from the wrong one. */
  missedByRight: z.int(),
  missedBySneaky: z.int(),
})
export type RuleCheck = z.infer<typeof ruleCheck>

/** The set that a round's checks are kept in, one item per shard of games. */
export const RULE_CHECKS = 'rule checks'

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

/** How much of what the rule lets through is truly wrong, and how much of what is wrong it lets through; null of nothing. */
export function ruleQuality(checks: readonly ItemRow[]): { precision: number | null; recall: number | null } {
  const counts = checks.map(({ data }) => ruleCheck.parse(data))
  const total = (name: 'both' | 'ruleOnly' | 'oracleOnly'): number =>
    counts.reduce((sum, count) => sum + count[name], 0)
  const share = (others: number): number | null =>
    total('both') + others > 0 ? total('both') / (total('both') + others) : null
  return { precision: share(total('ruleOnly')), recall: share(total('oracleOnly')) }
}
