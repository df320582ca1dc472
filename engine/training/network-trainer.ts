/** Training of a small network whose plan is plain data, so that it can be sent to another process and stored. */
import {
  elementCount,
  exp,
  logSoftmax,
  mul,
  neg,
  reshape,
  softmax,
  square,
  sub,
  sum,
  tokenLogProbability,
  type Value,
} from '../graph/index.ts'
import { logisticCrossEntropy, weightedMean } from '../losses/cross-entropy.ts'
import { clippedObjective } from '../losses/policy-gradient.ts'
import { LossSpecError } from '../losses/types.ts'
import { type Network, network, type NetworkSpec } from '../models/network.ts'
import type { OptimizerSpec } from '../optimizers/schedule.ts'
import type { SessionOptions } from '../runtime/session.ts'
import type { InputSpec, Numbers } from '../runtime/feeds.ts'
import { required } from '../runtime/records.ts'
import type { Metadata } from '../weights/checkpoint.ts'
import { buildTrainer, type GraphTrainer } from './graph-trainer.ts'
import { RowError } from './rows.ts'

/** What the outputs of the network are for, and with that what a batch holds beside `x`. */
export type HeadSpec =
  /** Mean squared error, summed over the outputs. `target` [rows, ...outputs]. */
  | { readonly kind: 'regression' }
  /** Cross-entropy of softmax. `label` [rows]: class numbers. */
  | { readonly kind: 'classification' }
  /**
   * -ρ · A, or PPO's clipped form, less `entropy` times the entropy of softmax. `action` [rows]: class numbers; `advantage`
   * [rows]; `old` [rows]: log-probabilities of the actions under the policy that took them.
   */
  | { readonly kind: 'policy-gradient'; readonly clip: number | null; readonly entropy: number }
  /** Bradley–Terry: `other` is compared with x, `preference` [rows] is the share of comparisons that x won. One output. */
  | { readonly kind: 'preference' }

export interface NetworkPlan {
  readonly network: NetworkSpec
  readonly head: HeadSpec
  readonly optimizer: OptimizerSpec
  /** Rows of a batch; smaller batches are filled up with rows that count for nothing. */
  readonly batchRows: number
  /** Keeps a moving average of the parameters with this decay. */
  readonly averageDecay?: number
}

export interface NetworkStepMetrics {
  readonly step: number
  readonly loss: number
  /** Euclidean norm of the gradient before clipping. */
  readonly gradientNorm: number
  readonly learningRate: number
}

/** `x` [rows, ...inputs], what the head needs, and optionally `weight` [rows], 1 unless given. */
export type NetworkBatch = Readonly<Record<string, Numbers>>

interface Head {
  readonly inputs: Readonly<Record<string, InputSpec>>
  /** Loss of each row. */
  loss(forward: (x: Value) => Value, input: (name: string) => Value): Value
}

function headOf(spec: HeadSpec, { input: x, output }: Network, rows: number): Head {
  const perRow: InputSpec = { shape: [rows] }
  const classes: InputSpec = { shape: [rows], dtype: 'int32' }
  switch (spec.kind) {
    case 'regression':
      return {
        inputs: { target: { shape: [rows, ...output] } },
        loss: (forward, input) => {
          const error = square(sub(forward(input('x')), input('target')))
          return sum(
            error,
            output.map((_, axis) => axis + 1),
          )
        },
      }
    case 'classification':
      requireOutput(spec.kind, output, (size) => size > 1)
      return {
        inputs: { label: classes },
        loss: (forward, input) => neg(tokenLogProbability(forward(input('x')), input('label'))),
      }
    case 'policy-gradient':
      requireOutput(spec.kind, output, (size) => size > 1)
      return {
        inputs: { action: classes, advantage: perRow, old: perRow },
        loss: (forward, input) => {
          const logits = forward(input('x'))
          const logp = tokenLogProbability(logits, input('action'))
          const { objective } = clippedObjective(exp(sub(logp, input('old'))), input('advantage'), spec.clip)
          const negativeEntropy = sum(mul(softmax(logits), logSoftmax(logits)), [-1])
          return spec.entropy === 0 ? neg(objective) : sub(mul(negativeEntropy, spec.entropy), objective)
        },
      }
    case 'preference':
      requireOutput(spec.kind, output, (size) => size === 1)
      return {
        inputs: { other: { shape: [rows, ...x] }, preference: perRow },
        loss: (forward, input) => {
          const margin = sub(forward(input('x')), forward(input('other')))
          return logisticCrossEntropy(reshape(margin, [rows]), input('preference'))
        },
      }
  }
}

function requireOutput(kind: string, output: readonly number[], fits: (size: number) => boolean): void {
  const [size = 0] = output
  if (output.length === 1 && fits(size)) return
  throw new LossSpecError(`a head of kind '${kind}' does not fit a network that gives [${output.join(', ')}]`)
}

/** Names of the parameters and of their moving average in checkpoints: net.<name> and average.<name>. */
export const NETWORK_GROUP = 'net'
export const NETWORK_AVERAGE = 'average'

export class NetworkTrainer {
  readonly #trainer: GraphTrainer
  readonly #plan: NetworkPlan
  readonly #inputs: Readonly<Record<string, InputSpec>>

  private constructor(trainer: GraphTrainer, plan: NetworkPlan, inputs: Readonly<Record<string, InputSpec>>) {
    this.#trainer = trainer
    this.#plan = plan
    this.#inputs = inputs
  }

  /** Throws ModelConfigError, LossSpecError, OptimizerSpecError or GraphError for a plan that does not fit. */
  static async create(plan: NetworkPlan, weights: Float32Array, options: SessionOptions = {}): Promise<NetworkTrainer> {
    const { batchRows: rows, averageDecay } = plan
    if (!Number.isInteger(rows) || rows < 1) throw new RowError(`batchRows must be a positive integer, got ${rows}`)
    const net = network(plan.network)
    const head = headOf(plan.head, net, rows)
    const inputs = { x: { shape: [rows, ...net.input] }, ...head.inputs, weight: { shape: [rows] } }
    const trainer = await buildTrainer<string, typeof NETWORK_GROUP, typeof NETWORK_AVERAGE>({
      inputs,
      parameters: { net: { layout: net.layout, initial: weights, optimizer: plan.optimizer } },
      ...(averageDecay === undefined ? {} : { averages: { average: { of: NETWORK_GROUP, decay: averageDecay } } }),
      loss: (values, { net: parameters }) => {
        const input = (name: string): Value => required(values[name], `input '${name}'`)
        return weightedMean(
          head.loss((x) => net.forward(parameters, x), input),
          input('weight'),
        )
      },
      ...options,
    })
    return new NetworkTrainer(trainer, plan, inputs)
  }

  /** One optimizer step per batch. Throws GraphError, RowError or NonFiniteLossError; each leaves the state as it was. */
  async step(batches: readonly NetworkBatch[]): Promise<NetworkStepMetrics[]> {
    const metrics = await this.#trainer.step(batches.map((batch) => this.#filled(batch)))
    return metrics.map(({ step, losses, gradientNorms, learningRates }) => ({
      step,
      loss: losses[NETWORK_GROUP] ?? Number.NaN,
      gradientNorm: gradientNorms[NETWORK_GROUP] ?? Number.NaN,
      learningRate: learningRates[NETWORK_GROUP] ?? Number.NaN,
    }))
  }

  get completedSteps(): number {
    return this.#trainer.state().step
  }

  weights(): Float32Array {
    return this.#trainer.weights(NETWORK_GROUP)
  }

  checkpoint(metadata: Metadata = {}): Uint8Array {
    return this.#trainer.checkpoint(metadata)
  }

  restore(checkpoint: Uint8Array, source: string): void {
    this.#trainer.restore(checkpoint, source)
  }

  async close(): Promise<void> {
    await this.#trainer.close()
  }

  /** The batch with rows of zeros, of weight 0, up to the plan's size. */
  #filled(batch: NetworkBatch): NetworkBatch {
    const { batchRows } = this.#plan
    const elements = ({ shape }: InputSpec): number => elementCount(shape) / batchRows
    const rows = (batch['x']?.length ?? 0) / elements(required(this.#inputs['x'], 'x'))
    if (!Number.isInteger(rows) || rows < 1 || rows > batchRows) {
      throw new RowError(`a batch has ${rows} rows, the trainer takes 1 to ${batchRows}`)
    }
    const weighted: NetworkBatch = { weight: new Float32Array(rows).fill(1), ...batch }
    const filled = Object.entries(weighted).map(([name, numbers]): [string, Numbers] => {
      const spec = this.#inputs[name]
      if (spec === undefined || rows === batchRows) return [name, numbers]
      if (numbers.length !== rows * elements(spec)) {
        throw new RowError(`'${name}' has ${numbers.length} numbers for ${rows} rows of ${elements(spec)}`)
      }
      const all =
        spec.dtype === 'int32' ? new Int32Array(elementCount(spec.shape)) : new Float32Array(elementCount(spec.shape))
      all.set(numbers)
      return [name, all]
    })
    return Object.fromEntries(filled)
  }
}
