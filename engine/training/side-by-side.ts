/**
 * Steps whose two halves are computed side by side: one in this thread, the other in the helper thread. Each call holds one step, so
 * weights and moments leave the runtime after each one; what is gained is that products of a core's size run on two cores without
 * waiting for each other. The bytes are those of one thread.
 */
import { Graph } from '../graph/index.ts'
import { floatFeed } from '../runtime/session.ts'
import type { Session, SessionOptions } from '../runtime/session.ts'
import { givenBody, halfGraph, LEARNT, learntLayout, type TrainingGraphOptions } from './batch-gradient.ts'
import type { GraphState } from './graph-state.ts'
import { halfOf, type HalfRequest, openHalf } from './half.ts'
import { Helper } from './helper.ts'
import type { PackedRows } from './rows.ts'
import { type StepNumbers, type StepPlan, Steps } from './steps.ts'
import { required } from '../runtime/records.ts'

export class SideBySide {
  readonly #session: Session
  readonly #helper: Helper
  readonly #steps: Steps
  readonly #lineSize: number

  private constructor(session: Session, helper: Helper, steps: Steps, lineSize: number) {
    this.#session = session
    this.#helper = helper
    this.#steps = steps
    this.#lineSize = lineSize
  }

  static async create(
    options: TrainingGraphOptions,
    { slots, learners }: Pick<StepPlan, 'slots' | 'learners'>,
    state: GraphState,
    { threads = 1, device = 'cpu' }: SessionOptions,
  ): Promise<SideBySide> {
    const session = { threads, device }
    const helper = await Helper.open(options, session)
    const { columns } = halfGraph(options)
    const graph = new Graph('step')
    const body = givenBody(learntLayout(options), columns, graph)
    const steps = await Steps.create(graph, { slots, learners, body }, state, session)
    return new SideBySide(await openHalf(options, session), helper, steps, options.lineSize)
  }

  /** Makes a step with each packed batch, from a state, and returns the last one. Throws what `read` throws. */
  async run<Metrics>(
    state: GraphState,
    batches: readonly PackedRows[],
    read: (numbers: StepNumbers, index: number) => Metrics,
  ): Promise<{ metrics: Metrics[]; state: GraphState }> {
    const metrics: Metrics[] = []
    this.#steps.state = state
    for (const [step, packed] of batches.entries()) {
      const weights = required(this.#steps.state.vectors[`${LEARNT}.weights`], LEARNT)
      const request = (half: 0 | 1): HalfRequest => ({ weights, packed, lineSize: this.#lineSize, half })
      // The helper is asked first: a run blocks the thread.
      const [second, first] = await Promise.all([this.#helper.compute(request(1)), halfOf(this.#session, request(0))])
      const data = Object.fromEntries(
        [first, second].flatMap(({ gradient, measures }, side) => [
          [`gradient.${side}`, floatFeed(gradient)],
          [`measures.${side}`, floatFeed(measures)],
        ]),
      )
      metrics.push(...(await this.#steps.run(1, data, (numbers) => read(numbers, step))))
    }
    return { metrics, state: this.#steps.state }
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.release(), this.#helper.close(), this.#steps.close()])
  }
}
