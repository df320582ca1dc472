/**
 * The train loop: an ONNX Loop whose body is one step of every optimizer, forward, loss, gradients, clipping and AdamW. Weights and
 * moments are carried through it, so that they leave the runtime once per call and not once per step.
 */
import { gradients } from '../autodiff/gradients.ts'
import { at, cast, concat, type Graph, GraphError, loop, reshape, slice, type Value } from '../graph/index.ts'
import { movingAverage } from '../losses/temporal-difference.ts'
import type { ParameterLayout } from '../models/layout.ts'
import { Parameters } from '../models/parameters.ts'
import { adamwStep, decayMask, euclideanNorm } from '../optimizers/adamw.ts'
import { type OptimizerSpec, stepScalars } from '../optimizers/schedule.ts'
import { required } from '../runtime/records.ts'
import { countFeed, type Feed, floatFeed, Session, type SessionOptions } from '../runtime/session.ts'
import type { GraphState, MovingAverage, Slot } from './graph-state.ts'

/** The axis of what is fed and reported for each step. */
export const STEPS = 'steps'
/** Step size, epsilon and decay of each optimizer (see stepScalars). */
const SCALARS = 3

/** A loss or gradient that is infinite or not a number. The trainer's state is that before the call. */
export class NonFiniteLossError extends Error {
  override readonly name = 'NonFiniteLossError'
}

/** A group that an optimizer moves. */
export interface Learner {
  readonly name: string
  readonly layout: ParameterLayout
  readonly optimizer: OptimizerSpec
}

export interface StepPlan {
  readonly slots: readonly Slot[]
  readonly learners: readonly Learner[]
  readonly averages?: readonly (MovingAverage<string> & { readonly name: string })[]
  /** Adds what a step computes to the loop: by learner its flat gradient, and what is reported, [columns] with their names. */
  readonly body: (
    step: Value,
    parameters: (owner: string) => Parameters,
  ) => {
    readonly gradients: ReadonlyMap<string, Value>
    readonly measures: Value
    readonly columns: readonly string[]
  }
}

/** The numbers of one step. */
export interface StepNumbers {
  /** Completed steps before it. */
  readonly step: number
  /** What was reported under a name, or as norm.<learner>; null where nothing was. */
  readonly get: (column: string) => number | null
  /** What was reported as <kind>.<name>, by its name. */
  readonly ofKind: (kind: string) => Record<string, number>
}

export class Steps {
  readonly #session: Session
  readonly #plan: StepPlan
  readonly #columns: readonly string[]
  /** Replaced, and never changed, by each call. */
  state: GraphState

  private constructor(session: Session, plan: StepPlan, columns: readonly string[], state: GraphState) {
    this.#session = session
    this.#plan = plan
    this.#columns = columns
    this.state = state
  }

  /** `graph` declares the data that the body reads. */
  static async create(graph: Graph, plan: StepPlan, state: GraphState, options: SessionOptions): Promise<Steps> {
    const columns = addLoop(graph, plan)
    return new Steps(await Session.create(graph, options), plan, columns, state)
  }

  /** Makes steps. If `read` throws for the numbers of one of them, none was made. */
  async run<Metrics>(
    count: number,
    data: Readonly<Record<string, Feed>>,
    read: (numbers: StepNumbers, index: number) => Metrics,
  ): Promise<Metrics[]> {
    const { slots, learners } = this.#plan
    const { step, vectors } = this.state
    const numbers = Array.from({ length: count }, (_, index) => step + index)
    const schedule = numbers.flatMap((number) => learners.flatMap(({ optimizer }) => stepScalars(optimizer, number)))
    const outputs = await this.#session.run({
      ...data,
      ...Object.fromEntries(slots.map(({ key }) => [key, floatFeed(required(vectors[key], key))])),
      'trainer.steps': countFeed(count),
      'trainer.schedule': floatFeed(Float32Array.from(schedule), [count, SCALARS * learners.length]),
    })
    const values = outputs.floats('metrics')
    const metrics = numbers.map((number, index) => {
      const get = (name: string): number | null => {
        const column = this.#columns.indexOf(name)
        return column < 0 ? null : (values[index * this.#columns.length + column] ?? Number.NaN)
      }
      const ofKind = (kind: string): Record<string, number> => {
        const names = this.#columns.filter((column) => column.startsWith(`${kind}.`))
        return Object.fromEntries(names.map((column) => [column.slice(kind.length + 1), get(column) ?? Number.NaN]))
      }
      return read({ step: number, get, ofKind }, index)
    })
    const next = slots.filter(({ changes }) => changes).map(({ key }) => [key, outputs.floats(`next.${key}`)] as const)
    this.state = { step: step + count, vectors: { ...vectors, ...Object.fromEntries(next) } }
    return metrics
  }

  async close(): Promise<void> {
    await this.#session.release()
  }
}

/**
 * Inputs: the state's vectors by their keys, trainer.steps, trainer.schedule [steps, 3 · learners]. Outputs: next.<key> for what
 * changes, and metrics [steps, columns]. Returns the names of the columns.
 */
function addLoop(graph: Graph, { slots, learners, averages = [], body }: StepPlan): string[] {
  const steps = graph.input('trainer.steps', 'int64', [])
  const schedule = graph.input('trainer.schedule', 'float32', [STEPS, SCALARS * learners.length])
  const inputs = new Map(slots.map(({ key, layout }) => [key, graph.input(key, 'float32', [layout.size])]))
  const changing = slots.filter(({ changes }) => changes).map(({ key }) => key)
  const layouts = new Map(slots.map(({ owner, layout }) => [owner, layout]))
  const masks = learners.map(({ layout }) => decayMask(steps, layout.decayed, layout.size))
  let columns: string[] = []
  const { carried, stacked } = loop({
    tripCount: steps,
    condition: cast(graph.scalar(1), 'bool'),
    initial: changing.map((key) => required(inputs.get(key), key)),
    stackedAxis: STEPS,
    body: (iteration, values) => {
      const state = new Map(inputs)
      for (const [index, key] of changing.entries()) state.set(key, required(values[index], key))
      const now = (key: string): Value => required(state.get(key), key)
      const parameters = new Map(
        [...layouts].map(([owner, layout]) => [owner, new Parameters(now(`${owner}.weights`), layout)]),
      )
      const built = body(iteration, (owner) => required(parameters.get(owner), owner))
      const scalars = at(schedule, iteration)
      const norms: Value[] = []
      for (const [index, { name, optimizer }] of learners.entries()) {
        const scalar = (offset: number): Value =>
          slice(scalars, 0, SCALARS * index + offset, SCALARS * index + offset + 1)
        const gradient = required(built.gradients.get(name), name)
        const norm = euclideanNorm(gradient)
        const next = adamwStep(
          { weights: now(`${name}.weights`), m: now(`${name}.m`), v: now(`${name}.v`) },
          gradient,
          norm,
          { stepSize: scalar(0), epsilon: scalar(1), decay: scalar(2) },
          optimizer,
          required(masks[index], name),
        )
        for (const part of ['weights', 'm', 'v'] as const) state.set(`${name}.${part}`, next[part])
        norms.push(reshape(norm, [1]))
      }
      for (const { name, of, decay } of averages) {
        state.set(`${name}.weights`, movingAverage(now(`${name}.weights`), now(`${of}.weights`), decay))
      }
      columns = [...learners.map(({ name }) => `norm.${name}`), ...built.columns]
      return { carried: changing.map(now), stacked: [concat([...norms, built.measures], 0)] }
    },
  })
  for (const [index, key] of changing.entries()) graph.output(required(carried[index], key), `next.${key}`)
  graph.output(required(stacked[0], 'metrics'), 'metrics')
  return columns
}

/** The gradients of one loss: for each group one vector in the order of its layout. */
export function flatGradients(loss: Value, groups: ReadonlyMap<string, Parameters>): Map<string, Value> {
  const values = [...groups.values()].flatMap((parameters) => parameters.values)
  const found = gradients(loss, values).values()
  return new Map(
    [...groups].map(([name, { layout }]) => {
      const parts = layout.parameters.map((parameter) => {
        const gradient: Value | null | undefined = found.next().value
        if (gradient) return reshape(gradient, [parameter.size])
        throw new GraphError(`the loss of '${name}' does not depend on its parameter ${parameter.name}`)
      })
      return [name, concat(parts, 0)]
    }),
  )
}

/** Throws NonFiniteLossError. */
export function requireFinite(
  { step }: StepNumbers,
  [what, loss, gradientNorm]: readonly [what: string, loss: number, gradientNorm: number],
  suspects: string,
): void {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return
  throw new NonFiniteLossError(
    `step ${step + 1}: ${what} ${loss}, gradient norm ${gradientNorm}. Lower the learning rate, or look at ${suspects}`,
  )
}
