/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011):
 * the output is a function of (key, counter), so any number can be drawn without drawing those before it.
 */
import { createHash } from 'node:crypto'

const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85
const ROUNDS = 10

export type Block = readonly [number, number, number, number]

/** Four 32-bit words from a 128-bit counter and a 64-bit key, all as unsigned 32-bit words. */
export function philox(counter: Block, key: readonly [number, number]): Block {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0)
    const high1 = multiplyHigh(MULTIPLIER_1, c2)
    const low0 = Math.imul(MULTIPLIER_0, c0)
    const low1 = Math.imul(MULTIPLIER_1, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }
  return [c0, c1, c2, c3]
}

/** `count` standard normal numbers named by a text (Box-Muller on pairs of words). */
export function normals(name: string, count: number): Float32Array {
  return fill(name, count, ([a, b, c, d]) => [...boxMuller(a, b), ...boxMuller(c, d)])
}

/** `count` numbers in (0, 1) named by a text. */
export function uniforms(name: string, count: number): Float32Array {
  return fill(name, count, (words) => words.map((word) => ((word >>> 8) + 0.5) / 2 ** 24))
}

function fill(name: string, count: number, numbers: (block: Block) => readonly number[]): Float32Array {
  const digest = createHash('sha256').update(name).digest()
  const key: [number, number] = [digest.readUInt32LE(0), digest.readUInt32LE(4)]
  const result = new Float32Array(count)
  for (let block = 0; 4 * block < count; block++) {
    result.set(numbers(philox([block, 0, 0, 0], key)).slice(0, count - 4 * block), 4 * block)
  }
  return result
}

function boxMuller(a: number, b: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log((a + 0.5) / 2 ** 32))
  const angle = 2 * Math.PI * ((b + 0.5) / 2 ** 32)
  return [radius * Math.cos(angle), radius * Math.sin(angle)]
}

/** The high 32 bits of a 64-bit product, from 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000)
  const carry = aLow * bHigh + (middle & 0xffff)
  // middle < 2^32, so that its low half is taken with & and its high half by division.
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0
}
