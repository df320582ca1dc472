/**
 * The GGUF container (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions 2 and 3, little-endian: metadata, a table
 * of tensors, then their data. Files are treated as hostile: every length and offset is checked before it is used.
 */
import { blockFormats, dequantise } from './quantisation.ts'

export type GgufValue = string | number | boolean | readonly GgufValue[]

export interface GgufTensor {
  readonly name: string
  /** Row-major: outermost size first, the reverse of the file's order. */
  readonly shape: readonly number[]
  /** The name of a block format, such as Q4_1. */
  readonly type: string
  /** The elements in float32, decoded at each call. */
  readonly decode: () => Float32Array
}

export interface GgufFile {
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

/** Bytes that are not a GGUF file, or one with contents that this library does not read. */
export class GgufError extends Error {
  override readonly name = 'GgufError'
}

const MAGIC = 0x46_55_47_47
const VERSIONS = [2, 3]
const LARGEST_RANK = 4
const LARGEST_STRING = 1 << 24
const DEEPEST_ARRAY = 4
const ALIGNMENT = 32
const LARGEST_ALIGNMENT = 1 << 20
/** The codes of metadata types that are not numbers, and the fewest bytes that a value of each type takes. */
const [BOOL, STRING, ARRAY] = [7, 8, 9]
const LEAST_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8]

/** Throws GgufError; `source` names the file in the message. The tensors read from `bytes` when they are decoded. */
export function readGguf(bytes: Uint8Array, source: string): GgufFile {
  const reader = new Reader(bytes, source)
  if (reader.unsigned32('the magic number') !== MAGIC) reader.fail('this is no GGUF file')
  const version = reader.unsigned32('the version')
  if (!VERSIONS.includes(version)) reader.fail(`version ${version} is not read; convert it to version 3`)
  const tensorCount = reader.count('the number of tensors', LEAST_BYTES[STRING])
  const pairs = reader.count('the number of metadata entries', LEAST_BYTES[ARRAY])
  const metadata = new Map<string, GgufValue>()
  for (let index = 0; index < pairs; index++) {
    const key = reader.string(`the key of metadata entry ${index}`)
    if (metadata.has(key)) reader.fail(`metadata entry ${key} occurs twice`)
    metadata.set(key, reader.value(reader.unsigned32(key), key, 0))
  }
  const entries = Array.from({ length: tensorCount }, (_, index) => readEntry(reader, index))
  const alignment = metadata.get('general.alignment') ?? ALIGNMENT
  if (typeof alignment !== 'number' || !isPowerOfTwo(alignment) || alignment > LARGEST_ALIGNMENT) {
    return reader.fail(`general.alignment is ${String(alignment)}, not a power of two of at most ${LARGEST_ALIGNMENT}`)
  }
  const dataStart = Math.ceil(reader.position / alignment) * alignment
  const tensors = new Map<string, GgufTensor>()
  for (const { name, shape, format, elements, offset } of entries) {
    if (tensors.has(name)) reader.fail(`tensor ${name} occurs twice`)
    if (offset % alignment !== 0) reader.fail(`tensor ${name} begins at ${offset}, no multiple of ${alignment}`)
    const start = dataStart + offset
    const end = start + (elements / format.elements) * format.bytes
    if (end > bytes.length) reader.fail(`the data of tensor ${name} ends at byte ${end}, the file at ${bytes.length}`)
    const decode = (): Float32Array => dequantise(format, bytes.subarray(start, end), elements)
    tensors.set(name, { name, shape, type: format.name, decode })
  }
  return { metadata, tensors }
}

function readEntry(reader: Reader, index: number) {
  const name = reader.string(`the name of tensor ${index}`)
  const rank = reader.unsigned32(`the rank of ${name}`)
  if (rank > LARGEST_RANK) reader.fail(`tensor ${name} has ${rank} axes, at most ${LARGEST_RANK} are read`)
  const sizes = Array.from({ length: rank }, () => reader.natural(`a size of ${name}`))
  const elements = sizes.reduce((product, size) => product * size, 1)
  const code = reader.unsigned32(`the type of ${name}`)
  const format = blockFormats.get(code)
  if (format === undefined) {
    const known = [...blockFormats.values()].map((known) => known.name).join(', ')
    return reader.fail(`tensor ${name} has type ${code}; convert the file to one of ${known}`)
  }
  if (!Number.isSafeInteger(elements)) reader.fail(`tensor ${name} has too many elements`)
  if ((sizes[0] ?? 1) % format.elements !== 0) {
    reader.fail(`tensor ${name} has rows of ${sizes[0] ?? 1}, no multiple of ${format.name}'s ${format.elements}`)
  }
  return { name, shape: sizes.toReversed(), format, elements, offset: reader.natural(`the offset of ${name}`) }
}

/** Reads forward; what would lie behind the end is an error that says what was looked for. */
class Reader {
  position = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #source: string

  constructor(bytes: Uint8Array, source: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#source = source
  }

  fail(message: string): never {
    throw new GgufError(`${this.#source}: ${message}`)
  }

  unsigned32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true)
  }

  /** An unsigned 64-bit integer that a double holds exactly. */
  natural(what: string): number {
    const value = this.#view.getBigUint64(this.#take(8, what), true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`${what} is ${value}, which is too large`)
    return Number(value)
  }

  /** A number of things that take at least so many bytes each: more than the file can hold is an error before memory is reserved. */
  count(what: string, leastBytes = 1): number {
    const value = this.natural(what)
    if (value * leastBytes > this.#bytes.length - this.position) this.fail(`${what} is ${value}: the file is too short`)
    return value
  }

  string(what: string): string {
    const length = this.count(what)
    if (length > LARGEST_STRING) this.fail(`${what} has ${length} bytes, at most ${LARGEST_STRING} are read`)
    const start = this.#take(length, what)
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length))
  }

  value(type: number, what: string, depth: number): GgufValue {
    if (type === STRING) return this.string(what)
    if (type === ARRAY) {
      if (depth === DEEPEST_ARRAY) this.fail(`${what} nests arrays deeper than ${DEEPEST_ARRAY}`)
      const inner = this.unsigned32(what)
      const length = this.count(`the length of ${what}`, LEAST_BYTES[inner])
      return Array.from({ length }, () => this.value(inner, what, depth + 1))
    }
    const bytes = LEAST_BYTES[type]
    if (bytes === undefined) return this.fail(`${what} has the unknown type ${type}`)
    const at = this.#take(bytes, what)
    return type === BOOL ? this.#view.getUint8(at) !== 0 : number(this.#view, type, at)
  }

  #take(length: number, what: string): number {
    if (length > this.#bytes.length - this.position) this.fail(`the file ends inside ${what}`)
    const start = this.position
    this.position += length
    return start
  }
}

/** By type code: uint8, int8, uint16, int16, uint32, int32, float32, …, uint64, int64, float64. */
function number(view: DataView, type: number, at: number): number {
  switch (type) {
    case 0:
      return view.getUint8(at)
    case 1:
      return view.getInt8(at)
    case 2:
      return view.getUint16(at, true)
    case 3:
      return view.getInt16(at, true)
    case 4:
      return view.getUint32(at, true)
    case 5:
      return view.getInt32(at, true)
    case 6:
      return view.getFloat32(at, true)
    case 10:
      return Number(view.getBigUint64(at, true))
    case 11:
      return Number(view.getBigInt64(at, true))
    default:
      return view.getFloat64(at, true)
  }
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value))
}
