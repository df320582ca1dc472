/** Names that cross folders: roles, policies, workflow ids, task queues. */
export type Role = string
export type Version = number

/** A policy of a run. */
export interface PlayedBy {
  role: Role
  version: Version
}

/** A policy of this run, or of another one. */
export interface PolicySource extends PlayedBy {
  run?: string
}

export const policyName = (policy: PlayedBy): string => `${policy.role}@${policy.version}`

export const runWorkflowId = (run: string): string => `run/${run}`
export const roundWorkflowId = (run: string, round: number): string => `run/${run}/round/${round}`

/** `evaluation` is the suite's name, or that of votes on it: see evaluationName. */
export const evaluationWorkflowId = (run: string, evaluation: string, policy: PlayedBy): string =>
  `run/${run}/evaluate/${evaluation}/${policyName(policy)}`

export type Queue = 'control' | 'infer' | 'train'

/** Task queues carry a prefix so that several installations can share one Temporal namespace. */
export const taskQueue = (prefix: string, queue: Queue): string => `${prefix}-${queue}`
export const defaultQueuePrefix = 'sparring'

/** Run names become workflow ids, folder names and URLs. */
export const runNamePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
