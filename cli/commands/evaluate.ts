/** Judging with a trained policy: `evaluate` on a suite, `critique` on a user's own solutions. */
import fs from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { recipeNames, recipeOf } from '../../recipes/registry.ts'
import { reliabilityPage } from '../../report/reliability.ts'
import { messageOf, UserError } from '../../shared/errors.ts'
import { policyName } from '../../shared/ids.ts'
import type { Data, EvaluationRow, Outcome } from '../../shared/recipe.ts'
import { evaluationName, type Voting } from '../../shared/votes.ts'
import type { Calibration } from '../../shared/calibration.ts'
import { checkSameLines, type File, Judge, type Lines, linesOf, nameOf, readFile, type Subject } from '../evaluation.ts'
import {
  calibrationOf,
  concludeCalibration,
  concludeDifference,
  concludeUnreadable,
  differenceOf,
} from '../evaluation-result.ts'
import { countUpTo, temperatureNumber, wholeNumber } from '../numbers.ts'
import { findPolicy } from '../policy.ts'
import { type Session, withSession } from '../session.ts'
import { note, say, sayJson } from '../terminal.ts'

/** Votes of one line are sampled in one call of the engine (activities/sampling.ts). */
const MOST_VOTES = 64

interface Options {
  policy: string
  suite: string
  data?: string
  limit?: number
  votes: number
  temperature?: number
  baseline: string[]
  plot?: string
  json?: boolean
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('let a policy judge a suite: one greedy answer per line, or the majority of several votes')
    .requiredOption('--policy <run/role[@round]>', 'e.g. spc/critic (its newest version) or spc/critic@1')
    .requiredOption('--suite <name>', 'what is judged, see below')
    .option(
      '--data <file>',
      'the file of a suite that reads one, e.g. multistep_arithmetic.jsonl; - for standard input',
    )
    .option('--limit <n>', 'only the first n lines of the suite, or records of the file', wholeNumber)
    .option(
      '--votes <n>',
      'sampled answers per line, whose majority is the verdict; 1 is greedy',
      countUpTo(MOST_VOTES),
      1,
    )
    .option('--temperature <t>', 'of the votes (default: 0.7)', temperatureNumber)
    .option('--baseline <run/role[@round]>', 'another policy on the same lines; may be repeated', collected, [])
    .option('--plot <file>', "an HTML file with the votes' reliability diagram")
    .option('--json', 'one JSON object')
    .addHelpText('after', () => `\n${suitesHelp()}\n${examples}`)
    .action(async (options: Options) => {
      const voting = votingOf(options)
      checkPlot(options)
      const file = options.data === undefined ? null : readFile(options.data, options.limit)
      await withSession(
        'sparring evaluate',
        (session) => evaluate(session, options, voting, file),
        'stopped; every finished line is kept, and the same command goes on behind them',
      )
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
    .action(async (file: string, options: Pick<Options, 'policy' | 'json'>) => {
      const read = readFile(file)
      await withSession('sparring critique', (session) => critique(session, options, read))
    })
}

const examples = `
Examples:
  sparring evaluate --policy spc/critic --suite natural/test
  sparring evaluate --policy spc/critic --suite natural/test --votes 9 --baseline spc/critic@0 --plot votes.html
  sparring evaluate --policy spc/critic --suite bigbench-mistake --data multistep_arithmetic.jsonl
  sparring evaluate --policy spc-text/critic --suite processbench --data gsm8k.jsonl --limit 100 --baseline spc-text/base
  sparring evaluate --policy self-check/critic --suite solution-pool --data example_model_solutions.jsonl`

function suitesHelp(): string {
  const lines = recipeNames.flatMap((name) => {
    const { suites, importers } = recipeOf(name)
    const files = Object.keys(importers).filter((one) => one !== 'critique')
    const parts = [...suites, ...(files.length > 0 ? [`with --data: ${files.join(', ')}`] : [])]
    return parts.length === 0 ? [] : [`  ${name.padEnd(11)} ${parts.join(', ')}`]
  })
  return ['Suites, by recipe:', ...lines].join('\n')
}

async function critique(session: Session, options: Pick<Options, 'policy' | 'json'>, file: File): Promise<void> {
  const subject = await findPolicy(session, options.policy)
  const lines = await linesOf(session, subject, 'critique', { file, limit: Infinity })
  const rows = await judging(session, options, (judge) => judge.judge(subject, lines, undefined))
  const { lines: said, numbers } = lines.conclude(rows)
  const { run, policy } = subject
  if (options.json) return sayJson({ run, policy: policyName(policy), suite: 'critique', ...numbers })
  for (const line of said) say(line)
}

/** Has lines judged, by a worker that ends with it. */
async function judging<T>(session: Session, { json }: Pick<Options, 'json'>, use: (judge: Judge) => Promise<T>) {
  const judge = new Judge(session, json === true ? null : note)
  try {
    return await use(judge)
  } finally {
    await judge.end()
  }
}

/** A policy, and everything that its judgements say of it. */
interface Evaluated {
  subject: Subject
  said: string[]
  numbers: Data
  outcomes: Outcome[]
  calibration: Calibration | null
}

async function evaluate(
  session: Session,
  options: Options,
  voting: Voting | undefined,
  file: File | null,
): Promise<void> {
  const { suite, limit = Infinity } = options
  const subject = await findPolicy(session, options.policy)
  const lines = await linesOf(session, subject, suite, { file, limit })
  const others: { subject: Subject; lines: Lines }[] = []
  for (const text of options.baseline) {
    const baseline = await findPolicy(session, text)
    if ([subject, ...others.map((other) => other.subject)].some((one) => nameOf(one) === nameOf(baseline))) {
      throw new UserError(`--baseline ${text} is ${nameOf(baseline)}, which is judging already`, 'name another policy')
    }
    const same = await linesOf(session, baseline, suite, { file, limit })
    checkSameLines(subject, lines, baseline, same)
    others.push({ subject: baseline, lines: same })
  }
  const evaluated: Evaluated[] = []
  await judging(session, options, async (judge) => {
    for (const one of [{ subject, lines }, ...others]) {
      const rows = await judge.judge(one.subject, one.lines, voting)
      evaluated.push(evaluatedOf(one.subject, one.lines, rows, voting !== undefined))
    }
  })
  const [first, ...baselines] = evaluated
  if (!first) throw new Error('nobody judged')
  if (options.plot !== undefined) writePlot(options.plot, evaluationName(suite, voting), evaluated)
  if (options.json) sayJson(asJson(first, baselines, suite, voting))
  else for (const line of asText(first, baselines, lines, evaluationName(suite, voting))) say(line)
  if (options.plot !== undefined && !options.json) say(`reliability diagram: ${options.plot}`)
}

function evaluatedOf(subject: Subject, lines: Lines, rows: EvaluationRow[], voted: boolean): Evaluated {
  const { lines: said, numbers } = lines.conclude(rows)
  const unreadable = concludeUnreadable(rows)
  const calibration = voted ? calibrationOf(rows) : null
  const reliability = calibration && concludeCalibration(calibration)
  return {
    subject,
    said: [...said, ...unreadable.lines, ...(reliability?.lines ?? [])],
    numbers: {
      ...numbers,
      unreadable: unreadable.numbers,
      ...(reliability ? { calibration: reliability.numbers } : {}),
    },
    outcomes: lines.outcomes(rows),
    calibration,
  }
}

function asJson(first: Evaluated, baselines: Evaluated[], suite: string, voting: Voting | undefined): Data {
  const one = ({ subject, numbers }: Evaluated): Data => ({
    run: subject.run,
    policy: policyName(subject.policy),
    suite,
    ...(voting ? { voting: { ...voting } } : {}),
    ...numbers,
  })
  const compared = baselines.map((baseline) => ({
    ...one(baseline),
    difference: concludeDifference(differenceOf(first.outcomes, baseline.outcomes)).numbers,
  }))
  return { ...one(first), ...(compared.length > 0 ? { baselines: compared } : {}) }
}

function asText(first: Evaluated, baselines: Evaluated[], { summary }: Lines, evaluation: string): string[] {
  const one = ({ subject, said }: Evaluated): string[] => [
    `${policyName(subject.policy)} of run ${subject.run} on ${evaluation}: ${summary}`,
    ...said,
  ]
  return [
    ...one(first),
    ...baselines.flatMap((baseline) => [
      '',
      ...one(baseline),
      '',
      `${nameOf(first.subject)} minus ${nameOf(baseline.subject)}, on the same lines`,
      ...concludeDifference(differenceOf(first.outcomes, baseline.outcomes)).lines,
    ]),
  ]
}

function writePlot(file: string, evaluation: string, evaluated: Evaluated[]): void {
  const policies = evaluated.flatMap(({ subject, calibration }) =>
    calibration ? [{ policy: nameOf(subject), ...calibration }] : [],
  )
  try {
    fs.writeFileSync(file, reliabilityPage(evaluation, policies))
  } catch (error) {
    throw new UserError(`cannot write ${file}: ${messageOf(error)}`, 'name a file in a folder that you may write to')
  }
}

const usualTemperature = 0.7

function votingOf({ votes, temperature }: Options): Voting | undefined {
  if (votes > 1) return { votes, temperature: temperature ?? usualTemperature }
  if (temperature === undefined) return undefined
  throw new UserError(
    '--temperature is that of votes, and a single answer is greedy',
    'ask for several, e.g. --votes 9, or leave --temperature out',
  )
}

/** Before anything is judged: a long evaluation must not end with a plot that has nowhere to go. */
function checkPlot({ plot, votes }: Options): void {
  if (plot === undefined) return
  if (votes === 1) throw new UserError('--plot shows votes, and there are none', 'ask for several, e.g. --votes 9')
  const folder = path.dirname(path.resolve(plot))
  if (!fs.existsSync(folder))
    throw new UserError(`--plot: there is no folder ${folder}`, 'make it, or name another file')
}

const collected = (text: string, before: string[]): string[] => [...before, text]
