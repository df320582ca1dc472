/** Convolution in any number of spatial dimensions; channels come second, as in PyTorch and ONNX. */
import { emitOne, record, type Value } from '../graph.ts'
import type { Convolution } from '../operation.ts'
import { fixedSize, GraphError } from '../types.ts'
import { requireFloat } from './elementwise.ts'

/** Numbers hold for every spatial axis. */
export interface ConvolutionOptions {
  readonly stride?: number
  readonly dilation?: number
  /** Zeros on both sides. */
  readonly padding?: number
}

/**
 * Σ over input channels and taps of w · x. x [batch, in, ...sizes], w [out, in, ...taps] → [batch, out, ...positions], with
 * positions = ⌊(size + 2 · padding - dilation · (taps - 1) - 1) / stride⌋ + 1. Sizes are fixed.
 */
export function convolve(x: Value, weight: Value, options: ConvolutionOptions = {}): Value {
  const { stride = 1, dilation = 1, padding = 0 } = options
  const spatial = x.shape.slice(2)
  return convolution(x, weight, {
    strides: spatial.map(() => stride),
    dilations: spatial.map(() => dilation),
    padding: spatial.map(() => [padding, padding] as const),
  })
}

/** convolve() with settings for each axis. */
export function convolution(x: Value, weight: Value, settings: Convolution): Value {
  requireFloat('convolve', x, weight)
  const fail = (why: string): never => {
    throw new GraphError(`convolve: ${x.toString()} and weight ${weight.toString()}: ${why}`)
  }
  const { strides, dilations, padding } = settings
  if (x.shape.length < 3 || weight.shape.length !== x.shape.length) fail('ranks must be equal and at least 3')
  if (x.shape[1] !== weight.shape[1]) fail('the input channels differ')
  for (const count of [...strides, ...dilations]) {
    if (!Number.isInteger(count) || count < 1) fail(`stride and dilation must be positive integers, got ${count}`)
  }
  for (const count of padding.flat()) {
    if (!Number.isInteger(count) || count < 0) fail(`padding must be a whole number, got ${count}`)
  }
  const positions = strides.map((stride, index) => {
    const [before, after] = padding[index] ?? [0, 0]
    const reach = (dilations[index] ?? 1) * (fixedSize('convolve', weight, index + 2) - 1)
    const count = Math.floor((fixedSize('convolve', x, index + 2) + before + after - reach - 1) / stride) + 1
    return count > 0 ? count : fail(`axis ${index + 2} is shorter than the taps`)
  })
  const shape = [fixedSize('convolve', x, 0), fixedSize('convolve', weight, 0), ...positions]
  const result = emitOne('Conv', [x, weight], 'float32', shape, convolutionAttributes(settings))
  return record(result, { op: 'convolve', inputs: [x, weight], attributes: settings })
}

/** The attributes of ONNX's Conv and ConvTranspose. */
export function convolutionAttributes({ strides, dilations, padding }: Convolution) {
  const pads = [...padding.map(([before]) => before), ...padding.map(([, after]) => after)]
  return { strides: { ints: strides }, dilations: { ints: dilations }, pads: { ints: pads } }
}
