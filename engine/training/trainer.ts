/** Training a model: state on the host between calls, several optimizer steps inside each call. */
import { checkLossSpec, lossNeeds } from '../losses/index.ts'
import type { LossNeeds, LossSpec, TermName } from '../losses/types.ts'
import type { LlamaConfig } from '../models/llama.ts'
import { checkOptimizerSpec, learningRateAt, type OptimizerSpec } from '../optimizers/schedule.ts'
import { Graph } from '../graph/index.ts'
import { required } from '../runtime/records.ts'
import type { SessionOptions } from '../runtime/session.ts'
import type { LoraBase } from '../models/lora.ts'
import { batchBody, LEARNT, learntLayout, type MetricColumn } from './batch-gradient.ts'
import { type GraphState, slotsOf } from './graph-state.ts'
import { SideBySide } from './side-by-side.ts'
import { isHalved } from './packing.ts'
import { rowFeeds } from './parts.ts'
import { packRows, RowError, type TrainingRow } from './rows.ts'
import { requireFinite, type StepNumbers, Steps } from './steps.ts'

export interface TrainerPlan extends SessionOptions {
  readonly model: LlamaConfig
  readonly loss: LossSpec
  readonly optimizer: OptimizerSpec
  /** The most rows of a batch; any number unless given. */
  readonly batchRows?: number
  /** The longest row, in tokens; one more than the model's context unless given, as the last token is only predicted. */
  readonly length?: number
  /** Tokens of a line, which rows share; length - 1, the least, unless given. See bestLineSize. */
  readonly lineSize?: number
  /** The most optimizer steps of one call; any number unless given. */
  readonly stepsPerCall?: number
  /** Fills lines up, 0 unless given. No row sees it. */
  readonly padToken?: number
}

/** The optimizer's moments and the number of completed steps. */
export interface OptimizerState {
  readonly m: Float32Array
  readonly v: Float32Array
  readonly step: number
}

export interface TrainerOptions extends TrainerPlan {
  /** What is learnt, flat: in the order of llamaLayout, or with `lora` in that of loraLayout. */
  readonly weights: Float32Array
  readonly resume?: OptimizerState
  /** Learn an adapter over a frozen base, in the place of all weights. */
  readonly lora?: LoraBase
}

export interface TrainerState extends OptimizerState {
  readonly weights: Float32Array
}

export interface StepMetrics {
  /** The number of this step, counted from 1. */
  readonly step: number
  readonly loss: number
  /** Each term of the loss, without its weight. */
  readonly terms: { readonly [Name in TermName]?: number }
  /** Euclidean norm of the gradient before clipping. */
  readonly gradientNorm: number
  readonly learningRate: number
  /** Completion tokens of the batch. */
  readonly tokens: number
  /** Mean importance ratio and share of clipped ratios; null where the loss has none. */
  readonly meanRatio: number | null
  readonly clipFraction: number | null
  /** k3 estimate of the KL to the reference; null unless the loss has a 'kl' term. */
  readonly kl: number | null
  /** Mean Σ log π / π_reference of the regressed rows; null where the loss does not regress. */
  readonly logRatio: number | null
  /** Means over pairs: the margin, the chosen row's log-ratio, and the share of positive margins; null without pairs. */
  readonly margin: number | null
  readonly chosenLogRatio: number | null
  readonly pairAccuracy: number | null
}

export interface StepOptions {
  /**
   * Compute the two halves of each batch side by side, the second in a thread of its own, as long as there is memory for it. The bytes
   * are the same.
   */
  readonly sideBySide?: boolean
}

export class Trainer {
  readonly #plan: TrainerPlan
  readonly #steps: Steps
  readonly #needs: LossNeeds
  readonly #openSideBySide: (state: GraphState) => Promise<SideBySide>
  #sideBySide: SideBySide | undefined

  private constructor(plan: TrainerPlan, steps: Steps, openSideBySide: (state: GraphState) => Promise<SideBySide>) {
    this.#plan = plan
    this.#steps = steps
    this.#needs = lossNeeds(plan.loss)
    this.#openSideBySide = openSideBySide
  }

  /** Builds the graph. Throws ModelConfigError, LossSpecError, OptimizerSpecError, LoraSpecError or RowError for settings that do not fit. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { weights, resume, lora, ...plan } = options
    checkLossSpec(plan.loss)
    checkOptimizerSpec(plan.optimizer)
    const graphOptions = lora === undefined ? plan : { ...plan, lora }
    const layout = learntLayout(graphOptions)
    const { size } = layout
    const { batchRows = 1, stepsPerCall = 1 } = plan
    const length = lengthOf(plan)
    const positive = [batchRows, stepsPerCall, length - 1]
    if (!positive.every((count) => Number.isInteger(count) && count > 0) || length - 1 > plan.model.context) {
      throw new RowError(`rows ${batchRows}, steps ${stepsPerCall} or length ${length} are out of range`)
    }
    const group = { layout, initial: weights, optimizer: plan.optimizer }
    const slots = slotsOf({ parameters: { [LEARNT]: group } })
    const { m = new Float32Array(size), v = new Float32Array(size), step = 0 } = resume ?? {}
    for (const vector of [weights, m, v]) {
      if (vector.length !== size) throw new RangeError(`there are ${size} parameters to learn, got ${vector.length}`)
    }
    const vectors = { [`${LEARNT}.weights`]: weights, [`${LEARNT}.m`]: m, [`${LEARNT}.v`]: v }
    const lineSize = lineSizeOf(plan)
    if (!Number.isInteger(lineSize) || lineSize < length - 1)
      throw new RowError(`lines of ${lineSize} tokens do not hold rows of ${length}`)
    const graph = new Graph('training')
    const built = { model: plan.model, loss: plan.loss, lineSize, ...(lora && { lora }) }
    const body = batchBody(built, graph)
    const moved = { slots, learners: [{ name: LEARNT, ...group }] }
    const steps = await Steps.create(graph, { ...moved, body }, { step, vectors }, plan)
    return new Trainer(plan, steps, (state) => SideBySide.create(built, moved, state, plan))
  }

  /**
   * One optimizer step per batch. Throws RowError for rows that do not fit and NonFiniteLossError; either leaves the state as it was.
   */
  async step(
    batches: readonly (readonly TrainingRow[])[],
    { sideBySide = false }: StepOptions = {},
  ): Promise<StepMetrics[]> {
    const { model, batchRows = Infinity, stepsPerCall = Infinity, padToken = 0 } = this.#plan
    const steps = batches.length
    if (steps === 0) return []
    if (steps > stepsPerCall) throw new RowError(`${steps} batches in one call, the trainer takes ${stepsPerCall}`)
    const lineSize = lineSizeOf(this.#plan)
    const { vocabulary } = model
    const halved = isHalved(model)
    const shape = { batchRows, length: lengthOf(this.#plan), lineSize, halved, vocabulary, padToken }
    const metrics = (tokens: readonly number[]) => (numbers: StepNumbers, index: number) =>
      this.#metrics(numbers, tokens[index] ?? 0)
    if (!sideBySide || !this.#roomForThread()) {
      const packed = packRows(batches, shape, this.#needs)
      return this.#steps.run(steps, rowFeeds(packed, lineSize), metrics(packed.tokenCounts))
    }
    const each = batches.map((batch) => packRows([batch], shape, this.#needs))
    this.#sideBySide ??= await this.#openSideBySide(this.#steps.state)
    const read = metrics(each.flatMap(({ tokenCounts }) => tokenCounts))
    const made = await this.#sideBySide.run(this.#steps.state, each, read)
    this.#steps.state = made.state
    return made.metrics
  }

  /** The present state. The arrays belong to the trainer, which replaces and never changes them. */
  state(): TrainerState {
    const { step, vectors } = this.#steps.state
    const vector = (part: string): Float32Array => required(vectors[`${LEARNT}.${part}`], part)
    return { weights: vector('weights'), m: vector('m'), v: vector('v'), step }
  }

  /** Frees the runtime's memory; the trainer cannot step afterwards. */
  async close(): Promise<void> {
    await Promise.all([this.#steps.close(), this.#sideBySide?.close()])
  }

  /** The thread holds no more than this process does: an adapter's base lies in a file that both see. */
  #roomForThread(): boolean {
    return this.#sideBySide !== undefined || process.availableMemory() > process.memoryUsage.rss()
  }

  #metrics(numbers: StepNumbers, tokens: number): StepMetrics {
    const read = (column: MetricColumn): number | null => numbers.get(column)
    const loss = read('loss') ?? Number.NaN
    const gradientNorm = numbers.get(`norm.${LEARNT}`) ?? Number.NaN
    const suspects = "the advantages and the 'old' log-probabilities of this batch"
    requireFinite(numbers, ['loss', loss, gradientNorm], suspects)
    const terms = Object.fromEntries(this.#plan.loss.map(({ term }) => [term, read(`term:${term}`) ?? Number.NaN]))
    return {
      step: numbers.step + 1,
      loss,
      terms,
      gradientNorm,
      learningRate: learningRateAt(this.#plan.optimizer, numbers.step),
      tokens,
      meanRatio: read('ratio'),
      clipFraction: read('clipFraction'),
      kl: read('kl'),
      logRatio: read('logRatio'),
      margin: read('margin'),
      chosenLogRatio: read('chosenLogRatio'),
      pairAccuracy: read('pairAccuracy'),
    }
  }
}

const lengthOf = ({ model, length = model.context + 1 }: TrainerPlan): number => length
const lineSizeOf = (plan: TrainerPlan): number => plan.lineSize ?? lengthOf(plan) - 1
