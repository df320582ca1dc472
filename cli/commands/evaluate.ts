/** Judging with a trained policy: `evaluate` on a suite, `critique` on a user's own solutions. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { readEvaluations } from '../../db/evaluations.ts'
import { importSet } from '../../db/shards.ts'
import { messageOf, UserError } from '../../shared/errors.ts'
import { type PlayedBy, policyName } from '../../shared/ids.ts'
import type { EvaluationRow } from '../../shared/recipe.ts'
import { recalls, wilson } from '../../shared/statistics.ts'
import { findPolicy } from '../policy.ts'
import { type Session, withSession } from '../session.ts'
import { note, say, sayJson } from '../terminal.ts'
import { SupervisedWorker } from '../worker-process.ts'

interface Options {
  policy: string
  suite: string
  data?: string
  limit?: number
  json?: boolean
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('let a policy judge a suite, greedily, one answer per line')
    .requiredOption('--policy <run/role[@round]>', 'e.g. spc/critic (its newest version) or spc/critic@1')
    .requiredOption(
      '--suite <name>',
      'spc: natural/test, natural/validation, synthetic/test, synthetic/validation, bigbench-mistake; self-check: balanced, solution-pool',
    )
    .option('--data <file>', 'the file of a suite that reads one, e.g. multistep_arithmetic.jsonl')
    .option('--limit <n>', 'only the first n lines', wholeNumber)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  sparring evaluate --policy spc/critic --suite natural/test
  sparring evaluate --policy spc/critic@0 --suite synthetic/test --json
  sparring evaluate --policy spc/critic --suite bigbench-mistake --data multistep_arithmetic.jsonl
  sparring evaluate --policy self-check/critic --suite solution-pool --data example_model_solutions.jsonl`,
    )
    .action(async (options: Options) => {
      await withSession('sparring evaluate', (session) => evaluate(session, options))
    })
  program
    .command('critique')
    .description('let a critic judge your own solutions, step by step')
    .argument('<file>', 'solutions such as 37+48-9*3:9*3=27;37+48=83 (one a line); - reads standard input')
    .requiredOption('--policy <run/critic[@round]>', 'e.g. spc/critic')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  echo '37+48-9*3:9*3=27;37+48=83;83-27=56' | sparring critique --policy spc/critic -
  sparring critique --policy spc/critic@2 solutions.txt --json`,
    )
    .action(async (file: string, options: Omit<Options, 'suite'>) => {
      await withSession('sparring critique', (session) =>
        evaluate(session, { ...options, suite: 'critique', data: file }),
      )
    })
}

async function evaluate(session: Session, options: Options): Promise<void> {
  const { database } = session
  const { run, recipe, config, policy } = await findPolicy(session, options.policy)
  const importer = recipe.importers[options.suite]
  if (importer) {
    const { text, source } = readData(options)
    const lines = importer.read(config, text, source)
    const set = `${options.suite}/${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
    await importSet(database, run, set, lines)
    const judgements = await judge(session, { run, suite: set, policy, shards: Math.ceil(lines.length / config.shard) })
    const { lines: said, numbers } = importer.conclude(config, text, source, judgements)
    if (options.json) return sayJson({ run, policy: policyName(policy), suite: options.suite, ...numbers })
    for (const line of said) say(line)
    return
  }
  const suite = recipe.suite(options.suite)
  if (!suite) {
    throw new UserError(
      `recipe ${recipe.name} has no suite ${options.suite}`,
      `\`sparring evaluate --help\` names the suites; with --data: ${Object.keys(recipe.importers).join(', ')}`,
    )
  }
  if (options.data !== undefined) {
    throw new UserError(
      `suite ${options.suite} reads no file`,
      `leave --data out, or use one of: ${Object.keys(recipe.importers).join(', ')}`,
    )
  }
  const count = Math.min(options.limit ?? Number.POSITIVE_INFINITY, suite.items(config))
  const all = await judge(session, { run, suite: options.suite, policy, shards: Math.ceil(count / config.shard) })
  const rows = all.filter(({ item }) => item < count)
  const { correct, wrong, mean, harmonic, invalid, counts } = recalls(rows)
  if (options.json) {
    return sayJson({
      run,
      policy: policyName(policy),
      suite: options.suite,
      correct,
      wrong,
      mean,
      harmonic,
      invalid,
      counts,
    })
  }
  say(`${policyName(policy)} of run ${run} on ${options.suite}: ${suite.summary}`)
  say(`  right steps called right   ${interval(correct, counts.correct)}`)
  say(`  wrong steps called wrong   ${interval(wrong, counts.wrong)}`)
  say(`  mean ${number(mean)}   harmonic mean ${number(harmonic)}   unreadable ${number(invalid)}`)
}

/** Makes sure that the suite is judged, with a worker of our own beside any other, and reads the judgements. */
async function judge(
  session: Session,
  input: { run: string; suite: string; policy: PlayedBy; shards: number },
): Promise<EvaluationRow[]> {
  const worker = new SupervisedWorker(session.services, { onReady: () => undefined, onRestart: note })
  session.defer(() => worker.stop())
  try {
    await Promise.race([session.client.evaluate(input), worker.finished])
  } finally {
    await worker.stop()
  }
  const rows = await readEvaluations(session.database, input.run, input.policy.version)
  return rows.filter(({ suite, role }) => suite === input.suite && role === input.policy.role)
}

function readData({ data, suite, limit }: Options): { text: string; source: string } {
  if (data === undefined) {
    throw new UserError(`suite ${suite} reads a file, and none was given`, 'name it with --data FILE')
  }
  const source = data === '-' ? 'standard input' : data
  try {
    const text = fs.readFileSync(data === '-' ? 0 : data, 'utf8')
    return { source, text: limit === undefined ? text : text.split('\n').slice(0, limit).join('\n') }
  } catch (error) {
    throw new UserError(
      `cannot read ${source}: ${messageOf(error)}`,
      'name a file that exists, or - for standard input',
    )
  }
}

const number = (value: number | null): string => (value === null ? '–' : value.toFixed(3))

function interval(share: number | null, count: number): string {
  if (share === null) return '–'
  const [low, high] = wilson(share, count)
  return `${share.toFixed(3)}  (95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}, n = ${count})`
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}
