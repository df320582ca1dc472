import { sql } from 'drizzle-orm'
import {
  bigint,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  serial,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { Data } from '../shared/recipe.ts'
import type { Vote } from '../shared/votes.ts'

/**
 * Every step of a run leaves its rows here (DESIGN section 6). All primary keys are places in the plan, so writing a row
 * twice changes nothing. Only columns named seconds, *_at, *_times, worker and host may differ between two runs of one plan.
 */
const run = () =>
  text('run')
    .notNull()
    .references(() => runs.name, { onDelete: 'cascade' })

/** Stretches of time, as Postgres writes them: queries unite, intersect and subtract them. */
const times = customType<{ data: string }>({ dataType: () => 'tstzmultirange' })

export const runs = pgTable('runs', {
  name: text('name').primaryKey(),
  recipe: text('recipe').notNull(),
  seed: integer('seed').notNull(),
  config: jsonb('config').$type<Data>().notNull(),
  state: text('state').notNull(),
  /** Versions of the code, packages, CPU: what equal bytes depend on. */
  provenance: jsonb('provenance').$type<Data>().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  finishedAt: timestamp('finished_at', { withTimezone: true }),
})

export const rounds = pgTable(
  'rounds',
  {
    run: run(),
    round: integer('round').notNull(),
    /** The configuration this round ran under (steerable fields may change between rounds). */
    config: jsonb('config').$type<Data>().notNull(),
    score: doublePrecision('score'),
    numbers: jsonb('numbers').$type<Data>(),
    startedAt: timestamp('started_at', { withTimezone: true }).notNull().defaultNow(),
    finishedAt: timestamp('finished_at', { withTimezone: true }),
  },
  (table) => [primaryKey({ columns: [table.run, table.round] })],
)

/** The ledger: one row for each finished shard of work, written in the same transaction as its results. */
export const shards = pgTable(
  'shards',
  {
    run: run(),
    round: integer('round').notNull(),
    phase: text('phase').notNull(),
    shard: integer('shard').notNull(),
    /** Tokens sampled, scored or trained on. */
    tokens: bigint('tokens', { mode: 'number' }).notNull(),
    rows: integer('rows').notNull(),
    /** From its first query to the end of its transaction, but for the commit itself. */
    seconds: doublePrecision('seconds').notNull(),
    /** When an engine process computed for it. */
    engineTimes: times('engine_times')
      .notNull()
      .default(sql`'{}'`),
    /** When it read and wrote rows and files. */
    storageTimes: times('storage_times')
      .notNull()
      .default(sql`'{}'`),
    worker: text('worker').notNull(),
    finishedAt: timestamp('finished_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.run, table.round, table.phase, table.shard] })],
)

/** Problems of a round (set `problems`) and lines of evaluation sets. */
export const items = pgTable(
  'items',
  {
    run: run(),
    round: integer('round').notNull(),
    set: text('set').notNull(),
    item: integer('item').notNull(),
    data: jsonb('data').$type<Data>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.round, table.set, table.item] })],
)

/** One game. `outcome` is null until it is decided. */
export const episodes = pgTable(
  'episodes',
  {
    run: run(),
    round: integer('round').notNull(),
    episode: integer('episode').notNull(),
    item: integer('item').notNull(),
    data: jsonb('data').$type<Data>().notNull(),
    outcome: text('outcome'),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.round, table.episode] }),
    index('episodes_item').on(table.run, table.round, table.item),
  ],
)

/** What one player said in a game: which policy, on which prompt, with which verdict and reward, consumed by which update. */
export const turns = pgTable(
  'turns',
  {
    run: run(),
    round: integer('round').notNull(),
    episode: integer('episode').notNull(),
    turn: text('turn').notNull(),
    role: text('role').notNull(),
    version: integer('version').notNull(),
    prompt: text('prompt').notNull(),
    text: text('text').notNull(),
    tokens: integer('tokens').notNull(),
    /** The path of the counted random numbers that sampled this text. */
    seed: text('seed').notNull(),
    /** sha256 of the recipe's prompt templates. */
    template: text('template').notNull(),
    verdict: text('verdict'),
    reward: doublePrecision('reward'),
  },
  (table) => [primaryKey({ columns: [table.run, table.round, table.episode, table.turn] })],
)

/** A turn as recipes know it (TurnRow), with its round. */
export const turnColumns = {
  round: turns.round,
  episode: turns.episode,
  turn: turns.turn,
  role: turns.role,
  version: turns.version,
  prompt: turns.prompt,
  text: turns.text,
  tokens: turns.tokens,
  verdict: turns.verdict,
  reward: turns.reward,
}

/** Which turns an update learned from. */
export const consumptions = pgTable(
  'consumptions',
  {
    run: run(),
    role: text('role').notNull(),
    version: integer('version').notNull(),
    round: integer('round').notNull(),
    episode: integer('episode').notNull(),
    turn: text('turn').notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.role, table.version, table.round, table.episode, table.turn] })],
)

/** Published policies: (run, role, version) is inserted once and never changed. */
export const policies = pgTable(
  'policies',
  {
    run: run(),
    role: text('role').notNull(),
    version: integer('version').notNull(),
    round: integer('round').notNull(),
    course: text('course').notNull(),
    sha256: text('sha256').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    /** What the update learned from: sizes, balance, buckets that fell short. */
    lesson: jsonb('lesson').$type<Data>().notNull(),
    publishedAt: timestamp('published_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.run, table.role, table.version] })],
)

/** Optimizer states inside a long update, from which a retry goes on. */
export const checkpoints = pgTable(
  'checkpoints',
  {
    run: run(),
    role: text('role').notNull(),
    version: integer('version').notNull(),
    step: integer('step').notNull(),
    sha256: text('sha256').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.role, table.version, table.step] })],
)

/** One judged line of an evaluation suite by one policy. */
export const evaluations = pgTable(
  'evaluations',
  {
    run: run(),
    suite: text('suite').notNull(),
    role: text('role').notNull(),
    version: integer('version').notNull(),
    item: integer('item').notNull(),
    kind: text('kind').notNull(),
    label: text('label').notNull(),
    verdict: text('verdict'),
    text: text('text').notNull(),
    /** Of the readable votes, the share that says Incorrect; null of greedy answers, and where no vote can be read. */
    share: doublePrecision('share'),
    /** What was said, vote by vote, in the order of their random numbers; null of greedy answers. */
    votes: jsonb('votes').$type<Vote[]>(),
  },
  (table) => [primaryKey({ columns: [table.run, table.suite, table.role, table.version, table.item] })],
)

/** Training curves: loss, gradient norm and the like, by optimizer step. */
export const metrics = pgTable(
  'metrics',
  {
    run: run(),
    role: text('role').notNull(),
    version: integer('version').notNull(),
    step: integer('step').notNull(),
    name: text('name').notNull(),
    value: doublePrecision('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.role, table.version, table.step, table.name] })],
)

/** Every pause, resume, stop and change of a setting that was accepted, and the round in which it was asked for. */
export const controlEvents = pgTable(
  'control_events',
  {
    id: serial('id').primaryKey(),
    run: run(),
    /** Names the order: the workflow execution that accepted it, and its number there. */
    request: text('request'),
    kind: text('kind').notNull(),
    data: jsonb('data').$type<Data>().notNull(),
    round: integer('round').notNull(),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [uniqueIndex('control_events_request').on(table.run, table.request)],
)
