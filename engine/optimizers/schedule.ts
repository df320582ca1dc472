/** The optimizer's settings and the numbers that change from step to step. */

export interface OptimizerSpec {
  /** The peak learning rate. */
  readonly learningRate: number
  /** Steps over which the rate rises linearly from 0. */
  readonly warmupSteps: number
  /** Steps at which a linear decay reaches 0. */
  readonly totalSteps: number
  readonly decay: 'linear' | 'constant'
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Decoupled decay of the matrices; norm weights are never decayed. */
  readonly weightDecay: number
  /** Largest Euclidean norm of the whole gradient; 0: no clipping. */
  readonly clipNorm: number
}

/** AdamW at a constant rate, without decay or clipping unless `changes` say otherwise; the betas are PyTorch's. */
export function adamw(learningRate: number, changes: Partial<OptimizerSpec> = {}): OptimizerSpec {
  const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
  const schedule = { warmupSteps: 0, totalSteps: 1, decay: 'constant' } as const
  return { learningRate, ...schedule, ...moments, weightDecay: 0, clipNorm: 0, ...changes }
}

/** Settings out of range. */
export class OptimizerSpecError extends Error {
  override readonly name = 'OptimizerSpecError'
}

export function checkOptimizerSpec(spec: OptimizerSpec): void {
  const require = (name: string, holds: boolean): void => {
    if (!holds) throw new OptimizerSpecError(`${name} is out of range: ${JSON.stringify(spec)}`)
  }
  require('learningRate', Number.isFinite(spec.learningRate) && spec.learningRate >= 0)
  require('warmupSteps', Number.isInteger(spec.warmupSteps) && spec.warmupSteps >= 0)
  require('totalSteps', Number.isInteger(spec.totalSteps) && spec.totalSteps > 0)
  require('beta1', spec.beta1 >= 0 && spec.beta1 < 1)
  require('beta2', spec.beta2 >= 0 && spec.beta2 < 1)
  require('epsilon', spec.epsilon > 0)
  require('weightDecay', Number.isFinite(spec.weightDecay) && spec.weightDecay >= 0)
  require('clipNorm', spec.clipNorm >= 0)
}

/**
 * The learning rate of the step after `step` completed ones: that of transformers' get_linear_schedule_with_warmup,
 * whose first step, without warm-up, has the full rate and whose warm-up starts at 0.
 */
export function learningRateAt(spec: OptimizerSpec, step: number): number {
  if (step < spec.warmupSteps) return (spec.learningRate * step) / spec.warmupSteps
  if (spec.decay === 'constant') return spec.learningRate
  const left = (spec.totalSteps - step) / Math.max(1, spec.totalSteps - spec.warmupSteps)
  return spec.learningRate * Math.max(0, left)
}

/** [stepSize, epsilon, decay] of the step after `step` completed ones (see adamw.ts). */
export function stepScalars(spec: OptimizerSpec, step: number): [number, number, number] {
  const rate = learningRateAt(spec, step)
  const correction1 = 1 - spec.beta1 ** (step + 1)
  const correction2 = Math.sqrt(1 - spec.beta2 ** (step + 1))
  return [(rate * correction2) / correction1, spec.epsilon * correction2, rate * spec.weightDecay]
}
