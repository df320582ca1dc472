import type { PlayedBy, Role, Version } from './ids.ts'
import type { BaseConfig, Data } from './recipe.ts'
import type { Voting } from './votes.ts'

/** What travels between client, workflows and activities: ids and small numbers, never texts or tensors. */

/** A stretch of time, in milliseconds since 1970. */
export interface Span {
  from: number
  to: number
}

export interface TrainingInput {
  run: string
  recipe: string
  config: BaseConfig & Data
  queuePrefix: string
  /** Adopt this run's rounds, up to and with `round`, before anything is played. */
  branch?: Branch
  /** The round to go on with; rounds before it are finished. */
  round: number
  /** Orders that an earlier execution took during this round and could not follow: they hold from the next round on. */
  changes?: SetField[]
  /** Scores of the finished rounds, for the details in the Temporal UI. */
  scores: (number | null)[]
  /** Carried over continue-as-new. */
  paused?: boolean
  stopping?: boolean
}

/** A finished round of another run, to go on behind. */
export interface Branch {
  run: string
  round: number
}

export interface RoundInput {
  run: string
  recipe: string
  config: BaseConfig & Data
  queuePrefix: string
  round: number
  paused: boolean
}

export const runStates = ['running', 'paused', 'stopping', 'stopped', 'finished', 'failed'] as const
export type RunState = (typeof runStates)[number]

export interface TrainingResult {
  state: RunState
  rounds: number
  score: number | null
}

/** What a round is doing: its phases in order of appearance. */
export interface RoundProgress {
  round: number
  phases: { name: string; done: number; shards: number }[]
}

export interface RunStatus {
  run: string
  recipe: string
  state: RunState
  round: number
  rounds: number
  scores: (number | null)[]
}

export interface PlayShard {
  run: string
  round: number
  phase: string
  shard: number
  player: PlayedBy | null
}

export interface EvaluateShard {
  run: string
  round: number
  suite: string
  shard: number
  policy: PlayedBy
  /** Sampled votes instead of one greedy answer. */
  voting?: Voting
}

export interface EvaluationInput {
  run: string
  suite: string
  shards: number
  policy: PlayedBy
  voting?: Voting
  /** The shard to go on with, carried over continue-as-new. Absent in what older clients started: then shards come one by one. */
  first?: number
  queuePrefix: string
}

export interface UpdatePlace {
  run: string
  round: number
  role: Role
  version: Version
  course: string
}

/** Names of the run workflow's messages. */
export const messages = {
  status: 'status',
  progress: 'progress',
  pause: 'pause',
  resume: 'resume',
  stopAfterRound: 'stopAfterRound',
  set: 'set',
  setPaused: 'setPaused',
} as const

export interface SetField {
  /** A steerable field, e.g. `update.critic.learningRate`. */
  field: string
  value: string | number | boolean
}
