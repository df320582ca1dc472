/** AdamW (Loshchilov & Hutter 2019) on one flat vector of parameters. */
import { emitOne } from '../graph/graph.ts'
import { add, concat, div, expand, minimum, mul, sqrt, sub, type Value } from '../graph/index.ts'
import type { OptimizerSpec } from './schedule.ts'

export interface AdamWState {
  /** Parameters, first and second moment: float32 [size]. */
  readonly weights: Value
  readonly m: Value
  readonly v: Value
}

/** Numbers of one step, computed in double precision outside the graph (see schedule.ts); float32 scalars. */
export interface StepScalars {
  /** learning rate · sqrt(1 - β₂ᵗ) / (1 - β₁ᵗ) */
  readonly stepSize: Value
  /** ε · sqrt(1 - β₂ᵗ) */
  readonly epsilon: Value
  /** learning rate · weight decay */
  readonly decay: Value
}

/** Euclidean norm of a vector, a scalar. */
export function euclideanNorm(x: Value): Value {
  return emitOne('ReduceL2', [x], 'float32', [], { keepdims: { int: 0 } })
}

/**
 * One step: w ← w - decay · w on the decayed range, then w ← w - stepSize · m / (sqrt(v) + epsilon), which is the textbook
 * update with both bias corrections moved into the scalars.
 */
export function adamwStep(
  state: AdamWState,
  gradient: Value,
  norm: Value,
  scalars: StepScalars,
  spec: OptimizerSpec,
  decayedRange: Value,
): AdamWState {
  const { beta1, beta2 } = spec
  const clipped = spec.clipNorm > 0 ? mul(gradient, clipScale(norm, spec.clipNorm)) : gradient
  const m = add(mul(state.m, beta1), mul(clipped, 1 - beta1))
  const v = add(mul(state.v, beta2), mul(mul(clipped, clipped), 1 - beta2))
  const step = div(mul(m, scalars.stepSize), add(sqrt(v), scalars.epsilon))
  const kept = spec.weightDecay === 0 ? state.weights : mul(state.weights, sub(1, mul(decayedRange, scalars.decay)))
  return { weights: sub(kept, step), m, v }
}

/** 1 on the first `decayed` of `size` elements, 0 on the rest. */
export function decayMask(like: Value, decayed: number, size: number): Value {
  const ones = expand(like.graph.root.scalar(1), [decayed])
  return decayed === size ? ones : concat([ones, expand(like.graph.root.scalar(0), [size - decayed])], 0)
}

/** min(1, clipNorm / (norm + 1e-6)), the rule of torch.nn.utils.clip_grad_norm_. */
function clipScale(norm: Value, clipNorm: number): Value {
  return minimum(div(clipNorm, add(norm, 1e-6)), 1)
}
