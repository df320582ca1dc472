/**
 * Training of any graph: groups of parameters with an optimizer each, copies that follow a group as moving averages, and losses
 * written by the caller. Several steps run inside one call, so that the state leaves the runtime once per call.
 */
import { at, concat, Graph, GraphError, reshape, Value } from '../graph/index.ts'
import type { Parameters } from '../models/parameters.ts'
import { checkOptimizerSpec, learningRateAt } from '../optimizers/schedule.ts'
import type { SessionOptions } from '../runtime/session.ts'
import type { Metadata } from '../weights/checkpoint.ts'
import { checkNames, type Feeds, type InputSpec, type InputSpecs, packFeeds } from '../runtime/feeds.ts'
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
import { fromKeys, keysOf, required } from '../runtime/records.ts'
import { flatGradients, type Learner, requireFinite, type StepPlan, Steps, STEPS } from './steps.ts'

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
  const [inputs, groups, copies] = [keysOf(plan.inputs), keysOf(plan.parameters), keysOf(plan.averages)]
  checkNames([...inputs, ...groups, ...copies])
  const learners = groups.flatMap((name): Learner[] => {
    const { layout, optimizer } = plan.parameters[name]
    return optimizer === undefined ? [] : [{ name, layout, optimizer }]
  })
  if (learners.length === 0) throw new GraphError('no group of parameters has an optimizer')
  for (const { optimizer } of learners) checkOptimizerSpec(optimizer)
  const slots = slotsOf(plan)
  const state = plan.resume ?? initialState(slots)
  checkState(slots, state)
  const graph = new Graph('training')
  const data = fromKeys(inputs, (name) => {
    const { dtype = 'float32', shape }: InputSpec = plan.inputs[name]
    return graph.input(name, dtype, [STEPS, ...shape])
  })
  const averages = copies.map((name) => ({ name, ...required(plan.averages?.[name], name) }))
  const body: StepPlan['body'] = (step, parameters) => {
    const built = plan.loss(
      fromKeys(inputs, (name) => at(data[name], step)),
      fromKeys([...groups, ...copies], parameters),
    )
    const { losses, measures } = completeLosses(built, learners)
    // Groups that share a loss share its backward pass.
    const gradients = [...new Set(losses.values())].flatMap((loss) => {
      const sharing = [...losses.keys()].filter((name) => losses.get(name) === loss)
      return [...flatGradients(loss, new Map(sharing.map((name) => [name, parameters(name)])))]
    })
    const reported = [...prefixed('loss', losses), ...prefixed('measure', new Map(Object.entries(measures)))]
    const row = reported.map(([, value]) => reshape(value, [1]))
    return { gradients: new Map(gradients), measures: concat(row, 0), columns: reported.map(([name]) => name) }
  }
  const steps = await Steps.create(graph, { slots, learners, averages, body }, state, plan)
  return new GraphTrainer<Input>({ inputs: plan.inputs, learners, slots }, steps)
}

function completeLosses<Group extends string>(
  built: Value | Losses<Group>,
  learners: readonly Learner[],
): { losses: Map<string, Value>; measures: Readonly<Record<string, Value>> } {
  if (built instanceof Value) return { losses: new Map(learners.map(({ name }) => [name, built])), measures: {} }
  const losses = new Map(Object.entries<Value | undefined>(built.losses))
  const complete = learners.map(({ name }): [string, Value] => {
    const loss = losses.get(name)
    if (loss === undefined) throw new GraphError(`the group '${name}' has an optimizer and no loss`)
    return [name, loss]
  })
  return { losses: new Map(complete), measures: built.measures ?? {} }
}

const prefixed = <T>(prefix: string, of: ReadonlyMap<string, T>): [string, T][] =>
  [...of].map(([name, value]) => [`${prefix}.${name}`, value])

/** What a trainer keeps of its plan. */
export interface TrainedPlan {
  readonly inputs: InputSpecs
  readonly learners: readonly Learner[]
  readonly slots: readonly Slot[]
}

export class GraphTrainer<Input extends string = string> {
  readonly #plan: TrainedPlan
  readonly #steps: Steps

  /** Use buildTrainer(). */
  constructor(plan: TrainedPlan, steps: Steps) {
    this.#plan = plan
    this.#steps = steps
  }

  /**
   * One optimizer step per batch. Throws GraphError for batches that do not fit and NonFiniteLossError; either leaves the state as
   * it was.
   */
  async step(batches: readonly Feeds<Input>[]): Promise<GraphStepMetrics[]> {
    if (batches.length === 0) return []
    const { inputs, learners } = this.#plan
    const data = packFeeds('step', inputs, batches, { stacked: true })
    return this.#steps.run(batches.length, data, (numbers) => {
      const { step, ofKind } = numbers
      const [losses, gradientNorms] = [ofKind('loss'), ofKind('norm')]
      for (const [name, loss] of Object.entries(losses)) {
        requireFinite(numbers, [`loss of '${name}'`, loss, gradientNorms[name] ?? Number.NaN], 'this batch')
      }
      const rates = learners.map(({ name, optimizer }) => [name, learningRateAt(optimizer, step)] as const)
      const learningRates = Object.fromEntries(rates)
      return { step: step + 1, losses, gradientNorms, learningRates, measures: ofKind('measure') }
    })
  }

  /** The present state. The arrays belong to the trainer, which replaces and never changes them. */
  state(): GraphState {
    return this.#steps.state
  }

  /** The present parameters of a group, or of a moving average. */
  weights(name: string): Float32Array {
    const weights = this.#steps.state.vectors[`${name}.weights`]
    if (weights === undefined) throw new GraphError(`the trainer has no group or average '${name}'`)
    return weights
  }

  /** The present state as bytes of a safetensors file; equal states give equal bytes. */
  checkpoint(metadata: Metadata = {}): Uint8Array {
    return encodeState(this.#plan.slots, this.#steps.state, metadata)
  }

  /** Goes on from a checkpoint. Throws SafetensorsError or WeightsMismatchError, which name the source, and keeps its state. */
  restore(checkpoint: Uint8Array, source: string): void {
    this.#steps.state = decodeState(this.#plan.slots, checkpoint, source)
  }

  /** Frees the runtime's memory; the trainer cannot step afterwards. */
  async close(): Promise<void> {
    await this.#steps.close()
  }
}
