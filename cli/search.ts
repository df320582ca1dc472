/** `sparring search`: the run that it stands for, from policies and a file of problems, and what the run came to. */
import fs from 'node:fs'
import path from 'node:path'
import { readPolicy } from '../db/policies.ts'
import { parseConfig } from '../recipes/registry.ts'
import { searchable } from '../recipes/search-text/problems.ts'
import { share } from '../report/estimates.ts'
import { signed } from '../report/format.ts'
import { UserError } from '../shared/errors.ts'
import { adopted } from '../shared/model-form.ts'
import { ADOPTED, type AdoptedModel, isAdopted } from '../shared/models.ts'
import type { Data } from '../shared/recipe.ts'
import type { ProblemForm } from '../tasks/problems/word-problems.ts'
import { findPolicy, type NamedPolicy } from './policy.ts'
import { modelFile, readText, type RunFile } from './run-file.ts'
import type { Session } from './session.ts'
import type { RoundNumbers, Snapshot } from './snapshot.ts'
import { models } from './model-files.ts'
import { type Column, style, table } from './terminal.ts'

/** The suites, with the forms of their files. SVAMP's lines and those of MAWPS's parts tell themselves apart. */
const forms: Readonly<Record<string, readonly ProblemForm[]>> = {
  gsm8k: ['gsm8k'],
  math500: ['math'],
  'easy-math': ['svamp', 'mawps'],
  svamp: ['svamp'],
  mawps: ['mawps'],
}
export const suiteNames = Object.keys(forms)

/** What a search is about. */
export interface Problems {
  file: string
  form: ProblemForm
  /** How many there are to solve. */
  count: number
}

/** Looks at the file before anything is started. */
export function readProblems(suite: string, data: string, limit: number): Problems {
  const known = forms[suite]
  if (!known) throw new UserError(`there is no suite ${suite} to search on`, `choose one of: ${suiteNames.join(', ')}`)
  const file = path.resolve(data)
  const text = readText(file)
  const form = known.length > 1 && /^\s*\{[^\n]*"input"\s*:/.test(text) ? 'mawps' : known[0]
  if (!form) throw new Error(`suite ${suite} has no form`)
  const count = Math.min(limit, searchable(form, text, data).length)
  if (count === 0) throw new UserError(`${data} holds no problems`, `name the file of ${suite}`)
  return { file, form, count }
}

type Stored = Pick<Session, 'database'>

export interface Wish {
  solver: string
  critic: string
  problems: Problems
  seed: number
  search: { temperature?: number; chains: number; attempts: number; greedyFirst: boolean }
}

/** Longer prompts than in training: a problem, what stands of its solution, and the step under way. */
const ROOM = 1024
/** Plain chains for each guided one, and how many of them the critic reads. */
const [PLAIN, READ] = [6, 3]

/** The run's configuration: the critic's run says which model its players are adapters over. */
export async function composeSearch(session: Stored, wish: Wish): Promise<RunFile> {
  const { problems, seed, search } = wish
  const critic = await playerOf(session, wish.critic)
  const solver = isModel(wish.solver) ? null : await playerOf(session, wish.solver)
  const { model } = critic
  const other = solver ? solver.model.from : modelFile(wish.solver)
  if (other !== model.from || (solver && differ(solver.model, model))) {
    throw new UserError(
      `${wish.solver} and ${wish.critic} are no players over one model: ${other} and ${model.from}`,
      'name two policies over one model, or <run>/base for the model itself',
    )
  }
  if (!fs.existsSync(model.from)) {
    throw new UserError(`the model of ${wish.critic} is gone: there is no ${model.from}`, 'put it where it was')
  }
  const { chains, attempts, temperature, greedyFirst } = search
  const given = {
    recipe: 'search-text',
    seed,
    // Two shards, so that two engines have work, and a round's history stays small however many problems there are.
    shard: Math.ceil(problems.count / 2),
    model: { ...model, context: await roomOf(session, critic) },
    problems: { file: problems.file, form: problems.form },
    players: { solver: solver && named(solver), critic: named(critic) },
    ...('critique' in critic.config ? { critique: critic.config.critique } : {}),
    search: {
      problems: problems.count,
      chains,
      attempts,
      votes: PLAIN * chains,
      judged: READ * chains,
      ...(temperature === undefined ? {} : { temperature }),
      ...(greedyFirst ? { firstTemperature: 0, fallback: 'first' } : {}),
    },
  }
  const source = 'this command'
  return { name: 'search', source, given, config: parseConfig(given, source).config }
}

const isModel = (text: string): boolean => Object.hasOwn(models, text) || fs.existsSync(text)

type Player = NamedPolicy & { model: AdoptedModel }

async function playerOf(session: Stored, text: string): Promise<Player> {
  const found = await findPolicy(session, text)
  const { run, recipe, config } = found
  if (isAdopted(config.model)) return { ...found, model: config.model }
  throw new UserError(
    `${text} cannot read word problems: run ${run} (${recipe.name}) has a language of its own`,
    `name a policy of a run with a published model, such as spc-text; \`sparring run examples/search.yaml --set players.from.run=${run}\` searches with this one`,
  )
}

const differ = (one: AdoptedModel, other: AdoptedModel): boolean =>
  JSON.stringify(one.adapter) !== JSON.stringify(other.adapter)

/** Null is the published model itself. */
const named = ({ run, policy }: Player) => (policy.role === ADOPTED.role ? null : { run, ...policy })

async function roomOf({ database }: Stored, { run, model }: Player): Promise<number> {
  const { context: longest = model.context } = adopted.parse((await readPolicy(database, run, ADOPTED)).lesson)
  return Math.min(longest, Math.max(model.context, ROOM))
}

interface Way {
  name: string
  title: string
  /** Of which number its tokens per problem are, and how many times. */
  tokens: string
  times: number
}

/** What each way came to: a share of the problems, and the tokens that somebody generated for one of them. */
function waysOf(chains: number): Way[] {
  const one = (name: string, title: string, tokens: string): Way => ({ name, title, tokens, times: 1 })
  const all = (name: string, title: string, tokens: string): Way => ({ name, title, tokens, times: chains })
  return [
    one('greedy', 'greedy', 'greedy_tokens'),
    one('sampled', 'sampled', 'sampled_tokens'),
    one('guided', 'guided', 'tokens'),
    one('votes', 'as many tokens of votes', 'tokens'),
    one('best', 'as many of best-of-n by the critic', 'tokens'),
    one('arithmetic', 'guided by arithmetic alone', 'arithmetic_tokens'),
    all('majority', `majority of ${chains}`, 'sampled_tokens'),
    all('guided_majority', `guided, majority of ${chains}`, 'tokens'),
    all('more_votes', 'as many tokens of votes', 'tokens'),
    all('best_of_more', 'as many of best-of-n by the critic', 'tokens'),
    all('votes_of_accepted', 'as many of votes of the accepted', 'tokens'),
    all('arithmetic_majority', `guided by arithmetic, majority of ${chains}`, 'arithmetic_tokens'),
  ]
}

type Finished = Pick<Snapshot, 'run' | 'report'> & { per_round: readonly Pick<RoundNumbers, 'numbers'>[] }

/** A finished search, for people and for programs. */
export function concludeSearch({ run, per_round: rounds, report }: Finished): { lines: string[]; numbers: Data } {
  const numbers = rounds.at(-1)?.numbers ?? {}
  const of = (name: string): number => numbers[name] ?? 0
  const [problems, chains] = [of('problems'), of('chains')]
  const ways = waysOf(chains).map(({ name, title, tokens, times }) => {
    const estimate = share(Math.round(of(name) * problems), problems)
    return {
      name,
      title,
      accuracy: of(name),
      low: estimate?.low ?? 0,
      high: estimate?.high ?? 1,
      tokens: times * of(tokens),
    }
  })
  const percent = (value: number): string => (100 * value).toFixed(1)
  const columns: Column[] = [
    { title: 'way' },
    { title: 'right, %', align: 'right' },
    { title: '95 % interval', align: 'right' },
    { title: 'tokens per problem', align: 'right' },
  ]
  const rows = ways.map(({ title, accuracy, low, high, tokens }) => [
    title,
    percent(accuracy),
    `${percent(low)} to ${percent(high)}`,
    tokens.toFixed(0),
  ])
  const points = (name: string): string => {
    const half = numbers[`${name}_half`]
    return `${signed(100 * of(name), 1)}${typeof half === 'number' ? ` ± ${percent(half)}` : ''}`
  }
  const gains: Column[] = [
    { title: 'guided, less' },
    { title: 'one chain, points', align: 'right' },
    { title: `majority of ${chains}, points`, align: 'right' },
  ]
  const lines = [
    `${style('bold', run)}: ${problems} problems, each ${chains} times`,
    '',
    ...table(columns, rows),
    '',
    ...table(gains, [
      ['as many tokens of votes', points('gain'), points('majority_gain')],
      ['greedy', points('gain_greedy'), points('majority_gain_greedy')],
      ['as many of best-of-n, of votes of the accepted', points('gain_best'), points('majority_gain_accepted')],
    ]),
    '± is half of the 95 % interval over the problems, which both have answered.',
    '',
    `The critic generated ${of('critic_tokens').toFixed(0)} of the ${of('tokens').toFixed(0)} tokens of a guided chain; ${percent(of('unreadable'))} % of its critiques had no verdict.`,
    `${of('attempts').toFixed(2)} attempts per step; ${percent(of('unanswered'))} % of the guided chains came to no answer.`,
    ...(of('short') > 0
      ? [
          `For ${percent(of('short'))} % of the problems the plain chains ran out before guided search's tokens did: what is bought with these is a lower bound there.`,
        ]
      : []),
    ...(report ? [`Report: ${report}`] : []),
  ]
  const json = ways.map(({ name, accuracy, low, high, tokens }) => ({ way: name, accuracy, low, high, tokens }))
  return { lines, numbers: { run, problems, chains, ways: json, numbers } }
}
