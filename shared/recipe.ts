import type { ZodType } from 'zod'
import type { PlayedBy, PolicySource, Role, Version } from './ids.ts'
import type { AdoptedModel, Device, Endpoint, ModelConfig } from './models.ts'
import type { Vocabulary } from './vocabulary.ts'
import type { Vote } from './votes.ts'

/**
 * What a recipe is to the rest of Sparring: pure functions from rows to rows. Activities read the rows, ask the engine,
 * and store what comes back; they know nothing of any algorithm. No function here may look at a clock, a file or a
 * random number that is not counted.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Data = Record<string, Json>

/** A problem of a round (set `problems`), or one line of an evaluation set. */
export interface ItemRow {
  round: number
  set: string
  item: number
  data: Data
}

/** One game about an item. `outcome` is empty until the game is decided. */
export interface EpisodeRow {
  round: number
  episode: number
  item: number
  data: Data
  outcome: string | null
}

/** What one player said in an episode. `turn` names the place, e.g. `criticise/sneaky/2`. */
export interface TurnRow {
  round: number
  episode: number
  turn: string
  role: Role
  version: Version
  prompt: string
  text: string
  tokens: number
  verdict: string | null
  reward: number | null
}

export interface Rows {
  items: ItemRow[]
  episodes: EpisodeRow[]
  turns: TurnRow[]
}

/** Everything a pure function may know of where it stands. */
export interface Context<Config> {
  config: Config
  round: number
  phase: string
}

export interface PlayContext<Config> extends Context<Config> {
  /** Who plays this phase; null when the phase only computes. */
  player: PlayedBy | null
  /** The items of this shard: [from, to). */
  from: number
  to: number
}

/** One prompt put to the player. The key names it within (round, phase): it seeds the sampling. */
export interface Question {
  key: string
  prompt: string
  /** Texts to score instead of sampling any: how likely is each of them after the prompt? */
  candidates?: readonly string[]
  /** The prompt of a sample's next turn, from what it said in its turns so far; null, or no such function, ends it. */
  next?(said: readonly string[]): string | null
}

/** One turn of a sampled answer. */
export interface Said {
  prompt: string
  text: string
  tokens: number
}

export interface Sampling {
  samples: number
  /** 0 is greedy. */
  temperature: ByTurn
  maximumNewTokens: ByTurn
  /** A text that ends an answer as the stop mark does, e.g. a blank line where one step is wanted. The answer holds it, and nothing behind it. */
  ends?: string
}

/** One number for every turn of an answer, or one for each, of which the last holds for all that follow. */
export type ByTurn = number | readonly [number, ...number[]]

export function ofTurn(value: ByTurn, turn: number): number {
  return typeof value === 'number' ? value : (value[turn] ?? value.at(-1) ?? value[0])
}

/**
 * The sampled texts for a question, each ending in the stop mark (or where its sampling ends) unless it ran out of tokens, or its
 * candidates; `tokens` are their lengths. Of several turns, the text is that of the last one, and the tokens are those of all.
 */
export interface Answer {
  question: Question
  texts: string[]
  tokens: number[]
  /** The turns of each sample; absent for candidates. */
  turns?: Said[][]
  /** Of each candidate, the sum over its tokens of log π(token | prompt, earlier tokens); absent for sampled texts. */
  logProbabilities?: number[]
}

/** The rows a phase is given. */
export interface Reading {
  rounds: readonly number[]
  /** Names of item sets. Games and turns come with any set. */
  sets: readonly string[]
  /** All items and games of these rounds, not only those of the shard. */
  whole?: boolean
}

/** One named part of a round: what is asked of the player for the rows of a shard, and what rows the answers make. */
export interface Phase<Config> {
  /** One sentence for the Temporal UI. */
  summary: string
  /** How many items the phase spans; shards are cut from it. */
  items(config: Config): number
  /** About how many of them a playing of this name asks about, where it is not all. */
  asked?(config: Config, phase: string): number
  /** How texts are sampled in a playing of this name; absent where every question has candidates. */
  sampling?(config: Config, phase: string): Sampling
  /** Rows of other rounds, sets or shards; without it, the problems of the shard with their games, of this round. */
  reads?(context: Context<Config>): Reading
  ask?(context: PlayContext<Config>, rows: Rows): Question[]
  /** What is to be asked besides, now that these have been answered: asked and answered in its turn, until there is no more. */
  askOn?(context: PlayContext<Config>, rows: Rows, answers: readonly Answer[]): Question[]
  /** New rows, or rows with the same key that replace those read. */
  answer(context: PlayContext<Config>, rows: Rows, answers: Answer[]): Rows
}

/** Questions and what is asked on their answers, until nothing is; all answers in this order. */
export async function askInTurn(
  questions: readonly Question[],
  askOn: (answers: readonly Answer[]) => readonly Question[],
  answered: (questions: readonly Question[]) => Promise<Answer[]>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let asked = questions; asked.length > 0; asked = askOn(answers)) answers.push(...(await answered(asked)))
  return answers
}

/** One example of an update: the loss is on the completion alone. */
export interface Example {
  prompt: string
  completion: string
  /** Which terms of the loss learn from it: see LossTerm. */
  kind: 'supervised' | 'reinforced' | 'regressed' | 'compared'
  /** What multiplies the policy gradient; read from reinforced examples alone. */
  advantage: number
  /** What the sum of the completion's log-ratios to the reference is to become; every regressed example has it. */
  target?: number
  /** What multiplies the example's own part of the KL term, 1 unless given; not of supervised examples. */
  klWeight?: number
  /** Every compared example has it: two examples of one batch with equal ids and different sides are a pair. */
  pair?: { id: string; side: 'chosen' | 'rejected' }
  /** Who sampled the completion: the denominator of the importance ratio. Only reinforced examples need it. */
  behaviour?: PlayedBy
}

export interface Lesson {
  steps: number
  /** The examples of one optimizer step; a pure function of the step. */
  batch(step: number): Example[]
  /** What the data were: sizes, balance, buckets that could not be filled. Stored with the policy and shown in the report. */
  report: Data
  /** The turns this update learns from, so that every game answers which update consumed it. */
  consumed: { round: number; episode: number; turn: string }[]
}

/** A named update: from which policy, on which rows, with which loss. */
export interface Course<Config> {
  summary: string
  /** Rounds whose games the lesson reads. */
  rounds(context: Context<Config>): number[]
  /** Sets of round 0 that the lesson reads beside them, all their items. */
  sets?: readonly string[]
  /** The policy to start from, which may be another run's; null starts from random weights. */
  from(context: Context<Config>): PolicySource | null
  /** Fields of the configuration that the run of a policy that is taken as it is must have alike. */
  alike?: readonly string[]
  /** The frozen policy of the log-ratios: of the KL term, the regression, the pair terms and the official code's ratio. */
  reference(context: Context<Config>): PlayedBy | null
  loss(config: Config): LossTerm[]
  optimizer(config: Config, steps: number): OptimizerConfig
  /** Most examples in one batch, and tokens in the longest: the fixed shape of the training graph. */
  batchRows(config: Config): number
  length(config: Config): number
  lesson(context: Context<Config>, rows: Rows): Lesson
}

/**
 * A loss is a sum of these terms; engine/losses writes each beside its equation. Each reads examples of one kind: nll
 * supervised ones, reinforce and policy-gradient reinforced ones, log-ratio-regression regressed ones, the pair terms compared ones, and kl
 * all but supervised ones. D below is the sum of a completion's log-ratios to the course's reference.
 */
export type LossTerm =
  | { term: 'nll'; weight: number }
  /** -A · log π, as in REINFORCE; it asks of nobody how likely the completion was. */
  | { term: 'reinforce'; weight: number }
  | {
      term: 'policy-gradient'
      weight: number
      ratio: 'sequence-mean' | 'sequence-sum' | 'token'
      /** The denominator of the ratio: the policy that sampled the completion, or the frozen reference. */
      against: 'behaviour' | 'reference'
      clip: number | null
      klInAdvantage: number
    }
  | { term: 'kl'; weight: number }
  /** (D - target)², as in SPPO with target = η (P - 1/2). */
  | { term: 'log-ratio-regression'; weight: number }
  /** -log σ(β (D_chosen - D_rejected)), as in DPO. */
  | { term: 'pair-logistic'; weight: number; beta: number }
  /** (D_chosen - D_rejected - 1 / 2β)², as in IPO. */
  | { term: 'pair-squared'; weight: number; beta: number }

export interface OptimizerConfig {
  learningRate: number
  warmupSteps: number
  weightDecay: number
  clipNorm: number
  decay: 'linear' | 'constant'
}

/** One judged line of an evaluation. */
export interface Judgement {
  item: number
  /** What is true. */
  label: string
  /** What the player said; null when it cannot be read. */
  verdict: string | null
  kind: string
  text: string
}

/** A fixed set of items that a policy is judged on: one greedy answer per item, or several sampled votes. */
export interface Suite<Config> {
  summary: string
  /** The item set it reads: (round it was made in, name). */
  set: { round: number; name: string }
  items(config: Config): number
  /** How so many answers are sampled at a temperature; 0 is greedy. Which turns the temperature is for is the recipe's to say. */
  sampling(config: Config, samples: number, temperature: number): Sampling
  /**
   * The item that it stands behind, null for the first of a text. Of a text, items are asked about up to the first that is not called
   * Correct, and none behind it. Absent where every item counts.
   */
  behind?(item: ItemRow): number | null
  /** The question for one item; null leaves the item out. */
  ask(config: Config, item: ItemRow): Question | null
  /** Judges an answer of one sample. */
  judge(config: Config, item: ItemRow, answer: Answer): Judgement
}

/** One thing that a policy has right or wrong as a whole, for example where the first error of a solution is. */
export interface Outcome {
  /** What is true of it: nothing is wrong, or something is. The two kinds are counted apart. */
  label: 'Correct' | 'Incorrect'
  right: boolean
  /** The part of a benchmark that it belongs to, where each part has a score of its own. */
  group?: string
}

/** How a user's file becomes an evaluation set, and what the judgements of its lines add up to. */
export interface Importer<Config> {
  summary: string
  /** The lines of the set; a line that cannot be read is a UserError that names it. */
  read(config: Config, text: string, source: string): Data[]
  /** The result for people (`lines`) and for programs (`numbers`). Judgements carry the index of their line as `item`. */
  conclude(config: Config, text: string, source: string, judgements: Judgement[]): { lines: string[]; numbers: Data }
  /** What two policies are compared in, pair by pair; absent where it is the labelled lines themselves. */
  outcomes?(config: Config, text: string, source: string, judgements: Judgement[]): Outcome[]
}

/** An item set of round 0 whose lines come from a file that the configuration names, or from several, one after the other. */
export interface FileSet {
  set: string
  /** The field of the configuration, e.g. `problems.file`, and what it says. */
  field: string
  file: string
  /** The lines; one that cannot be read is a UserError that names it. */
  read(text: string, source: string): Data[]
}

/** What every run's file holds, whatever its recipe. */
export interface BaseConfig {
  recipe: string
  seed: number
  rounds: number
  model: ModelConfig | AdoptedModel
  /** Items per shard: the unit of work and storage. Part of the plan. */
  shard: number
  /** Where the engine computes; absent: the CPU. Results depend on it. No recipe knows of it: the registry reads it. */
  device?: Device
}

export interface Recipe<Config extends BaseConfig> {
  name: string
  config: ZodType<Config>
  /** Dotted names of the fields that may change while a run is under way. */
  steerable: readonly string[]
  /**
   * Dotted names of the fields and groups that round 0 does not read. Runs that differ in these alone have the same round
   * 0, so one may branch off another's (db/branch.ts).
   */
  later: readonly string[]
  /** Of models trained from nothing; null where the players speak the language of an adopted model. */
  vocabulary(config: Config): Vocabulary | null
  /** The mark that ends every completion. */
  stop: string
  /** The prompts and answer formats, written out for made-up fields; their hash is kept with every turn. */
  templates: readonly string[]
  /** The server that a player of a chat is behind; null where it is a policy of the run. */
  endpoint(config: Config, player: PlayedBy): Endpoint | null
  /** What is read from the user's files before round 0. */
  files(config: Config): FileSet[]
  /** By name. A round may play one more than once, with parameters after a slash (see phaseOf). */
  phases: Record<string, Phase<Config>>
  courses: Record<string, Course<Config>>
  /** Names of the suites that a run makes itself and that a person may want judged. */
  suites: readonly string[]
  /** A suite by its name; names may hold parameters, e.g. `arena/3`. Null when there is none of that name. */
  suite(name: string): Suite<Config> | null
  /** Suites whose lines come from a file, by name; their sets are called `<name>/<hash of the file>`. */
  importers: Record<string, Importer<Config>>
  /** Item sets that a round's summary reads beside evaluations and outcomes: measurements that phases stored. */
  measures: readonly string[]
  /** The numbers of a finished round, from its rows. `score` is the one that search attributes and lists show. */
  summarise(rows: RoundRows): RoundSummary
  /** The numbers that a person is shown of each round, with the titles of their columns. Without any it is the score. */
  columns: Readonly<Record<string, string>>
  /** What the outcomes of its games mean, for people; the first are the ones most worth reading. */
  outcomes: Readonly<Record<string, string>>
}

/** What most recipes do without. */
const usual = {
  steerable: ['rounds'],
  later: ['rounds'],
  endpoint: () => null,
  files: () => [],
  suites: [],
  suite: () => null,
  importers: {},
  measures: [],
  columns: {},
  outcomes: {},
} satisfies Partial<Recipe<BaseConfig>>

/** A recipe, with the usual answers where it has none of its own: nothing to steer but its length, no suites, no files. */
export const defineRecipe = <Config extends BaseConfig>(
  recipe: Omit<Recipe<Config>, keyof typeof usual> & Partial<Pick<Recipe<Config>, keyof typeof usual>>,
): Recipe<Config> => ({ ...usual, ...recipe })

/**
 * The phase that a round plays under a name. What the recipe's own name for it leaves over are parameters, which tell one
 * playing of a phase from another within a round and which the phase finds in its context: `retry/2/1` is played by
 * `retry`, unless there is a `retry/2`. Null when no phase has such a name.
 */
export function phaseOf<Config extends BaseConfig>({ phases }: Recipe<Config>, name: string): Phase<Config> | null {
  const parts = name.split('/')
  const known = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  return known.map((shorter) => phases[shorter]).find((phase) => phase !== undefined) ?? null
}

export interface EvaluationRow extends Judgement {
  suite: string
  role: Role
  version: Version
  /** Of the readable votes, the share that says Incorrect; null of a greedy answer, and where no vote can be read. */
  share?: number | null
  votes?: Vote[] | null
}

export interface RoundRows {
  round: number
  evaluations: EvaluationRow[]
  /** Counts of this round's episodes by outcome. */
  outcomes: Record<string, number>
  /** The round's items of the sets that the recipe names in `measures`. */
  measured: ItemRow[]
}

export interface RoundSummary {
  score: number | null
  numbers: Record<string, number | null>
}
