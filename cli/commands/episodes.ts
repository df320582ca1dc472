import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { readEpisodes } from '../../db/reading.ts'
import { recipeOf } from '../../recipes/registry.ts'
import { gameLines } from '../games.ts'
import { UserError } from '../../shared/errors.ts'
import { findRun, withSession } from '../session.ts'
import { say, sayJson } from '../terminal.ts'

interface Options {
  round?: number
  fooled?: boolean
  outcome?: string
  limit: number
  json?: boolean
}

export function addEpisodes(program: Command): void {
  program
    .command('episodes')
    .description('print games that a person can read')
    .argument('<run>')
    .option('--round <r>', 'of this round (default: the newest first)', wholeNumber)
    .option('--fooled', 'short for --outcome fooling: the critic was fooled')
    .option('--outcome <outcome>', 'those that ended so, e.g. fooling, detected or invalid in SPC')
    .option('--limit <n>', 'at most so many', wholeNumber, 10)
    .option('--json', 'the rows, as JSON')
    .addHelpText(
      'after',
      `
A game of SPC shows the problem, the steps before, the right step, the sneaky step with its error type and explanation, how
often the solver succeeded from either, the critiques with their verdicts, and the rewards; games of other recipes show
who said what, turn by turn.

Examples:
  sparring episodes spc --fooled --limit 3
  sparring episodes spc --round 1 --outcome detected
  sparring episodes spc --json --limit 1000 > games.json`,
    )
    .action(async (name: string, { round, fooled = false, outcome, limit, json = false }: Options) => {
      await withSession('sparring episodes', async (session) => {
        const run = await findRun(session, name)
        const ending = outcome ?? (fooled ? 'fooling' : undefined)
        const { outcomes } = recipeOf(run.recipe)
        const known = Object.keys(outcomes)
        if (ending !== undefined && !known.includes(ending)) {
          throw new UserError(
            `no game of ${run.recipe} ends as ${ending}`,
            known.length > 0
              ? `use one of: ${known.join(', ')}`
              : 'its games are not won or lost: leave the filter out',
          )
        }
        const games = await readEpisodes(session.database, {
          run: run.name,
          limit,
          ...(round === undefined ? {} : { round }),
          ...(ending === undefined ? {} : { outcome: ending }),
        })
        if (json) return sayJson(games)
        if (games.length === 0) {
          const where = round === undefined ? '' : ` of round ${round}`
          return say(
            `Run ${name} has no ${ending ?? 'finished'} games${where} (yet). Round 0 makes the players; play begins in round 1.`,
          )
        }
        for (const game of games) for (const line of gameLines(game, outcomes)) say(line)
      })
    })
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}
