/** A small model and data for it, and values of graphs. */
import type { Graph, Value } from '../../../engine/graph/index.ts'
import {
  initialiseLlama,
  type LlamaConfig,
  type OptimizerSpec,
  type TrainerPlan,
  type TrainingRow,
} from '../../../engine/index.ts'

export const MODEL: LlamaConfig = {
  vocabulary: 31,
  width: 32,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  hidden: 48,
  ropeTheta: 1000,
  context: 48,
  normEpsilon: 1e-5,
}

/** Ten times the usual deviation, so that the next-token distributions are far from uniform. */
export const WEIGHTS = initialiseLlama(MODEL, 'test').map((weight) => (weight === 1 ? 1 : 10 * weight))

export const OPTIMIZER: OptimizerSpec = {
  learningRate: 1e-3,
  warmupSteps: 0,
  totalSteps: 100,
  decay: 'linear',
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  clipNorm: 1,
}

export const PLAN = {
  model: MODEL,
  loss: [{ term: 'nll', weight: 1 }],
  optimizer: OPTIMIZER,
  batchRows: 4,
  length: 12,
  stepsPerCall: 4,
  padToken: 0,
  threads: 1,
} satisfies TrainerPlan

export function supervisedRow(length: number, salt: number): TrainingRow {
  const tokens = Array.from({ length }, (_, index) => 1 + ((7 * index + 11 * salt + index * salt) % 30))
  return { tokens, completionFrom: 2, kind: 'supervised' }
}

export function batchOf(salt: number): TrainingRow[] {
  return [0, 1, 2, 3].map((row) => supervisedRow(6 + ((row + salt) % 5), 4 * salt + row))
}

/** Numbers in [0, 1). */
export function uniforms(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => (0.5 + index * 0.618_033_988) % 1)
}

/** What an asynchronous call throws. */
export async function thrownBy(call: () => Promise<unknown>): Promise<Error> {
  try {
    await call()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('expected the call to throw an Error')
}

/** Repeating row numbers 0, 1, … modulo `size`. */
export function indices(graph: Graph, count: number, size: number): Value {
  return graph.constant(
    'int32',
    [count],
    Array.from({ length: count }, (_, index) => index % size),
  )
}

export function get(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new RangeError('expected a value')
  return value
}
