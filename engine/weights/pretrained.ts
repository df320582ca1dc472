/** Llama-family models as others publish them: a GGUF file, or a folder with config.json and model.safetensors. */
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { type LlamaConfig, llamaLayout, ModelConfigError } from '../models/llama.ts'
import { WeightsMismatchError, decodeWeights } from './checkpoint.ts'
import { type GgufFile, readGguf } from './gguf.ts'

export interface Pretrained {
  readonly model: LlamaConfig
  /** Flat, in the order of llamaLayout. */
  readonly weights: Float32Array
}

export interface PretrainedOptions {
  /** The longest sequence that will be asked for, if shorter than the model's own: tables of positions are that long. */
  readonly context?: number
}

/** Throws GgufError, SafetensorsError, ModelConfigError or WeightsMismatchError; each names the file and the field. */
export async function readPretrained(source: string, { context }: PretrainedOptions = {}): Promise<Pretrained> {
  const { model, weights } = source.endsWith('.gguf') ? await readGgufModel(source) : await readFolder(source)
  return { model: context === undefined ? model : { ...model, context: Math.min(context, model.context) }, weights }
}

const sizes = z.number().int().positive()
const huggingFaceConfig = z.object({
  model_type: z.literal('llama'),
  hidden_act: z.literal('silu'),
  tie_word_embeddings: z.literal(true),
  attention_bias: z.literal(false).optional(),
  mlp_bias: z.literal(false).optional(),
  rope_scaling: z.null().optional(),
  vocab_size: sizes,
  hidden_size: sizes,
  num_hidden_layers: sizes,
  num_attention_heads: sizes,
  num_key_value_heads: sizes.optional(),
  head_dim: sizes.nullish(),
  intermediate_size: sizes,
  max_position_embeddings: sizes,
  rms_norm_eps: z.number().positive(),
  rope_theta: z.number().positive().optional(),
  /** Where newer files of transformers keep the base. */
  rope_parameters: z.object({ rope_type: z.literal('default'), rope_theta: z.number().positive() }).nullish(),
})

async function readFolder(folder: string): Promise<Pretrained> {
  const file = path.join(folder, 'config.json')
  const parsed = huggingFaceConfig.safeParse(parseJson(await fs.readFile(file, 'utf8'), file))
  if (!parsed.success) throw new ModelConfigError(`${file}: ${z.prettifyError(parsed.error)}`)
  const config = parsed.data
  const model: LlamaConfig = {
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads ?? config.num_attention_heads,
    hidden: config.intermediate_size,
    ropeTheta: config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000,
    context: config.max_position_embeddings,
    normEpsilon: config.rms_norm_eps,
  }
  checkHeadSize(model, config.head_dim ?? undefined, file)
  const weightsFile = path.join(folder, 'model.safetensors')
  return { model, weights: decodeWeights(model, await fs.readFile(weightsFile), weightsFile) }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ModelConfigError(`${file} is not JSON; copy it again from where the model is published`, { cause })
  }
}

const ggufConfig = z.object({
  'general.architecture': z.literal('llama'),
  'llama.block_count': sizes,
  'llama.context_length': sizes,
  'llama.embedding_length': sizes,
  'llama.feed_forward_length': sizes,
  'llama.attention.head_count': sizes,
  'llama.attention.head_count_kv': sizes.optional(),
  'llama.attention.layer_norm_rms_epsilon': z.number().positive(),
  'llama.rope.freq_base': z.number().positive().default(10_000),
  'llama.rope.dimension_count': sizes.optional(),
  'llama.rope.scaling.type': z.literal('none').optional(),
})

/** Names of a GGUF file within a layer, by those of Hugging Face. */
const LAYER_NAMES: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
}

async function readGgufModel(source: string): Promise<Pretrained> {
  const file = readGguf(await fs.readFile(source), source)
  const model = ggufModel(file, source)
  const layout = llamaLayout(model)
  const weights = new Float32Array(layout.size)
  const known = new Set<string>()
  for (const { name, shape, offset } of layout.parameters) {
    const ggufName = nameInGguf(name)
    const tensor = file.tensors.get(ggufName)
    if (tensor === undefined) throw new WeightsMismatchError(`${source} has no tensor ${ggufName}`)
    if (tensor.shape.join() !== shape.join()) {
      throw new WeightsMismatchError(
        `${source}: ${ggufName} has shape [${tensor.shape.join(', ')}], the model needs [${shape.join(', ')}]`,
      )
    }
    known.add(ggufName)
    const rotated = name.endsWith('q_proj.weight') || name.endsWith('k_proj.weight')
    const heads = name.endsWith('q_proj.weight') ? model.heads : model.keyValueHeads
    weights.set(rotated ? halvesFromPairs(tensor.decode(), heads, model.width) : tensor.decode(), offset)
  }
  // A tensor that is left over (an output head of its own, biases, norms of queries) means that the model computes something else.
  const other = [...file.tensors.keys()].find((name) => !known.has(name))
  if (other !== undefined) {
    throw new ModelConfigError(`${source}: tensor ${other} is not part of a Llama decoder with tied embeddings`)
  }
  return { model, weights }
}

function ggufModel({ metadata, tensors }: GgufFile, source: string): LlamaConfig {
  const parsed = ggufConfig.safeParse(Object.fromEntries(metadata))
  if (!parsed.success) throw new ModelConfigError(`${source}: ${z.prettifyError(parsed.error)}`)
  const config = parsed.data
  const heads = config['llama.attention.head_count']
  const model: LlamaConfig = {
    vocabulary: tensors.get('token_embd.weight')?.shape[0] ?? 0,
    width: config['llama.embedding_length'],
    layers: config['llama.block_count'],
    heads,
    keyValueHeads: config['llama.attention.head_count_kv'] ?? heads,
    hidden: config['llama.feed_forward_length'],
    ropeTheta: config['llama.rope.freq_base'],
    context: config['llama.context_length'],
    normEpsilon: config['llama.attention.layer_norm_rms_epsilon'],
  }
  checkHeadSize(model, config['llama.rope.dimension_count'], source)
  return model
}

function checkHeadSize({ width, heads }: LlamaConfig, size: number | undefined, source: string): void {
  if (size !== undefined && size * heads !== width) {
    throw new ModelConfigError(
      `${source}: heads of ${size} do not make up the width ${width}; such models are not read`,
    )
  }
}

function nameInGguf(name: string): string {
  if (name === 'model.embed_tokens.weight') return 'token_embd.weight'
  if (name === 'model.norm.weight') return 'output_norm.weight'
  const [, layer, part] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? []
  return `blk.${layer}.${LAYER_NAMES[part ?? '']}.weight`
}

/**
 * llama.cpp turns neighbours (2i, 2i + 1) of a head, Hugging Face turns (i, i + size / 2); the converter of Llama models permutes
 * the rows of the projections accordingly. This is the inverse: row 2i + j of a head goes to row j · size / 2 + i.
 */
function halvesFromPairs(rows: Float32Array, heads: number, width: number): Float32Array {
  const half = rows.length / width / heads / 2
  const out = new Float32Array(rows.length)
  for (let row = 0; row < 2 * half * heads; row++) {
    const [head, within] = [Math.floor(row / (2 * half)), row % (2 * half)]
    const to = head * 2 * half + (within % 2) * half + (within >> 1)
    out.set(rows.subarray(row * width, (row + 1) * width), to * width)
  }
  return out
}
