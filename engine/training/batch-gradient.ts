/**
 * The gradient of a language model's batch: the sum over its two halves, each the sum over the parts in it. One graph computes both,
 * half by half; or two compute one each, side by side (side-by-side.ts). The sums are the same, and so are the bytes.
 */
import { add, at, cast, concat, expand, Graph, loop, reshape, sub, sum, type Value } from '../graph/index.ts'
import { totalLoss } from '../losses/index.ts'
import type { DiagnosticName, LossSpec } from '../losses/types.ts'
import type { ParameterLayout } from '../models/layout.ts'
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { AdaptedParameters, type LoraBase, loraLayout } from '../models/lora.ts'
import { type DecoderParameters, Parameters, StoredParameters } from '../models/parameters.ts'
import { required } from '../runtime/records.ts'
import { partBatch, type RowInputs, rowInputs } from './parts.ts'
import { flatGradients, type StepPlan, STEPS } from './steps.ts'

/** The name of what is learnt, as a group of parameters. */
export const LEARNT = 'learnt'

export interface TrainingGraphOptions {
  readonly model: LlamaConfig
  readonly loss: LossSpec
  /** Tokens of a line. */
  readonly lineSize: number
  /** Learn an adapter and leave the base as it is; all weights of the model are learnt where this is absent. */
  readonly lora?: LoraBase
}

/** What is learnt, as one flat vector. */
export function learntLayout({ model, lora }: Pick<TrainingGraphOptions, 'model' | 'lora'>): ParameterLayout {
  return lora === undefined ? llamaLayout(model) : loraLayout(model, lora)
}

/** What is reported of a step, beside the norm of its gradient. */
export type MetricColumn = 'loss' | DiagnosticName | `term:${string}`

/** What a step over packed rows computes; their arrays (see PackedRows) become inputs of the graph. */
export function batchBody(options: TrainingGraphOptions, graph: Graph): StepPlan['body'] {
  const decoder = decoderParameters(options, graph)
  const rows = rowInputs(graph, options.lineSize, STEPS)
  return (step, parameters) => {
    const learnt = parameters(LEARNT)
    const decoding = decoder(learnt)
    const [first, end] = [add(step, step), add(add(step, step), 2)]
    let columns: MetricColumn[] = []
    const { carried, stacked } = loop({
      tripCount: sub(end, first),
      condition: cast(step.graph.scalar(1), 'bool'),
      initial: [zeros(step.graph, learnt.layout)],
      stackedAxis: 'both',
      body: (half, [sofar]) => {
        const found = halfGradient(options, learnt, decoding, rows, { step, half: add(first, half) })
        columns = found.columns
        return { carried: [add(required(sofar, LEARNT), found.gradient)], stacked: [found.measures] }
      },
    })
    const measures = sum(required(stacked[0], 'measures'), [0])
    return { gradients: new Map([[LEARNT, required(carried[0], LEARNT)]]), measures, columns }
  }
}

/**
 * One half of one step alone. Inputs: what is learnt, the arrays of PackedRows of that step, and half, an int64 scalar: 0 or 1.
 * Outputs: gradient [size] and measures, whose columns are returned.
 */
export function halfGraph(options: TrainingGraphOptions): { graph: Graph; columns: MetricColumn[] } {
  const graph = new Graph('half')
  const layout = learntLayout(options)
  const decoder = decoderParameters(options, graph)
  const rows = rowInputs(graph, options.lineSize, STEPS)
  const learnt = new Parameters(graph.input(LEARNT, 'float32', [layout.size]), layout)
  const place = { step: graph.scalar(0, 'int64'), half: graph.input('half', 'int64', []) }
  const { gradient, measures, columns } = halfGradient(options, learnt, decoder(learnt), rows, place)
  graph.output(gradient, 'gradient')
  graph.output(measures, 'measures')
  return { graph, columns }
}

/** A step whose halves have been computed elsewhere. More inputs: gradient.0, gradient.1, measures.0, measures.1. */
export function givenBody(layout: ParameterLayout, columns: readonly MetricColumn[], graph: Graph): StepPlan['body'] {
  const both = (name: string, size: number): Value =>
    add(graph.input(`${name}.0`, 'float32', [size]), graph.input(`${name}.1`, 'float32', [size]))
  const gradients = new Map([[LEARNT, both('gradient', layout.size)]])
  const measures = both('measures', columns.length)
  return () => ({ gradients, measures, columns })
}

const zeros = (graph: Graph, { size }: ParameterLayout): Value => expand(graph.scalar(0), [size])

/** From what is learnt to what the decoder computes with. */
function decoderParameters(
  { model, lora }: TrainingGraphOptions,
  graph: Graph,
): (learnt: Parameters) => DecoderParameters {
  if (lora === undefined) return (learnt) => learnt
  const base = new StoredParameters(graph, llamaLayout(model), lora.base)
  return (learnt) => new AdaptedParameters(model, lora, base, learnt)
}

/** The gradient of a half of a step's batch, and what it measures, both added up over its parts. Halves count from the first step's. */
function halfGradient(
  { model, loss, lineSize }: TrainingGraphOptions,
  learnt: Parameters,
  decoder: DecoderParameters,
  rows: RowInputs,
  { step, half }: { readonly step: Value; readonly half: Value },
): { gradient: Value; measures: Value; columns: MetricColumn[] } {
  const { graph } = half
  const [first, end] = [at(rows.halves, half), at(rows.halves, add(half, 1))]
  let columns: MetricColumn[] = []
  const { carried, stacked } = loop({
    tripCount: sub(end, first),
    condition: cast(graph.scalar(1), 'bool'),
    initial: [zeros(graph, learnt.layout)],
    stackedAxis: 'parts',
    body: (part, [gradient]) => {
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
      const more = flatGradients(result.loss, new Map([[LEARNT, learnt]])).get(LEARNT)
      return { carried: [add(required(gradient, LEARNT), required(more, LEARNT))], stacked: [here] }
    },
  })
  return { gradient: required(carried[0], LEARNT), measures: sum(required(stacked[0], 'measures'), [0]), columns }
}
