/** What a GraphTrainer carries from step to step, and its checkpoints. */
import { GraphError } from '../graph/index.ts'
import type { ParameterLayout } from '../models/layout.ts'
import type { OptimizerSpec } from '../optimizers/schedule.ts'
import { type Metadata, tensorOf, WeightsMismatchError } from '../weights/checkpoint.ts'
import { type NamedTensor, readSafetensors, type SafetensorsFile, writeSafetensors } from '../weights/safetensors.ts'
import { keysOf, required } from '../runtime/records.ts'

/** Parameters that one optimizer moves. */
export interface ParameterGroup {
  readonly layout: ParameterLayout
  /** Flat vector in the order of the layout. */
  readonly initial: Float32Array
  /** Absent: the group is frozen. Gradients of others flow through it. */
  readonly optimizer?: OptimizerSpec
}

/** A copy that follows a group: after each step copy ← decay · copy + (1 - decay) · group. It begins equal to the group. */
export interface MovingAverage<Group extends string> {
  readonly of: Group
  readonly decay: number
}

/** The parts of a plan that its state depends on. */
export interface PlannedState<Group extends string, Copy extends string> {
  readonly parameters: { readonly [Name in Group]: ParameterGroup }
  readonly averages?: { readonly [Name in Copy]: MovingAverage<NoInfer<Group>> }
}

/** Completed steps, and every vector by its key: <group>.weights, <group>.m, <group>.v, <average>.weights. */
export interface GraphState {
  readonly step: number
  readonly vectors: Readonly<Record<string, Float32Array>>
}

/** A vector of the state. */
export interface Slot {
  readonly key: string
  /** The name of the group or average. */
  readonly owner: string
  readonly layout: ParameterLayout
  readonly kind: 'weights' | 'moment'
  /** Whether steps change it; the weights of a frozen group stay. */
  readonly changes: boolean
  readonly initial: () => Float32Array
}

/** All vectors of a plan's state. */
export function slotsOf<Group extends string, Copy extends string>(plan: PlannedState<Group, Copy>): Slot[] {
  const ofGroups = keysOf(plan.parameters).flatMap((owner): Slot[] => {
    const { layout, initial, optimizer } = plan.parameters[owner]
    const changes = optimizer !== undefined
    const weights: Slot = { key: `${owner}.weights`, owner, layout, kind: 'weights', changes, initial: () => initial }
    const zeros = (): Float32Array => new Float32Array(layout.size)
    const moment = (name: string): Slot => ({ ...weights, key: `${owner}.${name}`, kind: 'moment', initial: zeros })
    return changes ? [weights, moment('m'), moment('v')] : [weights]
  })
  const ofAverages = keysOf(plan.averages).map((owner): Slot => {
    const { of } = required(plan.averages?.[owner], `average '${owner}'`)
    const group: ParameterGroup | undefined = plan.parameters[of]
    if (group === undefined) throw new GraphError(`the average '${owner}' is of an unknown group '${of}'`)
    const { layout, initial } = group
    return { key: `${owner}.weights`, owner, layout, kind: 'weights', changes: true, initial: () => initial }
  })
  return [...ofGroups, ...ofAverages]
}

export function initialState(slots: readonly Slot[]): GraphState {
  return { step: 0, vectors: Object.fromEntries(slots.map(({ key, initial }) => [key, initial()])) }
}

/** Throws GraphError unless every vector has the length that its layout gives it. */
export function checkState(slots: readonly Slot[], { vectors }: GraphState): void {
  for (const { key, layout } of slots) {
    const length = vectors[key]?.length
    if (length !== layout.size) throw new GraphError(`${key} needs ${layout.size} numbers, got ${length ?? 'none'}`)
  }
}

const STEP = 'optimizer.step'

/** Weights as one tensor for each parameter, <group>.<name>; moments as flat vectors under their keys. */
export function encodeState(slots: readonly Slot[], state: GraphState, metadata: Metadata = {}): Uint8Array {
  const tensors = slots.flatMap(({ key, owner, layout, kind }): NamedTensor[] => {
    const vector = required(state.vectors[key], key)
    return kind === 'moment'
      ? [{ name: key, shape: [vector.length], data: vector }]
      : layout.parameters.map(({ name, shape, offset, size }) => ({
          name: `${owner}.${name}`,
          shape,
          data: vector.subarray(offset, offset + size),
        }))
  })
  return writeSafetensors(tensors, { ...metadata, [STEP]: String(state.step) })
}

/** Throws SafetensorsError or WeightsMismatchError; `source` names the file in their messages. */
export function decodeState(slots: readonly Slot[], bytes: Uint8Array, source: string): GraphState {
  const file = readSafetensors(bytes, source)
  const step = Number(file.metadata[STEP] ?? Number.NaN)
  if (!Number.isSafeInteger(step) || step < 0)
    throw new WeightsMismatchError(`${source} is no checkpoint: it has no step`)
  const vectors = slots.map(({ key, owner, layout, kind }): [string, Float32Array] => {
    if (kind === 'moment') return [key, tensorOf(file, key, [layout.size], source).data]
    return [key, groupOf(file, layout, owner, source)]
  })
  return { step, vectors: Object.fromEntries(vectors) }
}

/** The parameters of one group, or of a moving average, from a checkpoint. */
export function decodeGroup(layout: ParameterLayout, owner: string, bytes: Uint8Array, source: string): Float32Array {
  return groupOf(readSafetensors(bytes, source), layout, owner, source)
}

function groupOf(file: SafetensorsFile, layout: ParameterLayout, owner: string, source: string): Float32Array {
  const vector = new Float32Array(layout.size)
  for (const { name, shape, offset } of layout.parameters) {
    vector.set(tensorOf(file, `${owner}.${name}`, shape, source).data, offset)
  }
  return vector
}
