/** The training graph: several optimizer steps inside one ONNX Loop, so that the state leaves the runtime once per call. */
import { gradients } from '../autodiff/gradients.ts'
import { at, cast, concat, Graph, loop, reshape, slice, tokenLogProbability, type Value } from '../graph/index.ts'
import { totalLoss } from '../losses/index.ts'
import type { LossBatch } from '../losses/batch.ts'
import type { DiagnosticName, LossSpec } from '../losses/types.ts'
import { causalMask, decode, logits, positionsFromZero, rotaryTables } from '../models/llama-forward.ts'
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { Parameters } from '../models/parameters.ts'
import { adamwStep, decayMask, euclideanNorm } from '../optimizers/adamw.ts'
import type { OptimizerSpec } from '../optimizers/schedule.ts'

export interface TrainingShape {
  readonly batchRows: number
  readonly length: number
}

export interface TrainingGraphOptions extends TrainingShape {
  readonly model: LlamaConfig
  readonly loss: LossSpec
  readonly optimizer: OptimizerSpec
}

/** What each column of the output 'metrics' [steps, columns] holds. */
export type MetricColumn = 'loss' | 'gradientNorm' | DiagnosticName | `term:${string}`

const STEPS = 'steps'

/** log π(token) of every next token, [batch, length - 1], from tokens int32 [batch, length]. */
export function nextTokenLogProbabilities(
  model: LlamaConfig,
  parameters: Parameters,
  tokens: Value,
  { batchRows, length }: TrainingShape,
): Value {
  const graph = tokens.graph
  const predictions = length - 1
  const inputs = slice(tokens, 1, 0, predictions)
  const labels = slice(tokens, 1, 1, length)
  const { hidden } = decode(model, parameters, rotaryTables(graph, model), {
    tokens: inputs,
    batch: batchRows,
    length: predictions,
    mask: causalMask(graph, predictions, model.heads / model.keyValueHeads),
    positions: positionsFromZero(graph),
  })
  const flat = tokenLogProbability(logits(parameters, hidden), reshape(labels, [batchRows * predictions]))
  return reshape(flat, [batchRows, predictions])
}

/**
 * Inputs: weights, m, v [size]; steps int64; schedule [steps, 3]; and the arrays of PackedRows. Outputs: weights, m, v, metrics.
 */
export function trainingGraph(options: TrainingGraphOptions): { graph: Graph; columns: MetricColumn[] } {
  const { model, loss, optimizer, batchRows, length } = options
  const layout = llamaLayout(model)
  const graph = new Graph('training')
  const state = ['weights', 'm', 'v'].map((name) => graph.input(name, 'float32', [layout.size]))
  const steps = graph.input('steps', 'int64', [])
  const schedule = graph.input('schedule', 'float32', [STEPS, 3])
  const tokens = graph.input('tokens', 'int32', [STEPS, batchRows, length])
  const rows = (name: string): Value => graph.input(name, 'float32', [STEPS, batchRows])
  const predictions = (name: string): Value => graph.input(name, 'float32', [STEPS, batchRows, length - 1])
  const data = {
    completion: predictions('completion'),
    supervised: rows('supervised'),
    reinforced: rows('reinforced'),
    regressed: rows('regressed'),
    side: rows('side'),
    partner: graph.input('partner', 'int32', [STEPS, batchRows]),
    advantage: rows('advantage'),
    target: rows('target'),
    old: predictions('old'),
    reference: predictions('reference'),
  }
  const decayed = decayMask(steps, layout.decayed, layout.size)
  const columns: MetricColumn[] = []

  const { carried, stacked } = loop({
    tripCount: steps,
    condition: cast(graph.scalar(1), 'bool'),
    initial: state,
    stackedAxis: STEPS,
    body: (iteration, [weights, m, v]) => {
      if (weights === undefined || m === undefined || v === undefined) throw new RangeError('the state has three parts')
      const parameters = new Parameters(weights, layout)
      const now = (x: Value): Value => at(x, iteration)
      const batch: LossBatch = {
        logp: nextTokenLogProbabilities(model, parameters, now(tokens), options),
        completion: now(data.completion),
        supervised: now(data.supervised),
        reinforced: now(data.reinforced),
        regressed: now(data.regressed),
        side: now(data.side),
        partner: now(data.partner),
        advantage: now(data.advantage),
        target: now(data.target),
        old: now(data.old),
        reference: now(data.reference),
      }
      const result = totalLoss(batch, loss)
      const gradient = flatGradient(result.loss, parameters)
      const norm = euclideanNorm(gradient)
      const scalars = now(schedule)
      const next = adamwStep(
        { weights, m, v },
        gradient,
        norm,
        { stepSize: slice(scalars, 0, 0, 1), epsilon: slice(scalars, 0, 1, 2), decay: slice(scalars, 0, 2, 3) },
        optimizer,
        decayed,
      )
      const metrics: [MetricColumn, Value][] = [
        ['loss', result.loss],
        ['gradientNorm', norm],
        ...result.terms.map(({ name, loss: value }): [MetricColumn, Value] => [`term:${name}`, value]),
        ...result.diagnostics,
      ]
      columns.push(...metrics.map(([name]) => name))
      const stackedMetrics = concat(
        metrics.map(([, value]) => reshape(value, [1])),
        0,
      )
      return { carried: [next.weights, next.m, next.v], stacked: [stackedMetrics] }
    },
  })
  for (const [index, name] of ['next_weights', 'next_m', 'next_v'].entries()) outputAs(graph, carried[index], name)
  outputAs(graph, stacked[0], 'metrics')
  return { graph, columns }
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
