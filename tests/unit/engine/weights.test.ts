/** Weights files: round trips, hostile bytes, and a store that never shows half a file. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  decodeCheckpoint,
  decodeWeights,
  encodeCheckpoint,
  encodeWeights,
  readSafetensors,
  readStoredWeights,
  storeWeights,
  writeSafetensors,
} from '../../../engine/index.ts'
import { MODEL, thrownBy, WEIGHTS } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'sparring-weights-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A file with this header, given as text or as an object, and so many data bytes. */
function file(header: unknown, dataBytes: number, declared?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(declared ?? BigInt(json.length))
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)])
}

const tensor = (changes: object = {}): object => ({ dtype: 'F32', shape: [2], data_offsets: [0, 8], ...changes })

describe('safetensors', () => {
  it('round-trips tensors and metadata, aligned or not, from Buffers and plain arrays', () => {
    const tensors = [
      { name: 'a', shape: [2, 1], data: Float32Array.of(1, -2.5) },
      { name: 'empty', shape: [0, 3], data: new Float32Array(0) },
      { name: 'scalar', shape: [], data: Float32Array.of(7) },
    ]
    const bytes = writeSafetensors(tensors, { z: '1', a: 'ü' })
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    for (const form of [bytes, new Uint8Array(bytes), shifted.subarray(3), Buffer.from(shifted.buffer, 3)]) {
      const read = readSafetensors(form, 'file')
      expect([...read.tensors.values()]).toEqual(tensors)
      expect(read.metadata).toEqual({ a: 'ü', z: '1' })
    }
    expect(writeSafetensors(tensors, { a: 'ü', z: '1' })).toEqual(bytes)
  })

  it('reads halves and brain floats as float32', () => {
    const header = Buffer.from(
      JSON.stringify({
        half: { dtype: 'F16', shape: [3], data_offsets: [0, 6] },
        brain: { dtype: 'BF16', shape: [2, 1], data_offsets: [6, 10] },
      }),
    )
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    const data = Buffer.from([0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x80, 0x3f, 0x49, 0xc0])
    const { tensors } = readSafetensors(Buffer.concat([length, header, data]), 'file')
    expect([...(tensors.get('half')?.data ?? [])]).toEqual([1, -2, 2 ** -24])
    expect([...(tensors.get('brain')?.data ?? [])]).toEqual([1, -3.140625])
  })

  it.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), 'too short for a header'],
    ['a huge header', file({}, 0, 2n ** 63n), 'header length 9223372036854775808 is too large'],
    ['a header beyond the end', file({}, 0, 3n), 'header length 3 is too large'],
    ['no JSON', file('{"a":', 0), 'the header is not JSON'],
    ['a list', file([], 0), 'the header is not an object'],
    ['no tensor object', file({ a: 3 }, 0), 'a is not an object'],
    ['another type', file({ a: tensor({ dtype: 'I64' }) }, 8), 'a has type "I64"; only F32, F16, BF16 are read'],
    ['a negative size', file({ a: tensor({ shape: [-2] }) }, 8), 'a has no valid shape'],
    ['a fraction', file({ a: tensor({ shape: [0.5] }) }, 8), 'a has no valid shape'],
    [
      'offsets outside',
      file({ a: tensor({ data_offsets: [0, 16], shape: [4] }) }, 8),
      'a has data offsets outside the file',
    ],
    ['offsets backwards', file({ a: tensor({ data_offsets: [8, 0] }) }, 8), 'a has data offsets outside the file'],
    ['three offsets', file({ a: tensor({ data_offsets: [0, 8, 8] }) }, 8), 'a has data offsets outside the file'],
    ['a wrong shape', file({ a: tensor({ shape: [3] }) }, 8), 'a: shape [3] does not fill bytes 0 to 8'],
    [
      'an overflowing shape',
      file({ a: tensor({ shape: [2 ** 40, 2 ** 40] }) }, 8),
      'a: shape [1099511627776, 1099511627776] does not fill bytes 0 to 8',
    ],
    ['an overlap', file({ a: tensor(), b: tensor() }, 8), 'tensor data overlaps or leaves a hole at byte 0'],
    [
      'a hole',
      file({ a: tensor(), b: tensor({ data_offsets: [12, 20] }) }, 20),
      'tensor data overlaps or leaves a hole at byte 8',
    ],
    ['bytes at the end', file({ a: tensor() }, 9), '1 bytes after the last tensor'],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }, 0), '__metadata__.a is not a text'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'evil')).toThrow(
      expect.objectContaining({ name: 'SafetensorsError', message: `evil: ${message}` }),
    )
  })

  it('answers any damage with SafetensorsError or other numbers, never otherwise', () => {
    const good = writeSafetensors([{ name: 'a', shape: [3], data: Float32Array.of(1, 2, 3) }], { k: 'v' })
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    const property = fc.property(damage, fc.nat(good.length), (changes, length) => {
      const bytes = Uint8Array.from(good.subarray(0, length))
      for (const [at, value] of changes) if (at < length) bytes[at] = value
      try {
        readSafetensors(bytes, 'damaged')
      } catch (error) {
        expect(error).toMatchObject({ name: 'SafetensorsError' })
      }
    })
    fc.assert(property, { numRuns: 500 })
  })
})

describe('checkpoints', () => {
  const state = { weights: WEIGHTS, m: WEIGHTS.map((x) => x / 3), v: WEIGHTS.map((x) => x * x), step: 12 }

  it('round-trip weights, moments and step', () => {
    const bytes = encodeCheckpoint(MODEL, state, { run: 'a' })
    expect(decodeCheckpoint(MODEL, bytes, 'file')).toEqual(state)
    expect(decodeWeights(MODEL, bytes, 'file')).toEqual(WEIGHTS)
  })

  it('must be those of the model', () => {
    const bytes = encodeWeights(MODEL, WEIGHTS)
    expect(() => decodeCheckpoint(MODEL, bytes, 'file')).toThrow(
      'file holds no optimizer state: it is not a training checkpoint',
    )
    expect(() => decodeWeights({ ...MODEL, hidden: 64 }, bytes, 'file')).toThrow(
      'file: model.layers.0.mlp.gate_proj.weight is [48, 32], the model needs [64, 32]',
    )
    expect(() => decodeWeights({ ...MODEL, layers: 3 }, bytes, 'file')).toThrow(
      'file has no tensor model.layers.2.self_attn.q_proj.weight',
    )
  })
})

describe('store', () => {
  it('names a file by its hash and leaves nothing else behind', async () => {
    const stored = await storeWeights(join(directory, 'a'), Buffer.from('bytes'))
    expect(stored.bytes).toBe(5)
    expect(readdirSync(join(directory, 'a'))).toEqual([`${stored.sha256}.safetensors`])
    expect(Buffer.from(await readStoredWeights(stored)).toString()).toBe('bytes')
    expect(await storeWeights(join(directory, 'a'), Buffer.from('bytes'))).toEqual(stored)
  })

  it('refuses a damaged and a missing file, naming it', async () => {
    const stored = await storeWeights(join(directory, 'b'), Buffer.from('bytes'))
    const bytes = readFileSync(stored.path)
    bytes[2] = 0
    writeFileSync(stored.path, bytes)
    const corrupt = await thrownBy(() => readStoredWeights(stored))
    expect(corrupt.name).toBe('CorruptWeightsError')
    expect(corrupt.message).toContain(stored.path)
    rmSync(stored.path)
    const missing = await thrownBy(() => readStoredWeights(stored))
    expect([missing.name, missing.message]).toEqual(['MissingWeightsError', `there is no weights file ${stored.path}`])
  })
})
