/** Small networks: what they have in common, and their description as plain data, which can be stored and sent. */
import type { Value } from '../graph/index.ts'
import { uniforms } from '../random/philox.ts'
import { type ConvolutionSpec, convolutionTensors, convolve } from './convolution.ts'
import { type GruSpec, gru, gruTensors } from './gru.ts'
import { type NamedValues, type NetworkDescription, within } from './layers.ts'
import { type ParameterLayout, parameterLayout } from './layout.ts'
import { ModelConfigError } from './llama.ts'
import { mlp, type MlpSpec, mlpTensors } from './mlp.ts'

/** Networks of which each takes what the one before it gives. */
export interface SequenceSpec {
  readonly kind: 'sequence'
  readonly parts: readonly NetworkSpec[]
}

export type NetworkSpec = MlpSpec | ConvolutionSpec | GruSpec | SequenceSpec

export interface Network {
  readonly spec: NetworkSpec
  readonly layout: ParameterLayout
  /** Sizes of one row, without the batch. */
  readonly input: readonly number[]
  readonly output: readonly number[]
  /** x [batch, ...input] → [batch, ...output]. */
  forward(parameters: NamedValues, x: Value): Value
  /** Initial parameters in the order of the layout, as PyTorch's layers draw theirs; a function of (spec, seed) alone. */
  initialise(seed: string): Float32Array
}

/** Throws ModelConfigError for sizes that are no positive integers or do not fit together. */
export function network(spec: NetworkSpec): Network {
  const { tensors, input, output } = describeNetwork(spec)
  const layout = parameterLayout(tensors)
  return {
    spec,
    layout,
    input,
    output,
    forward: (parameters, x) => forward(spec, parameters, x),
    initialise: (seed) => {
      const weights = new Float32Array(layout.size)
      for (const { name, offset, size } of layout.parameters) {
        const initial = tensors.find((tensor) => tensor.name === name)?.initial ?? { fill: 0 }
        const values =
          'fill' in initial
            ? new Float32Array(size).fill(initial.fill)
            : uniforms(`${seed}/${name}`, size).map((uniform) => (2 * uniform - 1) * initial.bound)
        weights.set(values, offset)
      }
      return weights
    },
  }
}

function describeNetwork(spec: NetworkSpec): NetworkDescription {
  switch (spec.kind) {
    case 'mlp':
      return mlpTensors(spec)
    case 'convolution':
      return convolutionTensors(spec)
    case 'gru':
      return gruTensors(spec)
    case 'sequence':
      return sequenceTensors(spec)
  }
}

function forward(spec: NetworkSpec, parameters: NamedValues, x: Value): Value {
  switch (spec.kind) {
    case 'mlp':
      return mlp(spec, parameters, x)
    case 'convolution':
      return convolve(spec, parameters, x)
    case 'gru':
      return gru(spec, parameters, x)
    case 'sequence':
      return spec.parts.reduce((value, part, index) => forward(part, within(parameters, String(index)), value), x)
  }
}

function sequenceTensors({ parts }: SequenceSpec): NetworkDescription {
  const described = parts.map(describeNetwork)
  const [first] = described
  const last = described.at(-1)
  if (first === undefined || last === undefined) throw new ModelConfigError('a sequence of networks has no parts')
  for (const [index, { input }] of described.entries()) {
    const before = described[index - 1]?.output ?? input
    if (before.join() !== input.join()) {
      throw new ModelConfigError(
        `part ${index} takes [${input.join(', ')}], part ${index - 1} gives [${before.join(', ')}]`,
      )
    }
  }
  const tensors = described.flatMap((part, index) =>
    part.tensors.map((tensor) => ({ ...tensor, name: `${index}.${tensor.name}` })),
  )
  return { tensors, input: first.input, output: last.output }
}
