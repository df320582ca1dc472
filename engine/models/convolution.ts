/** Convolutional layers over one or two spatial axes, each followed by an activation. */
import * as graph from '../graph/index.ts'
import type { Value } from '../graph/index.ts'
import { ModelConfigError } from './llama.ts'
import { type Activation, ACTIVATIONS, type NamedValues, type NetworkDescription, requireSizes } from './layers.ts'

export interface ConvolutionLayer {
  readonly channels: number
  /** Taps along each axis. */
  readonly taps: number
  readonly stride?: number
  readonly padding?: number
}

export interface ConvolutionSpec {
  readonly kind: 'convolution'
  /** Channels, then one or two spatial sizes. */
  readonly input: readonly number[]
  readonly layers: readonly ConvolutionLayer[]
  readonly activation: Activation
  /** Gives a vector of all channels and positions instead of a grid. */
  readonly flatten?: boolean
}

export function convolutionTensors({ input, layers, flatten }: ConvolutionSpec): NetworkDescription {
  requireSizes('convolution', Object.fromEntries(input.map((size, axis) => [`input size ${axis}`, size])))
  if (input.length < 2) throw new ModelConfigError('convolution: the input needs channels and at least one size')
  let shape = [...input]
  const tensors = layers.flatMap(({ channels, taps, stride = 1, padding = 0 }, index) => {
    requireSizes(`convolution layer ${index}`, { channels, taps, stride })
    const [before = 0, ...sizes] = shape
    const bound = 1 / Math.sqrt(before * taps ** sizes.length)
    shape = [channels, ...sizes.map((size) => Math.floor((size + 2 * padding - taps) / stride) + 1)]
    return [
      { name: `${index}.weight`, shape: [channels, before, ...sizes.map(() => taps)], initial: { bound } },
      { name: `${index}.bias`, shape: [channels], initial: { bound } },
    ]
  })
  requireSizes('convolution', Object.fromEntries(shape.map((size, axis) => [`output size ${axis}`, size])))
  return { tensors, input, output: flatten === true ? [shape.reduce((product, size) => product * size, 1)] : shape }
}

/** x [batch, ...input] → [batch, channels, ...positions], or [batch, channels · positions]. */
export function convolve(spec: ConvolutionSpec, parameters: NamedValues, x: Value): Value {
  const activate = ACTIVATIONS[spec.activation]
  let value = x
  for (const [index, { channels, stride = 1, padding = 0 }] of spec.layers.entries()) {
    const taps = graph.convolve(value, parameters.get(`${index}.weight`), { stride, padding })
    const bias = graph.reshape(parameters.get(`${index}.bias`), [channels, ...value.shape.slice(2).map(() => 1)])
    value = activate(graph.add(taps, bias))
  }
  if (spec.flatten !== true) return value
  const [batch = 0, ...rest] = value.shape
  return graph.reshape(value, [batch, graph.elementCount(rest)])
}
