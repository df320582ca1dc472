import { groupBy, range } from '../../shared/collections.ts'
import { UserError } from '../../shared/errors.ts'
import { Stream } from '../../shared/random.ts'
import type { Context, Data, Example, Lesson, Rows, TurnRow } from '../../shared/recipe.ts'
import type { SpcConfig } from './config.ts'
import { creditOf, learnsSettled, settled, sideOf, sides, type VerdictWords } from './credit.ts'

/**
 * What an update learns from: played turns in balanced buckets, mixed 1:1 with supervised rows (paper, C.2 and C.3).
 * The critic's buckets are winning and losing critiques, or what `update.balance` says; the generator's are invalid, detected and
 * fooling steps. A bucket that holds less than its share is drawn from more often, so that the mix stays as it should be, and the
 * shortfall is reported.
 */
export type Learner = 'critic' | 'generator'

/** What a lesson reads of a configuration, whatever language its players speak. */
export type Learning = Pick<SpcConfig, 'seed' | 'update'> & {
  supervised: Record<Learner, { steps: number; batch: number }>
}

/** What an update learns from beside the games: the labelled rows of round 0, and how verdicts are written. */
export interface Supply {
  labelled: readonly Example[]
  /** A new worked problem, for a critic's rehearsal; the path is that of its random numbers. */
  worked?(...path: number[]): Example
  words: VerdictWords
}

interface Bucket {
  name: string
  turns: TurnRow[]
}

const results = [
  { name: 'winning', reward: 1 },
  { name: 'losing', reward: -1 },
] as const

function bucketsOf(learner: Learner, config: Learning, words: VerdictWords, rows: Rows): Bucket[] {
  return learner === 'critic' ? criticBuckets(config, words, rows) : generatorBuckets(config, rows)
}

/** Critiques by how they ended, by the side of the game that they are about, or by both. */
function criticBuckets(config: Learning, words: VerdictWords, { turns }: Rows): Bucket[] {
  const { balance } = config.update
  const said = turns.filter(({ turn }) => turn.startsWith('criticise/'))
  const critiques = learnsSettled('critic', config) ? settled(config, words, said) : said
  const byResult = results.map(({ name, reward }) => ({ name, of: (turn: TurnRow) => turn.reward === reward }))
  const bySide = sides.map((name) => ({ name, of: (turn: TurnRow) => sideOf(turn) === name }))
  const kinds = {
    reward: byResult,
    side: bySide,
    both: bySide.flatMap((side) =>
      byResult.map((result) => ({
        name: `${result.name}, ${side.name}`,
        of: (turn: TurnRow) => side.of(turn) && result.of(turn),
      })),
    ),
  }
  return kinds[balance].map(({ name, of }) => ({ name, turns: critiques.filter(of) }))
}

function generatorBuckets(config: Learning, rows: Rows): Bucket[] {
  const outcomes = new Map(rows.episodes.map((row) => [`${row.round}/${row.episode}`, row.outcome]))
  // The random corruptor's turns have no policy to train.
  const deceptions = rows.turns.filter((turn) => turn.turn.startsWith('deceive/') && turn.role === 'generator')
  const byOutcome = groupBy(deceptions, (turn) => outcomes.get(`${turn.round}/${turn.episode}`))
  // Without the solver's reward there are no failed attacks to learn from (the paper's ablation).
  const wanted = config.update.solverReward ? ['invalid', 'detected', 'fooling'] : ['detected', 'fooling']
  return wanted.map((name) => ({ name, turns: byOutcome.get(name) ?? [] }))
}

/** The lesson of an update by play, or of its control arm: equally many steps on the supervised rows alone. */
export function playLesson<Config extends Learning>(
  learner: Learner,
  context: Context<Config>,
  supply: Supply,
  merged: number,
  rows: Rows,
): Lesson {
  const { config, round } = context
  const setting = config.update[learner]
  const steps = setting.steps * merged
  const library = supply.labelled
  const order = (name: string, pass: number, length: number): number[] =>
    new Stream(config.seed, 'order', learner, round, name, pass).permutation(length)
  const labelled = cyclic(library, (pass) => order('supervised', pass, library.length))
  const supervised = learner === 'critic' ? rehearsed(context, supply, labelled) : labelled
  if (config.update.learn === 'supervised-only') {
    const batch = (step: number): Example[] => range(step * setting.batch, (step + 1) * setting.batch).map(supervised)
    return { steps, batch, consumed: [], report: { supervisedRows: library.length, played: 0 } }
  }

  const found = bucketsOf(learner, config, supply.words, rows)
  const share = Math.floor(setting.rows / found.length) * merged
  const buckets = found.map((bucket) => ({
    ...bucket,
    chosen: order(bucket.name, 0, bucket.turns.length)
      .slice(0, share)
      .map((index) => bucket.turns[index]!),
  }))
  const filled = buckets.filter((bucket) => bucket.chosen.length > 0)
  const { example, baselines } = creditOf(
    learner,
    config,
    supply.words,
    filled.map(({ chosen }) => chosen),
  )
  const draws = filled.map(({ name, chosen }) =>
    cyclic(chosen.map(example), (pass) => order(name, pass + 1, chosen.length)),
  )
  const perBucket = Math.floor(setting.batch / Math.max(1, filled.length))
  return {
    steps: filled.length > 0 ? steps : 0,
    batch: (step) => [
      ...draws.flatMap((draw) => range(step * perBucket, (step + 1) * perBucket).map(draw)),
      ...range(step * setting.batch, (step + 1) * setting.batch).map(supervised),
    ],
    consumed: filled.flatMap((bucket) => bucket.chosen.map(({ round, episode, turn }) => ({ round, episode, turn }))),
    report: balanceReport(buckets, share, baselines, library.length, (steps * perBucket) / Math.max(1, share)),
  }
}

function balanceReport(
  buckets: readonly (Bucket & { chosen: TurnRow[] })[],
  share: number,
  baselines: Record<string, number>,
  supervisedRows: number,
  passes: number,
): Data {
  return {
    supervisedRows,
    baselines,
    wantedPerBucket: share,
    passesOverAFullBucket: passes,
    buckets: Object.fromEntries(
      buckets.map(({ name, turns, chosen }) => [name, { available: turns.length, used: chosen.length }]),
    ),
    shortBuckets: buckets.filter(({ chosen }) => chosen.length < share).map(({ name }) => name),
  }
}

/** Round 0's lesson: the labelled set, over and over in new orders. */
export function supervisedLesson<Config extends Learning>(
  learner: Learner,
  { config }: Context<Config>,
  { labelled: library }: Pick<Supply, 'labelled'>,
): Lesson {
  const setting = config.supervised[learner]
  const draw = cyclic(library, (pass) =>
    new Stream(config.seed, 'order', learner, 0, 'supervised', pass).permutation(library.length),
  )
  return {
    steps: setting.steps,
    batch: (step) => range(step * setting.batch, (step + 1) * setting.batch).map(draw),
    consumed: [],
    report: { supervisedRows: library.length, passes: (setting.steps * setting.batch) / Math.max(1, library.length) },
  }
}

/**
 * Ours: among the supervised rows of an update stand worked problems as the base model was trained on, new ones in each
 * step. They need no label of a step, and keep right what a blind critic compares the judged step with.
 */
function rehearsed(
  { config, round }: Context<Learning>,
  { worked: workedProblem }: Supply,
  labelled: (draw: number) => Example,
): (draw: number) => Example {
  if (!workedProblem) return labelled
  const worked = (draws: number): number => Math.floor(draws * config.update.critic.rehearsal)
  return (draw: number): Example =>
    worked(draw + 1) > worked(draw) ? workedProblem(round, draw) : labelled(draw - worked(draw))
}

/** Draw n of an endless series of passes over the values, each pass in its own order. */
function cyclic<T>(values: readonly T[], orderOf: (pass: number) => number[]): (draw: number) => T {
  const orders = new Map<number, number[]>()
  return (draw) => {
    const pass = Math.floor(draw / values.length)
    let order = orders.get(pass)
    if (!order) orders.set(pass, (order = orderOf(pass)))
    const value = values[order[draw % values.length] ?? -1]
    if (value === undefined) {
      throw new UserError(
        'an update has no labelled rows to learn from',
        'round 0 made none of the problems, or its teacher never agreed with a label: name other problems or another teacher',
      )
    }
    return value
  }
}
