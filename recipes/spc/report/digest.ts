import { groupBy } from '../../../shared/collections.ts'
import type { JudgedTurn, RoundGames } from '../../../report/data.ts'
import { readGame } from '../games.ts'
import { type Outcomes, outcomes } from './numbers.ts'
import { checkRule, type RuleCheck } from '../rule.ts'
import { type Critiques, type Shortlist, candidatesOf, shortlist } from './choice.ts'

/** What the report keeps of a round's games once it has gone through them. */
export interface RoundDigest {
  round: number
  outcomes: Outcomes
  rule: RuleCheck
  reasons: Record<string, number>
  shortlist: Shortlist
}

export function digest({ round, episodes, turns }: RoundGames): RoundDigest {
  const games = episodes.map(readGame)
  const said = groupBy(turns, ({ episode }) => episode)
  const ended = (outcome: string): number => games.filter((game) => game.outcome === outcome).length
  const invalid = games.filter((game) => game.outcome === 'invalid')
  return {
    round,
    outcomes: outcomes(round, { invalid: ended('invalid'), detected: ended('detected'), fooling: ended('fooling') }),
    rule: checkRule(games),
    reasons: Object.fromEntries(
      [...groupBy(invalid, ({ invalidBecause }) => invalidBecause ?? 'unknown')].map(([reason, rows]) => [
        reason,
        rows.length,
      ]),
    ),
    shortlist: shortlist(
      games
        .filter(({ outcome }) => outcome !== null)
        .flatMap((game) => candidatesOf(game, critiquesOf(said.get(game.episode) ?? []))),
    ),
  }
}

/** What the critiques of a game said, by the step they judge. */
function critiquesOf(turns: readonly JudgedTurn[]): Critiques {
  const of = (side: string): (string | null)[] =>
    turns.filter(({ turn }) => turn.startsWith(`criticise/${side}/`)).map(({ verdict }) => verdict)
  return { right: of('right'), sneaky: of('sneaky') }
}
