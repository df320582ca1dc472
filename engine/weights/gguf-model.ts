/** A model of the Llama family in a GGUF file, with the names and fields that llama.cpp's converter writes. */
import fs from 'node:fs/promises'
import { z } from 'zod'
import { headSize, llamaLayout, ModelConfigError, type RopeScaling } from '../models/llama.ts'
import { linearScaling, yarnScaling } from '../models/rope-scaling.ts'
import { type Architecture, ARCHITECTURES, configuration, type ModelDescription } from './architectures.ts'
import { checkTensor } from './checkpoint.ts'
import { type GgufFile, readGguf } from './gguf.ts'
import type { Pretrained } from './pretrained.ts'

const HEAD = 'output.weight'
/** Divisors of the frequencies, which Llama 3.1's scaling comes to. */
const ROPE_DIVISORS = 'rope_freqs.weight'

/** Names within a layer, by those of Hugging Face. */
const LAYER_NAMES: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
}

export async function readGgufModel(source: string): Promise<Pretrained> {
  const file = readGguf(await fs.readFile(source), source)
  const { architecture, model } = readConfig(file, source)
  const permuted = architecture === 'llama'
  const layout = llamaLayout(model)
  const weights = new Float32Array(layout.size)
  const known = new Set([ROPE_DIVISORS])
  for (const { name, shape, offset } of layout.parameters) {
    const ggufName = nameInGguf(name)
    const tensor = checkTensor(file.tensors.get(ggufName), ggufName, shape, source)
    known.add(ggufName)
    const turned = permuted && (name.endsWith('q_proj.weight') || name.endsWith('k_proj.weight'))
    weights.set(turned ? halvesFromPairs(tensor.decode(), headSize(model), model.width) : tensor.decode(), offset)
  }
  // A tensor that is left over (biases, experts, further norms) means that the model computes something else.
  const other = [...file.tensors.keys()].find((name) => !known.has(name))
  if (other !== undefined) {
    throw new ModelConfigError(`${source}: tensor ${other} is not part of a decoder that is read here`)
  }
  return { model, weights }
}

export async function describeGguf(source: string): Promise<ModelDescription> {
  return readConfig(readGguf(await fs.readFile(source), source), source)
}

const sizes = z.number().int().positive()
/** Strict: a field that is not known may change what is computed. */
const fields = z.strictObject({
  block_count: sizes,
  context_length: sizes,
  embedding_length: sizes,
  feed_forward_length: sizes,
  'attention.head_count': sizes,
  'attention.head_count_kv': sizes.optional(),
  'attention.key_length': sizes.optional(),
  'attention.value_length': sizes.optional(),
  'attention.layer_norm_rms_epsilon': z.number().positive(),
  'rope.freq_base': z.number().positive().default(10_000),
  'rope.dimension_count': sizes.optional(),
  'rope.scaling.type': z.enum(['none', 'linear', 'yarn']).default('linear'),
  'rope.scaling.factor': z.number().positive().default(1),
  'rope.scaling.original_context_length': sizes.optional(),
  'rope.scaling.finetuned': z.boolean().optional(),
  expert_count: z.literal(0).optional(),
  expert_used_count: z.literal(0).optional(),
  vocab_size: sizes.optional(),
})
type Fields = z.infer<typeof fields>

function readConfig(file: GgufFile, source: string): ModelDescription {
  const { metadata, tensors } = file
  const architecture = ARCHITECTURES.find((name) => name === metadata.get('general.architecture'))
  if (architecture === undefined) {
    throw new ModelConfigError(
      `${source}: general.architecture is ${JSON.stringify(metadata.get('general.architecture'))}; ${ARCHITECTURES.join(', ')} are read`,
    )
  }
  const config = readFields(file, architecture, source)
  const heads = config['attention.head_count']
  const width = config.embedding_length
  const size = config['attention.key_length'] ?? width / heads
  for (const name of ['attention.value_length', 'rope.dimension_count'] as const) {
    const value = config[name] ?? size
    if (value !== size) {
      throw new ModelConfigError(
        `${source}: ${architecture}.${name} is ${value}, which is read only if it is the head size, ${size}`,
      )
    }
  }
  const plain = {
    vocabulary: tensors.get('token_embd.weight')?.shape[0] ?? 0,
    width,
    layers: config.block_count,
    heads,
    keyValueHeads: config['attention.head_count_kv'] ?? heads,
    hidden: config.feed_forward_length,
    ropeTheta: config['rope.freq_base'],
    context: config.context_length,
    normEpsilon: config['attention.layer_norm_rms_epsilon'],
  }
  const ropeScaling = scalingOf(file, config, size, source)
  const variant = { architecture, headSize: size, tiedHead: !tensors.has(HEAD), ropeScaling }
  return { architecture, model: configuration(plain, variant, source) }
}

/** Those that begin with the architecture's name. */
function readFields({ metadata }: GgufFile, architecture: Architecture, source: string): Fields {
  const prefix = `${architecture}.`
  const own = [...metadata].filter(([key]) => key.startsWith(prefix))
  const parsed = fields.safeParse(Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])))
  if (!parsed.success) {
    throw new ModelConfigError(`${source}: among the fields of ${architecture}: ${z.prettifyError(parsed.error)}`)
  }
  return parsed.data
}

function scalingOf({ tensors }: GgufFile, config: Fields, size: number, source: string): RopeScaling | undefined {
  const factor = config['rope.scaling.factor']
  const type = factor === 1 ? 'none' : config['rope.scaling.type']
  const divisors = tensors.get(ROPE_DIVISORS)
  if (divisors !== undefined) {
    if (type !== 'none')
      throw new ModelConfigError(`${source}: rope.scaling.type ${type} beside ${ROPE_DIVISORS} is not read`)
    return { divisors: [...divisors.decode()] }
  }
  const frequencies = { ropeTheta: config['rope.freq_base'], headSize: size }
  if (type === 'linear') return linearScaling(factor, frequencies)
  if (type === 'none') return undefined
  const originalContext = config['rope.scaling.original_context_length'] ?? config.context_length
  return yarnScaling({ factor, originalContext }, frequencies)
}

function nameInGguf(name: string): string {
  if (name === 'model.embed_tokens.weight') return 'token_embd.weight'
  if (name === 'model.norm.weight') return 'output_norm.weight'
  if (name === 'lm_head.weight') return HEAD
  const [, layer, part, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? []
  return `blk.${layer}.${LAYER_NAMES[part ?? '']}.${kind}`
}

/**
 * llama.cpp turns neighbours (2i, 2i + 1) of a head of Llama models, Hugging Face turns (i, i + size / 2); the converter permutes
 * the rows of the projections accordingly. This is the inverse: row 2i + j of a head goes to row j · size / 2 + i. Qwen's rows stay,
 * as llama.cpp turns them as Hugging Face does.
 */
function halvesFromPairs(rows: Float32Array, size: number, width: number): Float32Array {
  const half = size / 2
  const out = new Float32Array(rows.length)
  for (let row = 0; row < rows.length / width; row++) {
    const within = row % size
    const to = row - within + (within % 2) * half + (within >> 1)
    out.set(rows.subarray(row * width, (row + 1) * width), to * width)
  }
  return out
}
