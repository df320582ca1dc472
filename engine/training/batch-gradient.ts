/** The gradient of a language model's batch: a Loop over the parts of the batch, which adds up their gradients. */
import { add, at, cast, concat, expand, type Graph, loop, reshape, sub, sum, type Value } from '../graph/index.ts'
import { totalLoss } from '../losses/index.ts'
import type { DiagnosticName, LossSpec } from '../losses/types.ts'
import type { ParameterLayout } from '../models/layout.ts'
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { AdaptedParameters, type LoraBase, loraLayout } from '../models/lora.ts'
import { type DecoderParameters, type Parameters, StoredParameters } from '../models/parameters.ts'
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
    const { gradient, measures, columns } = batchGradient(options, learnt, decoder(learnt), rows, step)
    return { gradients: new Map([[LEARNT, gradient]]), measures, columns }
  }
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
