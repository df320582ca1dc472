/**
 * SHA-256 (FIPS 180-4, section 6.2) of a text in UTF-8, as 64 hexadecimal digits. Recipes and tasks are bundled into
 * workflows, where node:crypto is not there; everything else hashes with that.
 */
export function sha256(text: string): string {
  const bytes = padded(new TextEncoder().encode(text))
  const words = new DataView(bytes.buffer)
  const state = Uint32Array.from(initial)
  const schedule = new Uint32Array(64)
  for (let from = 0; from < bytes.length; from += 64) {
    for (let index = 0; index < 16; index++) schedule[index] = words.getUint32(from + 4 * index)
    compress(state, schedule)
  }
  return [...state].map((word) => word.toString(16).padStart(8, '0')).join('')
}

/** The first 32 bits behind the point of √p (state) and ∛p (rounds) of the first primes. */
const primes = Array.from({ length: 312 }, (_, n) => n).filter((n) => n > 1 && smallestFactor(n) === n)
const fractionBits = (value: number): number => Math.floor((value % 1) * 0x100000000)
const initial = primes.slice(0, 8).map((prime) => fractionBits(Math.sqrt(prime)))
const roundConstants = Uint32Array.from(primes.slice(0, 64), (prime) => fractionBits(Math.cbrt(prime)))

function smallestFactor(n: number): number {
  for (let factor = 2; factor * factor <= n; factor++) if (n % factor === 0) return factor
  return n
}

/** The message, a 1, zeros, and its length in bits, in whole blocks of 64 bytes. */
function padded(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64)
  bytes.set(message)
  bytes[message.length] = 0x80
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(message.length) * 8n)
  return bytes
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

function compress(state: Uint32Array, schedule: Uint32Array): void {
  for (let index = 16; index < 64; index++) {
    const [early, late] = [schedule[index - 15]!, schedule[index - 2]!]
    const low = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)
    const high = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10)
    schedule[index] = schedule[index - 16]! + low + schedule[index - 7]! + high
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let index = 0; index < 64; index++) {
    const chosen = (e & f) ^ (~e & g)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const one =
      (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + chosen + roundConstants[index]! + schedule[index]!) | 0
    const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0
    ;[a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g]
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index]! += word
}
