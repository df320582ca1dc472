/** `search`: a critic guides a solver through word problems, beside other ways to spend the same tokens. */
import type { Command } from 'commander'
import { checkRunName } from '../../client.ts'
import { launchDetached } from '../detached.ts'
import { playInForeground } from '../foreground.ts'
import { countUpTo, temperatureNumber, wholeNumber } from '../numbers.ts'
import { composeSearch, concludeSearch, readProblems, suiteNames } from '../search.ts'
import type { Session } from '../session.ts'
import { say, sayJson } from '../terminal.ts'

interface Options {
  solver: string
  policy: string
  suite: string
  data: string
  limit?: number
  name?: string
  seed: number
  temperature?: number
  chains: number
  attempts: number
  greedyFirst?: boolean
  detach?: boolean
  json?: boolean
}

export function addSearch(program: Command): void {
  program
    .command('search')
    .description('let a critic guide a solver through word problems, beside other ways to spend the same tokens')
    .requiredOption('--solver <run/role[@round] | model>', 'who solves, e.g. spc-text/solver, or smollm2-135m')
    .requiredOption('--policy <run/role[@round]>', 'the critic, e.g. spc-text/critic (its newest version)')
    .requiredOption('--suite <name>', `whose problems: ${suiteNames.join(', ')}`)
    .requiredOption('--data <file>', 'its file, e.g. test.jsonl')
    .option('--limit <n>', 'only the first n problems', wholeNumber)
    .option('--name <name>', "the run's name (default: made of the suite and the critic)")
    .option('--seed <n>', 'everything random follows from it', wholeNumber, 1)
    .option('--temperature <t>', 'of what the solver says (default: 0.7)', temperatureNumber)
    .option('--chains <n>', 'guided chains per problem, which vote', wholeNumber, 5)
    .option('--attempts <n>', 'attempts at a step', countUpTo(10), 5)
    .option('--greedy-first', "begin each step with the solver's likeliest, and fall back to it (docs/search.md)")
    .option('--detach', 'play in the background and return at once')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
A search is a run like any other: Ctrl-C loses nothing, the same command goes on, and a repeated one answers at once.

Examples:
  sparring search --solver spc-text/solver --policy spc-text/critic --suite gsm8k --data test.jsonl --limit 100
  sparring search --solver smollm2-135m --policy spc-text/critic@0 --suite easy-math --data svamp.jsonl --limit 50 --chains 3
  sparring search --solver spc-text/solver --policy spc-text/critic --suite math500 --data math500.jsonl --greedy-first`,
    )
    .action(async (options: Options) => {
      const { solver, policy: critic, suite, data, limit = Infinity, seed, temperature, chains, attempts } = options
      const { detach = false, json = false, greedyFirst = false } = options
      const name = options.name ?? nameOf(options)
      checkRunName(name)
      const search = { chains, attempts, greedyFirst, ...(temperature === undefined ? {} : { temperature }) }
      const wish = { solver, critic, problems: readProblems(suite, data, limit), seed, search }
      const file = (session: Session) => composeSearch(session, wish)
      if (detach) return launchDetached({ name, file, json })
      process.exitCode = await playInForeground({
        what: 'sparring search',
        name,
        file,
        json,
        conclude(finished) {
          const { lines, numbers } = concludeSearch(finished)
          if (json) sayJson(numbers)
          else for (const line of lines) say(line)
        },
      })
    })
}

/** The same command has the same name: one that was interrupted is gone on with. */
function nameOf({ suite, policy, seed, greedyFirst }: Options): string {
  const parts = [
    'search',
    suite,
    policy,
    ...(greedyFirst ? ['greedy-first'] : []),
    ...(seed === 1 ? [] : [`seed-${seed}`]),
  ]
  return parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(0, 63)
}
