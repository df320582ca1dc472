/** The ONNX Loop: a body graph run a number of times, or until its condition fails. */
import { emit, Graph, innermostGraph, type Value } from '../graph.ts'
import { GraphError, sameShape, type Shape } from '../types.ts'

export interface LoopBody {
  /** Whether to go on after this iteration; absent: until the trip count is reached. */
  readonly condition?: Value
  /** The carried values for the next iteration. */
  readonly carried: readonly Value[]
  /** Values to be stacked over iterations. */
  readonly stacked: readonly Value[]
}

export interface LoopOptions {
  /** int64 scalar: the most iterations. */
  readonly tripCount: Value
  /** bool scalar: whether to start at all. */
  readonly condition: Value
  readonly initial: readonly Value[]
  /** Shapes of the carried values inside the body, where they differ from the initial ones (an axis that grows is named). */
  readonly shapes?: readonly Shape[]
  readonly body: (iteration: Value, carried: readonly Value[]) => LoopBody
  /** Name of the stacked axis in the results. */
  readonly stackedAxis: string
}

/** Returns the last carried values and the stacked ones, each [iterations, ...shape]. Values of outer graphs may be used inside the body. */
export function loop(options: LoopOptions): { carried: Value[]; stacked: Value[] } {
  const { tripCount, condition, initial } = options
  if (tripCount.dtype !== 'int64' || tripCount.shape.length !== 0 || !isTruth(condition)) {
    throw new GraphError(
      `loop: trip count ${tripCount.toString()} must be an int64 scalar, condition ${condition.toString()} a bool`,
    )
  }
  const shapes = options.shapes ?? initial.map(({ shape }) => shape)
  const outer = innermostGraph('loop', [tripCount, condition, ...initial])
  const body = new Graph(outer.uniqueName('body'), outer)
  const iteration = body.input('iteration', 'int64', [])
  const goOn = body.input('condition', 'bool', [])
  const carried = initial.map(({ dtype }, index) => body.input('carried', dtype, shapes[index] ?? []))
  const result = options.body(iteration, carried)
  if (result.carried.length !== initial.length) {
    throw new GraphError(`loop: the body returns ${result.carried.length} carried values, not ${initial.length}`)
  }
  for (const [index, value] of result.carried.entries()) {
    const given = carried[index]
    if (given === undefined || given.dtype !== value.dtype || !fits(given.shape, value.shape)) {
      throw new GraphError(`loop: carried value ${index} is ${given?.toString()} but becomes ${value.toString()}`)
    }
  }
  const again = result.condition ?? goOn
  if (!isTruth(again)) throw new GraphError(`loop: the body's condition ${again.toString()} must be a bool scalar`)
  body.output(again)
  for (const value of [...result.carried, ...result.stacked]) body.output(value)
  const outputs = [
    ...initial.map(({ dtype }, index) => ({ dtype, shape: grown(shapes[index] ?? [], index) })),
    ...result.stacked.map(({ dtype, shape }) => ({ dtype, shape: [options.stackedAxis, ...shape] })),
  ]
  const values = emit('Loop', [tripCount, condition, ...initial], outputs, { body: { graph: body } })
  return { carried: values.slice(0, initial.length), stacked: values.slice(initial.length) }
}

function isTruth({ dtype, shape }: Value): boolean {
  return dtype === 'bool' && shape.length === 0
}

/** A named axis may change its size from one iteration to the next. */
function fits(before: Shape, after: Shape): boolean {
  return sameShape(
    before,
    after.map((dimension, axis) => (typeof before[axis] === 'string' ? before[axis] : dimension)),
  )
}

function grown(shape: Shape, index: number): Shape {
  return shape.map((dimension) => (typeof dimension === 'string' ? `${dimension}_after_${index}` : dimension))
}
