/** The block formats of ggml (https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h), decoded to float32. */

export interface BlockFormat {
  readonly name: string
  /** Elements and bytes of a block. */
  readonly elements: number
  readonly bytes: number
  /** Decodes the block at byte `at` into `out`, from element `to` on. */
  readonly decode: (view: DataView, at: number, out: Float32Array, to: number) => void
}

/** What safetensors files hold too. */
export const F32: BlockFormat = {
  name: 'F32',
  elements: 1,
  bytes: 4,
  decode: (view, at, out, to) => (out[to] = view.getFloat32(at, true)),
}
export const F16: BlockFormat = {
  name: 'F16',
  elements: 1,
  bytes: 2,
  decode: (view, at, out, to) => (out[to] = half(view, at)),
}
export const BF16: BlockFormat = { name: 'BF16', elements: 1, bytes: 2, decode: decodeBF16 }

/** By the type code of a GGUF file. */
export const blockFormats: ReadonlyMap<number, BlockFormat> = new Map<number, BlockFormat>([
  [0, F32],
  [1, F16],
  [2, { name: 'Q4_0', elements: 32, bytes: 18, decode: decodeQ4_0 }],
  [3, { name: 'Q4_1', elements: 32, bytes: 20, decode: decodeQ4_1 }],
  [8, { name: 'Q8_0', elements: 32, bytes: 34, decode: decodeQ8_0 }],
  [12, { name: 'Q4_K', elements: 256, bytes: 144, decode: decodeQ4_K }],
  [14, { name: 'Q6_K', elements: 256, bytes: 210, decode: decodeQ6_K }],
  [30, BF16],
])

/** `bytes` must hold exactly the blocks of `elements`, as readGguf makes sure. */
export function dequantise(format: BlockFormat, bytes: Uint8Array, elements: number): Float32Array {
  const out = new Float32Array(elements)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let to = 0, at = 0; to < elements; to += format.elements, at += format.bytes) format.decode(view, at, out, to)
  return out
}

/** IEEE 754 binary16 by its 65,536 bit patterns. */
const halves = Float32Array.from({ length: 1 << 16 }, (_, bits) => {
  const sign = bits >> 15 === 0 ? 1 : -1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
})

/** The float32 with these upper 16 bits, and zeros below. */
const upperHalves = new Float32Array(Uint32Array.from({ length: 1 << 16 }, (_, bits) => bits << 16).buffer)

function half(view: DataView, at: number): number {
  return halves[view.getUint16(at, true)] ?? Number.NaN
}

function decodeBF16(view: DataView, at: number, out: Float32Array, to: number): void {
  out[to] = upperHalves[view.getUint16(at, true)] ?? Number.NaN
}

/** scale · (q - 8); a byte holds elements i and i + 16. */
function decodeQ4_0(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = half(view, at)
  for (let index = 0; index < 16; index++) {
    const byte = view.getUint8(at + 2 + index)
    out[to + index] = scale * ((byte & 15) - 8)
    out[to + index + 16] = scale * ((byte >> 4) - 8)
  }
}

/** scale · q + least. */
function decodeQ4_1(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = half(view, at)
  const least = half(view, at + 2)
  for (let index = 0; index < 16; index++) {
    const byte = view.getUint8(at + 4 + index)
    out[to + index] = scale * (byte & 15) + least
    out[to + index + 16] = scale * (byte >> 4) + least
  }
}

function decodeQ8_0(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = half(view, at)
  for (let index = 0; index < 32; index++) out[to + index] = scale * view.getInt8(at + 2 + index)
}

/**
 * Eight sub-blocks of 32 with scale · s · q - offset · m. The 6-bit s and m lie in 12 bytes: those of the first four in the low bits
 * of bytes 0–3 and 4–7, of the last four in the nibbles of bytes 8–11 and the two high bits of bytes 0–7.
 */
function decodeQ4_K(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = half(view, at)
  const offset = half(view, at + 2)
  const packed = (index: number): number => view.getUint8(at + 4 + index)
  for (let block = 0; block < 8; block++) {
    const s = block < 4 ? packed(block) & 63 : (packed(block + 4) & 15) | ((packed(block - 4) >> 6) << 4)
    const m = block < 4 ? packed(block + 4) & 63 : (packed(block + 4) >> 4) | ((packed(block) >> 6) << 4)
    const shift = 4 * (block % 2)
    for (let index = 0; index < 32; index++) {
      const q = (view.getUint8(at + 16 + 32 * (block >> 1) + index) >> shift) & 15
      out[to + 32 * block + index] = scale * s * q - offset * m
    }
  }
}

/** Sixteen sub-blocks of 16 with scale · s · (q - 32): four low bits of q in bytes 0–127, two high ones in 128–191, s in 192–207. */
function decodeQ6_K(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = half(view, at + 208)
  for (let index = 0; index < 256; index++) {
    const [part, within] = [index >> 7, index & 127]
    const low = (view.getUint8(at + 64 * part + (within & 63)) >> (4 * (within >> 6))) & 15
    const high = (view.getUint8(at + 128 + 32 * part + (within & 31)) >> (2 * (within >> 5))) & 3
    out[to + index] = scale * view.getInt8(at + 192 + (index >> 4)) * ((low | (high << 4)) - 32)
  }
}
