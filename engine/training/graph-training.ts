/** The graph of a GraphTrainer: an ONNX Loop whose body is one step of every optimizer. */
import { gradients } from '../autodiff/gradients.ts'
import { at, cast, concat, Graph, GraphError, loop, reshape, slice, Value } from '../graph/index.ts'
import { movingAverage } from '../losses/temporal-difference.ts'
import type { ParameterLayout } from '../models/layout.ts'
import { Parameters } from '../models/parameters.ts'
import { adamwStep, decayMask, euclideanNorm } from '../optimizers/adamw.ts'
import type { OptimizerSpec } from '../optimizers/schedule.ts'
import { checkNames, type InputSpec } from '../runtime/feeds.ts'
import type { GraphColumn, GraphPlan, Losses } from './graph-trainer.ts'
import { slotsOf } from './graph-state.ts'
import { fromKeys, keysOf, required } from '../runtime/records.ts'

const STEPS = 'steps'
/** Step size, epsilon and decay of each optimizer (see stepScalars). */
const SCALARS = 3
/** A group that an optimizer moves. */
interface Learner {
  readonly name: string
  readonly layout: ParameterLayout
  readonly optimizer: OptimizerSpec
}

/**
 * Inputs are the state's vectors by their keys, trainer.steps, trainer.schedule [steps, 3 · learners], and the data by their names
 * with the steps as first axis. Outputs are next.<key> for what changes, and metrics [steps, columns].
 */
export function graphTrainingGraph<Input extends string, Group extends string, Copy extends string>(
  plan: GraphPlan<Input, Group, Copy>,
): { graph: Graph; columns: GraphColumn[] } {
  const [inputs, groups, copies] = [keysOf(plan.inputs), keysOf(plan.parameters), keysOf(plan.averages)]
  checkNames([...inputs, ...groups, ...copies])
  const slots = slotsOf(plan)
  const layouts = new Map(slots.map(({ owner, layout }) => [owner, layout]))
  const averages = copies.map((name) => ({ name, ...required(plan.averages?.[name], name) }))
  const learners: Learner[] = groups.flatMap((name) => {
    const { layout, optimizer } = plan.parameters[name]
    return optimizer === undefined ? [] : [{ name, layout, optimizer }]
  })
  if (learners.length === 0) throw new GraphError('no group of parameters has an optimizer')

  const graph = new Graph('training')
  const steps = graph.input('trainer.steps', 'int64', [])
  const schedule = graph.input('trainer.schedule', 'float32', [STEPS, SCALARS * learners.length])
  const data = fromKeys(inputs, (name) => {
    const { dtype = 'float32', shape }: InputSpec = plan.inputs[name]
    return graph.input(name, dtype, [STEPS, ...shape])
  })
  const vectors = slots.map(({ key, layout, changes }) => ({
    changes,
    value: graph.input(key, 'float32', [layout.size]),
  }))
  const frozen = vectors.filter(({ changes }) => !changes).map(({ value }) => [value.name, value] as const)
  const initial = vectors.filter(({ changes }) => changes).map(({ value }) => value)
  const masks = new Map(learners.map(({ name, layout }) => [name, decayMask(steps, layout.decayed, layout.size)]))
  const columns: GraphColumn[] = []

  const { carried, stacked } = loop({
    tripCount: steps,
    condition: cast(graph.scalar(1), 'bool'),
    initial,
    stackedAxis: STEPS,
    body: (iteration, values) => {
      const state = new Map([...frozen, ...initial.map(({ name }, index) => [name, values[index]] as const)])
      const now = (name: string): Value => required(state.get(name), name)
      const parameters = fromKeys(
        [...groups, ...copies],
        (name) => new Parameters(now(`${name}.weights`), required(layouts.get(name), name)),
      )
      const built = plan.loss(
        fromKeys(inputs, (name) => at(data[name], iteration)),
        parameters,
      )
      const { losses, measures } = completeLosses(built, learners)
      const flat = flatGradients(losses, learners, new Map(Object.entries<Parameters>(parameters)))
      const scalars = at(schedule, iteration)
      const metrics: [GraphColumn, Value][] = []
      for (const [index, { name, optimizer }] of learners.entries()) {
        const scalar = (offset: number): Value => {
          const position = SCALARS * index + offset
          return slice(scalars, 0, position, position + 1)
        }
        const gradient = required(flat.get(name), name)
        const norm = euclideanNorm(gradient)
        const next = adamwStep(
          { weights: now(`${name}.weights`), m: now(`${name}.m`), v: now(`${name}.v`) },
          gradient,
          norm,
          { stepSize: scalar(0), epsilon: scalar(1), decay: scalar(2) },
          optimizer,
          required(masks.get(name), name),
        )
        for (const part of ['weights', 'm', 'v'] as const) state.set(`${name}.${part}`, next[part])
        metrics.push([{ kind: 'loss', name }, required(losses.get(name), name)], [{ kind: 'norm', name }, norm])
      }
      for (const { name, of, decay } of averages) {
        state.set(`${name}.weights`, movingAverage(now(`${name}.weights`), now(`${of}.weights`), decay))
      }
      for (const [name, value] of Object.entries(measures)) metrics.push([{ kind: 'measure', name }, value])
      columns.push(...metrics.map(([column]) => column))
      const row = metrics.map(([, value]) => reshape(value, [1]))
      return { carried: initial.map(({ name }) => now(name)), stacked: [concat(row, 0)] }
    },
  })
  for (const [index, { name }] of initial.entries()) graph.output(required(carried[index], name), `next.${name}`)
  graph.output(required(stacked[0], 'metrics'), 'metrics')
  return { graph, columns }
}

function completeLosses<Group extends string>(
  built: Value | Losses<Group>,
  learners: readonly Learner[],
): { losses: Map<string, Value>; measures: Readonly<Record<string, Value>> } {
  if (built instanceof Value) return { losses: new Map(learners.map(({ name }) => [name, built])), measures: {} }
  const losses = new Map(Object.entries<Value | undefined>(built.losses))
  const complete = new Map(
    learners.map(({ name }) => {
      const loss = losses.get(name)
      if (loss === undefined) throw new GraphError(`the group '${name}' has an optimizer and no loss`)
      return [name, loss]
    }),
  )
  return { losses: complete, measures: built.measures ?? {} }
}

/** One vector per group. Groups that share a loss share its backward pass. */
function flatGradients(
  losses: ReadonlyMap<string, Value>,
  learners: readonly Learner[],
  parameters: ReadonlyMap<string, Parameters>,
): Map<string, Value> {
  const flat = new Map<string, Value>()
  for (const loss of new Set(losses.values())) {
    const sharing = learners.filter(({ name }) => losses.get(name) === loss)
    const valuesOf = (name: string): readonly Value[] => required(parameters.get(name), name).values
    const found = gradients(
      loss,
      sharing.flatMap(({ name }) => valuesOf(name)),
    ).values()
    for (const { name, layout } of sharing) {
      const parts = layout.parameters.map((parameter) => {
        const gradient: Value | null | undefined = found.next().value
        if (gradient) return reshape(gradient, [parameter.size])
        throw new GraphError(`the loss of '${name}' does not depend on its parameter ${parameter.name}`)
      })
      flat.set(name, concat(parts, 0))
    }
  }
  return flat
}
