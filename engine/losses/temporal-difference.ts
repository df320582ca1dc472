/** Temporal-difference learning of values. */
import { add, mul, square, stopGradient, sub, type Value } from '../graph/index.ts'
import { huber, meanOfAll } from './regression.ts'

export interface Transition {
  readonly reward: Value
  /** γ, or 0 where the episode ended. */
  readonly discount: Value
  /** The value of the next state, usually under a slowly moving copy of the parameters. */
  readonly next: Value
}

/**
 * mean ℓ(Q - y) with the target y = r + γ · Q', held constant (Sutton 1988; Mnih et al. 2015). ℓ is the square, or Huber's loss
 * with δ where it is given.
 */
export function temporalDifference(value: Value, transition: Transition, delta?: number): Value {
  const { reward, discount, next } = transition
  const target = stopGradient(add(reward, mul(discount, next)))
  const error = sub(value, target)
  return meanOfAll(delta === undefined ? square(error) : huber(error, delta))
}

/** decay · old + (1 - decay) · fresh: one step of an exponential moving average. */
export function movingAverage(old: Value, fresh: Value, decay: number): Value {
  return add(mul(old, decay), mul(fresh, 1 - decay))
}
