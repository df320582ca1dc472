/**
 * The training graph: several optimizer steps inside one ONNX Loop, so that the state leaves the runtime once per call, and inside
 * each step a Loop over the parts of the batch, which adds up their gradients.
 */
import { gradients } from '../autodiff/gradients.ts'
import { add, at, cast, concat, expand, Graph, loop, reshape, slice, sub, sum, type Value } from '../graph/index.ts'
import { totalLoss } from '../losses/index.ts'
import type { DiagnosticName, LossSpec } from '../losses/types.ts'
import type { ParameterLayout } from '../models/layout.ts'
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { AdaptedParameters, type LoraBase, loraLayout } from '../models/lora.ts'
import { type DecoderParameters, Parameters, StoredParameters } from '../models/parameters.ts'
import { adamwStep, decayMask, euclideanNorm } from '../optimizers/adamw.ts'
import type { OptimizerSpec } from '../optimizers/schedule.ts'
import { partBatch, type RowInputs, rowInputs } from './parts.ts'

export interface TrainingGraphOptions {
  readonly model: LlamaConfig
  readonly loss: LossSpec
  readonly optimizer: OptimizerSpec
  /** Tokens of a line. */
  readonly lineSize: number
  /** Learn an adapter and leave the base as it is; all weights of the model are learnt where this is absent. */
  readonly lora?: LoraBase
}

/** What is learnt, as one flat vector. */
export function learntLayout({ model, lora }: Pick<TrainingGraphOptions, 'model' | 'lora'>): ParameterLayout {
  return lora === undefined ? llamaLayout(model) : loraLayout(model, lora)
}

/** What each column of the output 'metrics' [steps, columns] holds. */
export type MetricColumn = 'loss' | 'gradientNorm' | DiagnosticName | `term:${string}`

const STEPS = 'steps'

/**
 * Inputs: weights, m, v [size], of what is learnt; steps int64; schedule [steps, 3]; and the arrays of PackedRows. Outputs: weights, m, v, metrics.
 */
export function trainingGraph(options: TrainingGraphOptions): { graph: Graph; columns: MetricColumn[] } {
  const { optimizer, lineSize } = options
  const layout = learntLayout(options)
  const graph = new Graph('training')
  const decoder = decoderParameters(options, graph)
  const state = ['weights', 'm', 'v'].map((name) => graph.input(name, 'float32', [layout.size]))
  const steps = graph.input('steps', 'int64', [])
  const schedule = graph.input('schedule', 'float32', [STEPS, 3])
  const rows = rowInputs(graph, lineSize, STEPS)
  const decayed = decayMask(steps, layout.decayed, layout.size)
  let columns: MetricColumn[] = []

  const { carried, stacked } = loop({
    tripCount: steps,
    condition: cast(graph.scalar(1), 'bool'),
    initial: state,
    stackedAxis: STEPS,
    body: (iteration, [weights, m, v]) => {
      if (weights === undefined || m === undefined || v === undefined) throw new RangeError('the state has three parts')
      const learnt = new Parameters(weights, layout)
      const whole = batchGradient(options, learnt, decoder(learnt), rows, iteration)
      const { gradient, measures } = whole
      const norm = euclideanNorm(gradient)
      const scalars = at(schedule, iteration)
      const next = adamwStep(
        { weights, m, v },
        gradient,
        norm,
        { stepSize: slice(scalars, 0, 0, 1), epsilon: slice(scalars, 0, 1, 2), decay: slice(scalars, 0, 2, 3) },
        optimizer,
        decayed,
      )
      columns = ['gradientNorm', ...whole.columns]
      return { carried: [next.weights, next.m, next.v], stacked: [concat([reshape(norm, [1]), measures], 0)] }
    },
  })
  for (const [index, name] of ['next_weights', 'next_m', 'next_v'].entries()) outputAs(graph, carried[index], name)
  outputAs(graph, stacked[0], 'metrics')
  return { graph, columns }
}

/** From what is learnt to what the decoder computes with. */
function decoderParameters(
  { model, lora }: TrainingGraphOptions,
  graph: Graph,
): (learnt: Parameters) => DecoderParameters {
  if (lora === undefined) return (learnt) => learnt
  const base = new StoredParameters(graph, llamaLayout(model), lora.base)
  return (learnt) => new AdaptedParameters(model, lora, base, learnt)
}

/** The gradient of a step's batch, and what it measures, both added up over the parts of the batch. */
function batchGradient(
  { model, loss, lineSize }: TrainingGraphOptions,
  learnt: Parameters,
  decoder: DecoderParameters,
  rows: RowInputs,
  step: Value,
): { gradient: Value; measures: Value; columns: MetricColumn[] } {
  const { graph } = step
  const [first, end] = [at(rows.parts, step), at(rows.parts, add(step, 1))]
  let columns: MetricColumn[] = []
  const { carried, stacked } = loop({
    tripCount: sub(end, first),
    condition: cast(graph.scalar(1), 'bool'),
    initial: [expand(graph.scalar(0), [learnt.layout.size])],
    stackedAxis: 'parts',
    body: (part, [gradient]) => {
      if (gradient === undefined) throw new RangeError('a part adds to the gradient')
      const place = { index: add(first, part), step, lineSize }
      const result = totalLoss(partBatch(model, decoder, rows, place), loss)
      const measured = new Map<MetricColumn, Value>([
        ['loss', result.loss],
        ...result.terms.map(({ name, loss: value }): [MetricColumn, Value] => [`term:${name}`, value]),
        ...result.diagnostics,
      ])
      columns = [...measured.keys()]
      const here = concat(
        [...measured.values()].map((value) => reshape(value, [1])),
        0,
      )
      return { carried: [add(gradient, flatGradient(result.loss, learnt))], stacked: [here] }
    },
  })
  const [[gradient], [measures]] = [carried, stacked]
  if (gradient === undefined || measures === undefined) throw new RangeError('the loop over parts lacks an output')
  return { gradient, measures: sum(measures, [0]), columns }
}

/** The gradients of all parameters as one vector in the order of the layout. */
export function flatGradient(loss: Value, parameters: Parameters): Value {
  const parts = gradients(loss, parameters.values).map((gradient, index) => {
    const parameter = parameters.layout.parameters[index]
    if (gradient === null || parameter === undefined) {
      throw new RangeError(`the loss does not depend on ${parameter?.name ?? 'a parameter'}`)
    }
    return reshape(gradient, [parameter.size])
  })
  return concat(parts, 0)
}

function outputAs(graph: Graph, value: Value | undefined, name: string): void {
  if (value === undefined) throw new RangeError(`the graph lacks ${name}`)
  graph.output(value, name)
}
