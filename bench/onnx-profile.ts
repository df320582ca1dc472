/** What ONNX Runtime's profile of a session says: how its time is divided over kinds of nodes, and how fast its products are. */
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { fromKeys } from '../engine/runtime/records.ts'

/** Kinds of nodes, in the order in which they are shown. */
export const KINDS = ['weights', 'attention', 'parameters', 'elementwise', 'normalisation', 'movement', 'rest'] as const
export type Kind = (typeof KINDS)[number]

const OPERATORS: Readonly<Record<string, Kind>> = {
  ...named('weights', 'Gemm', 'MatMulNBits'),
  ...named('attention', 'MatMul', 'FusedMatMul', 'Softmax'),
  ...named(
    'elementwise',
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Neg',
    'Exp',
    'Sqrt',
    'Min',
    'Max',
    'Sigmoid',
    'QuickGelu',
    'Where',
  ),
  ...named('normalisation', 'SimplifiedLayerNormalization', 'ReduceSum', 'ReduceMean', 'LogSoftmax', 'RotaryEmbedding'),
  ...named('movement', 'Transpose', 'Reshape', 'Concat', 'Split', 'Slice', 'Gather', 'Expand', 'Identity'),
}

function named(kind: Kind, ...operators: string[]): Record<string, Kind> {
  return Object.fromEntries(operators.map((operator) => [operator, kind]))
}

/** Their nodes stand in the profile themselves. */
const CONTAINERS = new Set(['Loop', 'If', 'Scan'])
/** The runtime's profile holds no more events than these. */
const MOST_EVENTS = 1_000_000

const shapes = z.array(z.record(z.string(), z.array(z.number())))
const event = z.object({
  name: z.string(),
  /** Microseconds since the session began, and from begin to end. */
  ts: z.number(),
  dur: z.number(),
  args: z.object({
    op_name: z.string().optional(),
    input_type_shape: shapes.optional(),
    output_type_shape: shapes.optional(),
  }),
})
type Event = z.infer<typeof event>

export interface Profile {
  /** Calls of the session, and their seconds, without the first one, which warms up. */
  readonly runs: number
  readonly seconds: number
  readonly byKind: Readonly<Record<Kind, Spent>>
  readonly byOperator: ReadonlyMap<string, number>
}

export interface Spent {
  readonly seconds: number
  /** Multiplications and additions of products of matrices. */
  readonly flop: number
}

/** The profile that the session of a graph of that name left in a folder. `parameters`: how many are learnt. */
export function readProfile(folder: string, graph: string, parameters?: number): Profile {
  const file = fs.readdirSync(folder).find((name) => name.startsWith(`${graph}_`))
  if (file === undefined) throw new RangeError(`there is no profile of the graph '${graph}'`)
  const events: unknown = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'))
  return summarise(z.array(event).parse(events), parameters)
}

export function summarise(events: readonly Event[], parameters?: number): Profile {
  if (events.length >= MOST_EVENTS) throw new RangeError('the profile is full: measure fewer steps')
  const [first, ...runs] = events.filter(({ name }) => name === 'model_run')
  if (first === undefined || runs.length === 0) throw new RangeError('a profile needs two runs at least')
  const warm = first.ts + first.dur
  const byKind = fromKeys(KINDS, (): Spent => ({ seconds: 0, flop: 0 }))
  const byOperator = new Map<string, number>()
  for (const { name, ts, dur, args } of events) {
    const operator = args.op_name
    if (ts < warm || operator === undefined || CONTAINERS.has(operator) || !name.endsWith('_kernel_time')) continue
    const [inputs, outputs] = [dimensions(args.input_type_shape), dimensions(args.output_type_shape)]
    const kind = kindOf(operator, [...inputs, ...outputs], parameters)
    const before = byKind[kind]
    const flop = kind === 'weights' || kind === 'attention' ? productFlop(operator, inputs, outputs) : 0
    byKind[kind] = { seconds: before.seconds + dur / 1e6, flop: before.flop + flop }
    byOperator.set(operator, (byOperator.get(operator) ?? 0) + dur / 1e6)
  }
  const seconds = runs.reduce((sum, { dur }) => sum + dur / 1e6, 0)
  return { runs: runs.length, seconds, byKind, byOperator }
}

const dimensions = (types: z.infer<typeof shapes> = []): number[][] => types.flatMap((type) => Object.values(type))

/** Whatever touches all that is learnt at once takes parameters apart, adds up gradients, clips or is the optimizer. */
function kindOf(operator: string, tensors: readonly number[][], parameters: number | undefined): Kind {
  if (parameters !== undefined && tensors.some((shape) => shape.includes(parameters))) return 'parameters'
  return OPERATORS[operator] ?? 'rest'
}

/**
 * Two for each element of the result and each of the K that it sums over. Whichever operands are transposed, matrices of M·K, K·N
 * and M·N elements have K² = (M·K)(K·N) / (M·N). Weights that the runtime has put into an order of its own are not among the inputs,
 * and codes of 8-bit weights have another shape: such weights are the right operand, so K is a row of the left one.
 */
function productFlop(operator: string, inputs: readonly number[][], outputs: readonly number[][]): number {
  const [[a, b], [result]] = [inputs, outputs]
  if (a === undefined || result === undefined || operator === 'Softmax') return 0
  const matrix = (shape: readonly number[]): number => (shape.at(-1) ?? 1) * (shape.at(-2) ?? 1)
  const elements = result.reduce((product, size) => product * size, 1)
  if (elements === 0) return 0
  if (b === undefined || operator === 'MatMulNBits') return 2 * elements * (a.at(-1) ?? 0)
  return 2 * elements * Math.sqrt((matrix(a) * matrix(b)) / matrix(result))
}
