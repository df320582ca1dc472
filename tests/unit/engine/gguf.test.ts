import { describe, expect, test } from 'vitest'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {
  initialiseLlama,
  type LlamaConfig,
  llamaLayout,
  ModelConfigError,
  readGguf,
  readPretrained,
} from '../../../engine/index.ts'

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])
const float = (value: number): Buffer => Buffer.from(Float32Array.of(value).buffer)
/** float16 of 1, 0.5 and -2. */
const HALF = { one: [0x00, 0x3c], half: [0x00, 0x38], minusTwo: [0x00, 0xc0] }

interface Tensor {
  readonly name: string
  /** Outermost first. */
  readonly shape: readonly number[]
  readonly type: number
  readonly data: Buffer
}

type Entry = readonly [key: string, type: number, value: Buffer]

function gguf(entries: readonly Entry[], tensors: readonly Tensor[]): Buffer {
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length)]
  for (const [key, type, value] of entries) head.push(text(key), u32(type), value)
  let offset = 0
  for (const { name, shape, type, data } of tensors) {
    head.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset))
    offset += aligned(data).length
  }
  return Buffer.concat([aligned(Buffer.concat(head)), ...tensors.map(({ data }) => aligned(data))])
}

function aligned(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)])
}

function decoded(type: number, elements: number, data: readonly number[]): number[] {
  const tensor = { name: 'w', shape: [elements], type, data: Buffer.from(data) }
  return [
    ...(readGguf(gguf([], [tensor]), 'test.gguf')
      .tensors.get('w')
      ?.decode() ?? []),
  ]
}

const counting = Array.from({ length: 16 }, (_, index) => index | ((15 - index) << 4))

describe('block formats', () => {
  test('F16 and BF16', () => {
    expect(decoded(1, 4, [...HALF.one, ...HALF.half, ...HALF.minusTwo, 1, 0])).toEqual([1, 0.5, -2, 2 ** -24])
    expect(decoded(30, 2, [0x80, 0x3f, 0x00, 0xc0])).toEqual([1, -2])
  })

  test('Q4_0, Q4_1 and Q8_0', () => {
    const low = Array.from({ length: 16 }, (_, index) => index)
    const nibbles = [...low, ...low.toReversed()]
    expect(decoded(2, 32, [...HALF.half, ...counting])).toEqual(nibbles.map((q) => 0.5 * (q - 8)))
    expect(decoded(3, 32, [...HALF.half, ...HALF.minusTwo, ...counting])).toEqual(nibbles.map((q) => 0.5 * q - 2))
    const codes = Array.from({ length: 32 }, (_, index) => index - 16)
    expect(decoded(8, 32, [...HALF.half, ...codes.map((code) => code & 255)])).toEqual(codes.map((code) => code / 2))
  })

  test('Q4_K: scales of the last sub-blocks lie in two places', () => {
    // s = 1 … 4 and 33 … 36, m = 5 … 8 and 17 … 20
    const packed = [1, 2, 3, 4, 5, 6, 7, 8].map((value, index) => value | ((index < 4 ? 2 : 1) << 6))
    const rest = [1, 2, 3, 4].map((value) => value | (value << 4))
    const elements = decoded(12, 256, [...HALF.one, ...HALF.half, ...packed, ...rest, ...Array(128).fill(0xa3)])
    const scale = [1, 2, 3, 4, 33, 34, 35, 36]
    const offset = [5, 6, 7, 8, 17, 18, 19, 20]
    expect(elements).toEqual(
      elements.map((_, index) => {
        const block = index >> 5
        return (scale[block] ?? 0) * (block % 2 === 0 ? 3 : 10) - 0.5 * (offset[block] ?? 0)
      }),
    )
  })

  test('Q6_K: four low and two high bits', () => {
    const scales = Array.from({ length: 16 }, (_, index) => (index - 8) & 255)
    const elements = decoded(14, 256, [
      ...Array(128).fill(0x52),
      ...Array(64).fill(0b11_10_01_00),
      ...scales,
      ...HALF.half,
    ])
    expect(elements).toEqual(
      elements.map((_, index) => {
        const quarter = (index >> 5) % 4
        return 0.5 * ((index >> 4) - 8) * ((quarter < 2 ? 2 : 5) + 16 * quarter - 32)
      }),
    )
  })
})

describe('hostile files', () => {
  const weight = { name: 'w', shape: [2], type: 0, data: Buffer.alloc(8) }
  const good = gguf([['general.name', 8, text('x')]], [weight])

  test.each([
    ['no magic number', Buffer.from('GGML'), /no GGUF file/],
    ['an empty file', Buffer.alloc(0), /ends inside the magic number/],
    ['a version of the future', Buffer.concat([Buffer.from('GGUF'), u32(9)]), /version 9/],
    ['more tensors than bytes', Buffer.concat([Buffer.from('GGUF'), u32(3), u64(2n ** 40n), u64(0)]), /too short/],
    ['a size beyond 2^53', gguf([], [{ ...weight, shape: [2 ** 60] }]), /too large/],
    ['sizes whose product overflows', gguf([], [{ ...weight, shape: [2 ** 40, 2 ** 40] }]), /too many elements/],
    ['data beyond the end', gguf([], [{ ...weight, shape: [2_000] }]), /ends at byte/],
    ['an unknown type', gguf([], [{ ...weight, type: 77 }]), /type 77.*Q4_1/],
    ['half a block', gguf([], [{ ...weight, type: 8 }]), /no multiple of Q8_0's 32/],
    ['a tensor twice', gguf([], [weight, weight]), /occurs twice/],
    ['an alignment of 0', gguf([['general.alignment', 4, u32(0)]], []), /general.alignment is 0/],
    ['a long string', gguf([['k', 8, u64(2 ** 40)]], []), /too short/],
    ['a long array', gguf([['k', 9, Buffer.concat([u32(0), u64(2 ** 40)])]], []), /too short/],
    ['nested arrays', gguf([['k', 9, Buffer.concat(Array(9).fill(Buffer.concat([u32(9), u64(1)])))]], []), /deeper/],
  ])('%s', (_, bytes, message) => {
    expect(() => readGguf(bytes, 'bad.gguf')).toThrow(message)
    expect(() => readGguf(bytes, 'bad.gguf')).toThrow(/^bad\.gguf: /)
  })

  test('every truncation is an error', () => {
    for (let length = 0; length < good.length - 24; length++) {
      expect(() => readGguf(good.subarray(0, length), 'bad.gguf')).toThrow('bad.gguf')
    }
  })
})

describe('a Llama model', () => {
  const model: LlamaConfig = {
    vocabulary: 8,
    width: 8,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    hidden: 12,
    ropeTheta: 10_000,
    context: 16,
    normEpsilon: Math.fround(1e-5),
  }
  const names: Readonly<Record<string, string>> = {
    'model.embed_tokens.weight': 'token_embd.weight',
    'model.norm.weight': 'output_norm.weight',
    'model.layers.0.self_attn.q_proj.weight': 'blk.0.attn_q.weight',
    'model.layers.0.self_attn.k_proj.weight': 'blk.0.attn_k.weight',
    'model.layers.0.self_attn.v_proj.weight': 'blk.0.attn_v.weight',
    'model.layers.0.self_attn.o_proj.weight': 'blk.0.attn_output.weight',
    'model.layers.0.mlp.gate_proj.weight': 'blk.0.ffn_gate.weight',
    'model.layers.0.mlp.up_proj.weight': 'blk.0.ffn_up.weight',
    'model.layers.0.mlp.down_proj.weight': 'blk.0.ffn_down.weight',
    'model.layers.0.input_layernorm.weight': 'blk.0.attn_norm.weight',
    'model.layers.0.post_attention_layernorm.weight': 'blk.0.ffn_norm.weight',
  }
  const weights = initialiseLlama(model, 'gguf')
  /** As llama.cpp's converter stores queries and keys: rows i and i + size / 2 of a head become neighbours. */
  const interleaved = (rows: Float32Array): Float32Array => {
    const order = [0, 2, 1, 3]
    return Float32Array.from(rows, (_, index) => {
      const row = Math.floor(index / 8)
      const from = row - (row % 4) + (order[row % 4] ?? 0)
      return rows[from * 8 + (index % 8)] ?? 0
    })
  }
  const tensors = llamaLayout(model).parameters.map(({ name, shape, offset, size }): Tensor => {
    const values = weights.slice(offset, offset + size)
    const stored = /[qk]_proj/.test(name) ? interleaved(values) : values
    return { name: names[name] ?? name, shape, type: 0, data: Buffer.from(stored.buffer) }
  })
  const entries: Entry[] = [
    ['general.architecture', 8, text('llama')],
    ['llama.block_count', 4, u32(1)],
    ['llama.context_length', 4, u32(16)],
    ['llama.embedding_length', 4, u32(8)],
    ['llama.feed_forward_length', 4, u32(12)],
    ['llama.attention.head_count', 4, u32(2)],
    ['llama.attention.head_count_kv', 4, u32(1)],
    ['llama.attention.layer_norm_rms_epsilon', 6, float(1e-5)],
  ]
  const read = async (bytes: Buffer) => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'sparring-gguf-'))
    try {
      await fs.writeFile(path.join(folder, 'model.gguf'), bytes)
      return await readPretrained(path.join(folder, 'model.gguf'))
    } finally {
      await fs.rm(folder, { recursive: true })
    }
  }

  test('is read with the rows of queries and keys in the order of Hugging Face', async () => {
    const found = await read(gguf(entries, tensors))
    expect(found.model).toEqual(model)
    expect(found.weights).toEqual(weights)
  })

  test('says how its positions are stretched', async () => {
    const factor: Entry = ['llama.rope.scaling.factor', 6, float(2)]
    expect((await read(gguf([...entries, factor], tensors))).model.ropeScaling).toEqual({ divisors: [2, 2] })
    const divisors = { name: 'rope_freqs.weight', shape: [2], type: 0, data: Buffer.from(Float32Array.of(1, 4).buffer) }
    expect((await read(gguf(entries, [...tensors, divisors]))).model.ropeScaling).toEqual({ divisors: [1, 4] })
  })

  test('in a folder whose config.json is not JSON: the error names the file', async () => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'sparring-config-'))
    try {
      await fs.writeFile(path.join(folder, 'config.json'), '{"model_type": ')
      const error: unknown = await readPretrained(folder).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ModelConfigError)
      expect(String(error)).toContain(`${path.join(folder, 'config.json')} is not JSON`)
    } finally {
      await fs.rm(folder, { recursive: true })
    }
  })

  test('with what this library does not compute is refused', async () => {
    const bias = { name: 'blk.0.attn_q.bias', shape: [8], type: 0, data: Buffer.alloc(32) }
    await expect(read(gguf(entries, [...tensors, bias]))).rejects.toThrow(/blk\.0\.attn_q\.bias is not part/)
    const field = (key: string, type: number, value: Buffer): Promise<unknown> =>
      read(gguf([...entries, [`llama.${key}`, type, value]], tensors))
    await expect(field('attention.mystery', 4, u32(1))).rejects.toThrow(/fields of llama: .*attention\.mystery/s)
    await expect(field('rope.dimension_count', 4, u32(2))).rejects.toThrow(/llama\.rope\.dimension_count is 2.* 4$/)
    await expect(field('expert_count', 4, u32(8))).rejects.toThrow(/expert_count/)
    await expect(field('rope.scaling.type', 8, text('longrope'))).rejects.toThrow(/rope\.scaling\.type/)
    const divisors = { name: 'rope_freqs.weight', shape: [2], type: 0, data: Buffer.from(Float32Array.of(1, 4).buffer) }
    await expect(
      read(gguf([...entries, ['llama.rope.scaling.factor', 6, float(2)]], [...tensors, divisors])),
    ).rejects.toThrow(/rope\.scaling\.type linear beside rope_freqs\.weight/)
    await expect(read(gguf(entries.slice(1), tensors))).rejects.toThrow(/general\.architecture/)
    await expect(read(gguf(entries, tensors.slice(1)))).rejects.toThrow(/vocabulary|token_embd/)
  })
})
