import type { EpisodeRow, TurnRow } from '../../shared/recipe.ts'
import type { Game } from './games.ts'
import type { Verdict } from './prompts.ts'

/** What a critic should say of each step of a game. */
export const rightVerdicts: Record<'right' | 'sneaky', Verdict> = { right: 'Correct', sneaky: 'Incorrect' }

export interface ValidityChecks {
  rightSuccess: number
  sneakySuccess: number
  /** What the exact checker says; null where there is none. */
  rightIsRight: boolean | null
  sneakyIsWrong: boolean | null
}

export interface Validity {
  valid: boolean
  invalidBecause: 'format' | 'unchanged' | 'the original step fails' | 'the sneaky step does no harm' | null
}

/**
 * The paper's rule (section 3.2): the solver succeeds from the original step in at least 75 % of its completions and
 * from the sneaky step in none. The oracle rule asks the task's exact checker instead.
 */
export function judgeValidity(
  rule: 'rollout' | 'oracle',
  game: Pick<Game, 'right' | 'sneaky'>,
  checks: ValidityChecks,
): Validity {
  if (game.sneaky === null) return { valid: false, invalidBecause: 'format' }
  if (game.sneaky === game.right) return { valid: false, invalidBecause: 'unchanged' }
  const originalHolds = rule === 'rollout' ? checks.rightSuccess >= 0.75 : checks.rightIsRight === true
  const sneakyBreaks = rule === 'rollout' ? checks.sneakySuccess === 0 : checks.sneakyIsWrong === true
  if (!originalHolds) return { valid: false, invalidBecause: 'the original step fails' }
  if (!sneakyBreaks) return { valid: false, invalidBecause: 'the sneaky step does no harm' }
  return { valid: true, invalidBecause: null }
}

/**
 * Rewards of one game (paper, Equations 2 and 3). The critic gets +1 for each critique with the right verdict and -1 for
 * any other (a verdict that cannot be read is wrong). The generator wrote one step but met several critiques: it has
 * fooled the critic when more than half of them say Correct; a tie goes by the first. An invalid step is -1 for the
 * generator and is never shown to the critic.
 */
export function rewardGame(row: EpisodeRow, turns: readonly TurnRow[]): { episodes: EpisodeRow[]; turns: TurnRow[] } {
  const critiques = (side: string): TurnRow[] => turns.filter((turn) => turn.turn.startsWith(`criticise/${side}/`))
  const sneaky = critiques('sneaky')
  const outcome = row.outcome === 'invalid' ? 'invalid' : isFooled(sneaky) ? 'fooling' : 'detected'
  const generatorReward = outcome === 'fooling' ? 1 : -1
  const scored = (side: 'right' | 'sneaky'): TurnRow[] =>
    critiques(side).map((turn) => ({ ...turn, reward: turn.verdict === rightVerdicts[side] ? 1 : -1 }))
  return {
    episodes: [{ ...row, outcome }],
    turns: [
      ...turns.filter((turn) => turn.turn.startsWith('deceive/')).map((turn) => ({ ...turn, reward: generatorReward })),
      ...scored('right'),
      ...scored('sneaky'),
    ],
  }
}

function isFooled(critiques: readonly TurnRow[]): boolean {
  const passed = critiques.filter((turn) => turn.verdict === 'Correct').length
  if (passed * 2 !== critiques.length) return passed * 2 > critiques.length
  return critiques.find((turn) => turn.turn.endsWith('/0'))?.verdict === 'Correct'
}
