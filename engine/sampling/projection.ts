/** Products with the weights of a stored model, in float32 or with 8-bit weights. */
import type { Value } from '../graph/index.ts'
import { emitOne } from '../graph/graph.ts'
import { fixedDimension } from '../graph/types.ts'
import type { DecoderParameters, StoredParameters } from '../models/parameters.ts'

export type Precision = 'float32' | 'int8'

/** Weights of a block share a scale, and so do activations, whose rounding costs most: docs/performance.md has other sizes. */
export const BLOCK = 16
/** The unsigned code of 0. */
const ZERO = 128

/** The same parameters, multiplied by in that precision. */
export function withPrecision(parameters: StoredParameters, precision: Precision): DecoderParameters {
  if (precision === 'float32') return parameters
  return {
    get: (name) => parameters.get(name),
    project: (x, name) => quantisedProduct(x, parameters, name),
  }
}

/** ONNX Runtime's MatMulNBits; accuracy level 4 rounds the activations of each block to 8 bits too, and multiplies integers. */
function quantisedProduct(x: Value, parameters: StoredParameters, name: string): Value {
  const { shape, elements } = parameters.data(name)
  const [outputs = 0, inputs = 0] = shape
  const { codes, scales } = quantise(elements, inputs)
  const blocks = Math.ceil(inputs / BLOCK)
  const graph = x.graph.root
  const weight = graph.stored(`${name}.codes`, 'uint8', [outputs, blocks, BLOCK], codes)
  const scale = graph.stored(`${name}.scales`, 'float32', [outputs, blocks], new Uint8Array(scales.buffer))
  const attributes = {
    K: { int: inputs },
    N: { int: outputs },
    bits: { int: 8 },
    block_size: { int: BLOCK },
    accuracy_level: { int: 4 },
  }
  const result = [fixedDimension(x.shape, 0), outputs]
  return emitOne('MatMulNBits', [x, weight, scale], 'float32', result, attributes, 'com.microsoft')
}

/**
 * Symmetric 8-bit codes of rows of `inputs` elements, block by block: w ≈ scale · (code - 128), scale = max |w| / 127.
 * The last block of a row is filled up with zeros.
 */
export function quantise(elements: Float32Array, inputs: number): { codes: Uint8Array; scales: Float32Array } {
  const blocks = Math.ceil(inputs / BLOCK)
  const rows = elements.length / inputs
  const codes = new Uint8Array(rows * blocks * BLOCK).fill(ZERO)
  const scales = new Float32Array(rows * blocks)
  for (let index = 0; index < scales.length; index++) {
    const [row, block] = [Math.floor(index / blocks), index % blocks]
    const from = row * inputs + block * BLOCK
    const count = Math.min(BLOCK, inputs - block * BLOCK)
    let largest = 0
    for (let at = from; at < from + count; at++) largest = Math.max(largest, Math.abs(elements[at] ?? 0))
    const scale = Math.fround(largest / 127)
    scales[index] = scale
    if (scale === 0) continue
    for (let at = 0; at < count; at++) codes[index * BLOCK + at] = ZERO + Math.round((elements[from + at] ?? 0) / scale)
  }
  return { codes, scales }
}
