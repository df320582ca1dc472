/**
 * The safetensors format (https://github.com/huggingface/safetensors): an 8-byte header length, a JSON header, then the raw
 * tensors. Files are treated as hostile: every length and offset is checked before it is used.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { BF16, type BlockFormat, dequantise, F16, F32 } from './quantisation.ts'

export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, NamedTensor>
  readonly metadata: Readonly<Record<string, string>>
}

/** Bytes that are not a safetensors file, or one with contents that this library does not read. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError'
}

const LENGTH_BYTES = 8
/** The limit of the reference implementation. */
const LARGEST_HEADER = 100_000_000
const ALIGNMENT = 8
/** Of one call that reads a file: the system takes no more than 2 GiB. */
const LARGEST_READ = 2 ** 30
const FORMATS: ReadonlyMap<unknown, BlockFormat> = new Map([F32, F16, BF16].map((format) => [format.name, format]))

/** The same tensors and metadata give the same bytes, whatever the order of the metadata's keys. */
export function writeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const keys = Object.keys(metadata).sort()
  const header: [string, unknown][] =
    keys.length === 0 ? [] : [['__metadata__', Object.fromEntries(keys.map((key) => [key, metadata[key]]))]]
  const names = new Set<string>(['__metadata__'])
  let offset = 0
  for (const { name, shape, data } of tensors) {
    if (names.has(name)) throw new SafetensorsError(`tensor name ${name} is taken`)
    if (count(shape) !== data.length)
      throw new SafetensorsError(`${name}: shape [${shape.join(', ')}] has not ${data.length} elements`)
    names.add(name)
    const end = offset + data.byteLength
    header.push([name, { dtype: 'F32', shape, data_offsets: [offset, end] }])
    offset = end
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)))
  const headerLength = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT
  const bytes = Buffer.alloc(LENGTH_BYTES + headerLength + offset, ' ')
  bytes.writeBigUInt64LE(BigInt(headerLength), 0)
  json.copy(bytes, LENGTH_BYTES)
  let at = LENGTH_BYTES + headerLength
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return bytes
}

/** Tensors in float32, whatever the type that they are stored in. Throws SafetensorsError; `source` names the file in the message. */
export function readSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  const headerEnd = headerEndOf(bytes, bytes.length, source)
  const { places, metadata } = readHeader(bytes.subarray(LENGTH_BYTES, headerEnd), bytes.length - headerEnd, source)
  // Not bytes.subarray: slice() of a Buffer, unlike that of a Uint8Array, would not copy.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + headerEnd, bytes.length - headerEnd)
  const tensors = new Map<string, NamedTensor>()
  for (const [name, place] of places) {
    // A copy: the file's offset need not be aligned for Float32Array, and the caller may drop the file.
    tensors.set(name, { name, shape: place.shape, data: decode(place, data.slice(place.start, place.end)) })
  }
  return { tensors, metadata }
}

/** Where the tensors of a file lie, in bytes from its beginning; the tensors themselves are not read. Throws SafetensorsError. */
export async function locateTensors(path: string): Promise<ReadonlyMap<string, TensorPlace>> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LENGTH_BYTES), 0, LENGTH_BYTES, 0)
    const headerEnd = headerEndOf(buffer.subarray(0, bytesRead), size, path)
    const header = Buffer.alloc(headerEnd - LENGTH_BYTES)
    await file.read(header, 0, header.length, LENGTH_BYTES)
    const { places } = readHeader(header, size - headerEnd, path)
    const moved = [...places].map(([name, place]): [string, TensorPlace] => [
      name,
      { ...place, start: headerEnd + place.start, end: headerEnd + place.end },
    ])
    return new Map(moved)
  } finally {
    await file.close()
  }
}

/** A tensor that locateTensors found, in float32. */
export async function readTensor(file: FileHandle, place: TensorPlace): Promise<Float32Array> {
  const bytes = new Uint8Array(place.end - place.start)
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(bytes.length - done, LARGEST_READ)
    const { bytesRead } = await file.read(bytes, done, length, place.start + done)
    if (bytesRead === 0) throw new SafetensorsError('the file became shorter while it was read')
    done += bytesRead
  }
  return decode(place, bytes)
}

/** `bytes` are those of the tensor, alone in their buffer. */
function decode({ format, shape }: TensorPlace, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  return format === F32 ? new Float32Array(bytes.buffer) : dequantise(format, bytes, count(shape))
}

export interface TensorPlace {
  readonly format: BlockFormat
  readonly shape: readonly number[]
  /** Bytes [start, end). */
  readonly start: number
  readonly end: number
}

/** Where the header ends, from the first bytes of a file and its size. */
function headerEndOf(bytes: Uint8Array, fileSize: number, source: string): number {
  if (bytes.length < LENGTH_BYTES) throw new SafetensorsError(`${source}: too short for a header`)
  const declared = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true)
  if (declared > BigInt(Math.min(LARGEST_HEADER, fileSize - LENGTH_BYTES))) {
    throw new SafetensorsError(`${source}: header length ${declared} is too large`)
  }
  return LENGTH_BYTES + Number(declared)
}

/** Places in the `size` bytes behind the header, which they fill without a hole. */
function readHeader(
  bytes: Uint8Array,
  size: number,
  source: string,
): { places: Map<string, TensorPlace>; metadata: Record<string, string> } {
  const fail = (message: string): never => {
    throw new SafetensorsError(`${source}: ${message}`)
  }
  const places = new Map<string, TensorPlace>()
  const ranges: [number, number][] = []
  let metadata: Record<string, string> = {}
  for (const [name, entry] of Object.entries(parseHeader(bytes, fail))) {
    if (name === '__metadata__') {
      metadata = parseMetadata(entry, fail)
      continue
    }
    const place = parseEntry(name, entry, size, fail)
    ranges.push([place.start, place.end])
    places.set(name, place)
  }
  let covered = 0
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (start !== covered) fail(`tensor data overlaps or leaves a hole at byte ${Math.min(start, covered)}`)
    covered = end
  }
  if (covered !== size) fail(`${size - covered} bytes after the last tensor`)
  return { places, metadata }
}

type Fail = (message: string) => never

function parseHeader(bytes: Uint8Array, fail: Fail): object {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return fail('the header is not JSON')
  }
  return isObject(header) ? header : fail('the header is not an object')
}

function parseMetadata(entry: unknown, fail: Fail): Record<string, string> {
  if (!isObject(entry)) return fail('__metadata__ is not an object')
  const pairs: [string, string][] = []
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') return fail(`__metadata__.${key} is not a text`)
    pairs.push([key, value])
  }
  return Object.fromEntries(pairs)
}

function parseEntry(name: string, entry: unknown, available: number, fail: Fail): TensorPlace {
  if (!isObject(entry)) return fail(`${name} is not an object`)
  const fields = new Map<string, unknown>(Object.entries(entry))
  const dtype = fields.get('dtype')
  const format = FORMATS.get(dtype)
  if (format === undefined) {
    return fail(`${name} has type ${JSON.stringify(dtype)}; only ${[...FORMATS.keys()].join(', ')} are read`)
  }
  const shape = naturals(fields.get('shape'))
  const offsets = naturals(fields.get('data_offsets'))
  if (shape === null) return fail(`${name} has no valid shape`)
  const [start, end] = offsets ?? []
  if (offsets?.length !== 2 || start === undefined || end === undefined || start > end || end > available) {
    return fail(`${name} has data offsets outside the file`)
  }
  if (count(shape) * format.bytes !== end - start) {
    return fail(`${name}: shape [${shape.join(', ')}] does not fill bytes ${start} to ${end}`)
  }
  return { format, shape, start, end }
}

function naturals(value: unknown): number[] | null {
  if (!Array.isArray(value)) return null
  const numbers: number[] = []
  for (const element of value) {
    if (typeof element !== 'number' || !Number.isSafeInteger(element) || element < 0) return null
    numbers.push(element)
  }
  return numbers
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1)
}
