/**
 * Training of any graph: groups of parameters with an optimizer each, copies that follow a group as moving averages, and losses
 * written by the caller. Several steps run inside one call, so that the state leaves the runtime once per call.
 */
import { GraphError, type Value } from '../graph/index.ts'
import type { Parameters } from '../models/parameters.ts'
import { checkOptimizerSpec, learningRateAt, type OptimizerSpec, stepScalars } from '../optimizers/schedule.ts'
import { countFeed, floatFeed, Session, type SessionOptions } from '../runtime/session.ts'
import type { Metadata } from '../weights/checkpoint.ts'
import { type Feeds, type InputSpec, type InputSpecs, packFeeds } from '../runtime/feeds.ts'
import {
  checkState,
  decodeState,
  encodeState,
  type GraphState,
  initialState,
  type PlannedState,
  type Slot,
  slotsOf,
} from './graph-state.ts'
import { graphTrainingGraph } from './graph-training.ts'
import { keysOf, required } from '../runtime/records.ts'
import { NonFiniteLossError } from './trainer.ts'

export interface Losses<Group extends string> {
  /** A float32 scalar for every group that has an optimizer; groups may share one. */
  readonly losses: { readonly [Name in Group]?: Value }
  /** Further scalars to be reported. */
  readonly measures?: Readonly<Record<string, Value>>
}

export interface GraphPlan<Input extends string, Group extends string, Copy extends string>
  extends PlannedState<Group, Copy>, SessionOptions {
  /** What one batch feeds; sizes are fixed. */
  readonly inputs: { readonly [Name in Input]: InputSpec }
  /** Builds the loss; a single value is the loss of every group. */
  readonly loss: (
    inputs: { readonly [Name in Input]: Value },
    parameters: { readonly [Name in Group | Copy]: Parameters },
  ) => Value | Losses<NoInfer<Group>>
  /** A state to go on from, in place of the initial one. */
  readonly resume?: GraphState
}

export interface GraphStepMetrics {
  /** The number of this step, counted from 1. */
  readonly step: number
  /** By group: its loss, the Euclidean norm of its gradient before clipping, and its learning rate. */
  readonly losses: Readonly<Record<string, number>>
  readonly gradientNorms: Readonly<Record<string, number>>
  readonly learningRates: Readonly<Record<string, number>>
  readonly measures: Readonly<Record<string, number>>
}

/** Builds the graph of the plan and compiles it. Throws GraphError or OptimizerSpecError for a plan that does not fit. */
export async function buildTrainer<Input extends string, Group extends string, Copy extends string = never>(
  plan: GraphPlan<Input, Group, Copy>,
): Promise<GraphTrainer<Input>> {
  const optimizers = keysOf(plan.parameters).flatMap((name) => {
    const { optimizer } = plan.parameters[name]
    return optimizer === undefined ? [] : [{ name, optimizer }]
  })
  for (const { optimizer } of optimizers) checkOptimizerSpec(optimizer)
  const slots = slotsOf(plan)
  const state = plan.resume ?? initialState(slots)
  checkState(slots, state)
  const { graph, columns } = graphTrainingGraph(plan)
  const session = await Session.create(graph, plan)
  return new GraphTrainer<Input>({ session, inputs: plan.inputs, optimizers, slots, columns }, state)
}

/** A metric and the group that it belongs to, or a measure's name. */
export interface GraphColumn {
  readonly kind: 'loss' | 'norm' | 'measure'
  readonly name: string
}

/** What a trainer is made of. */
export interface CompiledPlan {
  readonly session: Session
  readonly inputs: InputSpecs
  readonly optimizers: readonly { readonly name: string; readonly optimizer: OptimizerSpec }[]
  readonly slots: readonly Slot[]
  readonly columns: readonly GraphColumn[]
}

export class GraphTrainer<Input extends string = string> {
  readonly #plan: CompiledPlan
  #state: GraphState

  /** Use buildTrainer(). */
  constructor(plan: CompiledPlan, state: GraphState) {
    this.#plan = plan
    this.#state = state
  }

  /**
   * One optimizer step per batch. Throws GraphError for batches that do not fit and NonFiniteLossError; either leaves the state as
   * it was.
   */
  async step(batches: readonly Feeds<Input>[]): Promise<GraphStepMetrics[]> {
    if (batches.length === 0) return []
    const { session, inputs, optimizers, slots } = this.#plan
    const { step, vectors } = this.#state
    const data = packFeeds('step', inputs, batches, { stacked: true })
    const schedule = batches.flatMap((_, index) =>
      optimizers.flatMap(({ optimizer }) => stepScalars(optimizer, step + index)),
    )
    const state = slots.map(({ key, layout }) => [key, floatFeed(required(vectors[key], key), [layout.size])] as const)
    const outputs = await session.run({
      ...data,
      ...Object.fromEntries(state),
      'trainer.steps': countFeed(batches.length),
      'trainer.schedule': floatFeed(Float32Array.from(schedule), [batches.length, schedule.length / batches.length]),
    })
    const values = outputs.floats('metrics')
    const metrics = batches.map((_, index) => this.#metrics(values, index))
    const next = slots.filter(({ changes }) => changes).map(({ key }) => [key, outputs.floats(`next.${key}`)] as const)
    this.#state = { step: step + batches.length, vectors: { ...vectors, ...Object.fromEntries(next) } }
    return metrics
  }

  /** The present state. The arrays belong to the trainer, which replaces and never changes them. */
  state(): GraphState {
    return this.#state
  }

  /** The present parameters of a group, or of a moving average. */
  weights(name: string): Float32Array {
    const weights = this.#state.vectors[`${name}.weights`]
    if (weights === undefined) throw new GraphError(`the trainer has no group or average '${name}'`)
    return weights
  }

  /** The present state as bytes of a safetensors file; equal states give equal bytes. */
  checkpoint(metadata: Metadata = {}): Uint8Array {
    return encodeState(this.#plan.slots, this.#state, metadata)
  }

  /** Goes on from a checkpoint. Throws SafetensorsError or WeightsMismatchError, which name the source, and keeps its state. */
  restore(checkpoint: Uint8Array, source: string): void {
    this.#state = decodeState(this.#plan.slots, checkpoint, source)
  }

  /** Frees the runtime's memory; the trainer cannot step afterwards. */
  async close(): Promise<void> {
    await this.#plan.session.release()
  }

  #metrics(values: Float32Array, index: number): GraphStepMetrics {
    const { columns, optimizers } = this.#plan
    const step = this.#state.step + index
    const read = (wanted: GraphColumn['kind']): Record<string, number> =>
      Object.fromEntries(
        columns.flatMap(({ kind, name }, column) =>
          kind === wanted ? [[name, values[index * columns.length + column] ?? Number.NaN]] : [],
        ),
      )
    const [losses, gradientNorms] = [read('loss'), read('norm')]
    for (const [name, loss] of Object.entries(losses)) {
      const norm = gradientNorms[name] ?? Number.NaN
      if (Number.isFinite(loss) && Number.isFinite(norm)) continue
      throw new NonFiniteLossError(
        `step ${step + 1}: loss of '${name}' ${loss}, gradient norm ${norm}. Lower the learning rate, or look at this batch`,
      )
    }
    const rates = optimizers.map(({ name, optimizer }) => [name, learningRateAt(optimizer, step)] as const)
    return {
      step: step + 1,
      losses,
      gradientNorms,
      learningRates: Object.fromEntries(rates),
      measures: read('measure'),
    }
  }
}
