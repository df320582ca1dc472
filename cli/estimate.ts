/** Time left: what was measured so far in this run, spread over what the plan says is still to do. */
import { availableParallelism } from 'node:os'
import type { PlannedPhase, UpdateStep } from '../client.ts'
import { type AdoptedModel, isAdopted, layerWeights, type ModelConfig } from '../shared/models.ts'
import type { PhaseCost, UpdateProgress } from '../db/reading.ts'
import { sum } from '../shared/collections.ts'

export interface Measured {
  /** The plan of every round, from 0 on. */
  planned: readonly (readonly PlannedPhase[])[]
  costs: readonly PhaseCost[]
  /** Updates as far as they are stored, and as the heartbeats of those under way say. */
  updates: readonly UpdateProgress[]
  underWay: readonly UpdateStep[]
  /** How many rounds are finished. */
  finished: number
  model: ModelConfig | AdoptedModel
}

/** Seconds per unit of work (see PlannedPhase.work) before anything of its kind was measured: a slow core's, with the default model. */
const firstGuess = { play: 0.005, evaluate: 0.003, update: 0.004 } as const
/** The same for each token of an adopted model of 135M weights: prompts and answers, of which a row has half a context. */
const adoptedGuess = { play: 0.007, evaluate: 0.005, update: 0.0105 } as const
/** Weights of the default model's layers. */
const defaultWeights = 800_000
/** A phase that only computes costs a moment per shard. */
const idleShard = 0.3
/** A worker's engines: one per core. */
const engines = availableParallelism()

/** Null when the whole run is done or nothing is planned. */
export function estimate(measured: Measured): number | null {
  const { planned, finished } = measured
  const left = planned.slice(finished)
  if (left.length === 0) return null
  return Math.ceil(left.reduce((sum, phases, index) => sum + roundSeconds(measured, finished + index, phases), 0))
}

/** Stage by stage: as long as its longest phase, or its work spread over the engines. */
function roundSeconds(measured: Measured, round: number, phases: readonly PlannedPhase[]): number {
  const stages = new Map<number, { work: number; longest: number }>()
  for (const phase of phases) {
    const left = secondsLeft(measured, round, phase)
    const { work, longest } = stages.get(phase.stage) ?? { work: 0, longest: 0 }
    // One engine computes a shard: a phase of a single shard gets no faster by having more of them.
    const alone = phase.shards === 1 ? left : left / engines
    stages.set(phase.stage, { work: work + left, longest: Math.max(longest, alone) })
  }
  return [...stages.values()].reduce((sum, { work, longest }) => sum + Math.max(longest, work / engines), 0)
}

/** Of a phase's work: what an update under way has left, as its own steps take, or else the part that is not stored. */
function secondsLeft(measured: Measured, round: number, phase: PlannedPhase): number {
  const step = measured.underWay.find((one) => isOf(one, phase))
  if (step?.secondsPerStep) return step.secondsPerStep * (step.steps - step.step)
  return phaseSeconds(measured, round, phase) * openShare(measured, round, phase)
}

const isOf = ({ role, version }: { role: string; version: number }, { update }: PlannedPhase): boolean =>
  role === update?.role && version === update.version

/** Which part of a phase is still to do. */
function openShare({ costs, updates }: Measured, round: number, phase: PlannedPhase): number {
  const done = costs.find((cost) => cost.round === round && cost.phase === phase.name)?.shards ?? 0
  if (done >= phase.shards) return 0
  const { update } = phase
  if (!update?.steps) return 1 - done / phase.shards
  const stored = updates.find((row) => isOf(row, phase))
  return 1 - Math.min(1, (stored?.step ?? 0) / update.steps)
}

/** What the whole phase takes in seconds of work: as the same phase took before, else as its kind takes per unit. */
function phaseSeconds(measured: Measured, round: number, phase: PlannedPhase): number {
  const { costs, planned } = measured
  const before = [...costs]
    .reverse()
    .find((cost) => cost.round < round && cost.round > 0 && plain(cost.phase) === plain(phase.name))
  if (before) {
    const earlier = planned[before.round]?.find(({ name }) => name === before.phase)
    const perShard = before.seconds / Math.max(1, before.shards)
    return perShard * phase.shards * growth(phase, earlier)
  }
  if (phase.work === 0) return idleShard * phase.shards
  if (phase.work !== null) return phase.work * secondsPerUnit(measured, phase.kind)
  // An update from games, the first of its kind: as long as the longest fine-tuning of the role so far, and again.
  const similar = costs.filter((cost) => cost.phase === phase.name).map((cost) => cost.seconds)
  return 2 * Math.max(20, ...similar)
}

/** A schedule that merges rounds trains longer each round. */
function growth(phase: PlannedPhase, earlier: PlannedPhase | undefined): number {
  return Math.max(1, phase.update?.roundsOfGames ?? 1) / Math.max(1, earlier?.update?.roundsOfGames ?? 1)
}

/** A phase's name without the versions, which change from round to round. */
const plain = (phase: string): string => phase.replaceAll(/@\d+/g, '').replaceAll(/\/\d+/g, '')

/** As its kind took so far; before that, as guessed, by as much faster or slower as this machine has done the other kinds. */
function secondsPerUnit({ costs, planned, underWay, model }: Measured, kind: PlannedPhase['kind']): number {
  const guess = (of: PlannedPhase['kind']): number =>
    // Of an adopted model nothing is known before it is read: the guess is for the smallest that is published.
    isAdopted(model)
      ? adoptedGuess[of] * (model.context / 2)
      : firstGuess[of] * Math.max(0.1, layerWeights(model) / defaultWeights)
  const finished = costs.flatMap(({ round, phase: name, seconds, shards }) => {
    const phase = planned[round]?.find((one) => one.name === name)
    return phase?.work ? [{ kind: phase.kind, seconds, work: (phase.work * shards) / phase.shards }] : []
  })
  const begun = underWay.flatMap((update) => {
    const phase = planned.flat().find((one) => isOf(update, one))
    if (!phase?.work || !update.secondsPerStep) return []
    const { step, steps, secondsPerStep } = update
    return [{ kind: phase.kind, seconds: secondsPerStep * step, work: (phase.work * step) / steps }]
  })
  const done = [...finished, ...begun]
  const its = done.filter((one) => one.kind === kind)
  if (its.length > 0) return sum(its.map(({ seconds }) => seconds)) / sum(its.map(({ work }) => work))
  if (done.length === 0) return guess(kind)
  return (guess(kind) * sum(done.map(({ seconds }) => seconds))) / sum(done.map((one) => one.work * guess(one.kind)))
}
