/** A feed-forward network: linear layers with an activation between them. */
import { layerNorm, type Value } from '../graph/index.ts'
import {
  type Activation,
  ACTIVATIONS,
  linear,
  type NamedValues,
  type NetworkDescription,
  requireSizes,
} from './layers.ts'

export interface MlpSpec {
  readonly kind: 'mlp'
  readonly inputs: number
  readonly hidden: readonly number[]
  readonly outputs: number
  readonly activation: Activation
  /** Layer norm before each activation. */
  readonly layerNorm?: boolean
}

const EPSILON = 1e-5

export function mlpTensors({ inputs, hidden, outputs, layerNorm: normed }: MlpSpec): NetworkDescription {
  const widths = [inputs, ...hidden, outputs]
  requireSizes('mlp', Object.fromEntries(widths.map((width, index) => [`width ${index}`, width])))
  const tensors = widths.slice(1).flatMap((width, index) => {
    const before = widths[index] ?? 0
    const bound = 1 / Math.sqrt(before)
    const linear = [
      { name: `${index}.weight`, shape: [width, before], initial: { bound } },
      { name: `${index}.bias`, shape: [width], initial: { bound } },
    ]
    if (normed !== true || index === hidden.length) return linear
    return [
      ...linear,
      { name: `${index}.norm.weight`, shape: [width], initial: { fill: 1 } },
      { name: `${index}.norm.bias`, shape: [width], initial: { fill: 0 } },
    ]
  })
  return { tensors, input: [inputs], output: [outputs] }
}

/** x [batch, inputs] → [batch, outputs]. */
export function mlp(spec: MlpSpec, parameters: NamedValues, x: Value): Value {
  const activate = ACTIVATIONS[spec.activation]
  let value = x
  for (let index = 0; index <= spec.hidden.length; index++) {
    const get = (name: string): Value => parameters.get(`${index}.${name}`)
    value = linear(value, get('weight'), get('bias'))
    if (index === spec.hidden.length) break
    value = activate(spec.layerNorm === true ? layerNorm(value, get('norm.weight'), get('norm.bias'), EPSILON) : value)
  }
  return value
}
