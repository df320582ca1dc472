/** A model of the Llama family in the form of Hugging Face: a folder with config.json and safetensors in one file or in several. */
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { EMBEDDING, type LlamaConfig, llamaLayout, ModelConfigError, type RopeScaling } from '../models/llama.ts'
import { linearScaling, llama3Scaling, yarnAmplitude, yarnScaling } from '../models/rope-scaling.ts'
import { ARCHITECTURES, configuration, type ModelDescription } from './architectures.ts'
import { checkTensor, WeightsMismatchError } from './checkpoint.ts'
import type { Pretrained } from './pretrained.ts'
import { locateTensors, readTensor } from './safetensors.ts'

export const CONFIG = 'config.json'
export const WEIGHTS = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const HEAD = 'lm_head.weight'

export async function readFolder(folder: string): Promise<Pretrained> {
  const { model } = await describeFolder(folder)
  return { model, weights: await readWeights(model, folder) }
}

export async function describeFolder(folder: string): Promise<ModelDescription> {
  const file = path.join(folder, CONFIG)
  const config = await readJson(file, configFile)
  return { architecture: config.model_type, model: modelOf(config, file) }
}

const sizes = z.number().int().positive()
const positive = z.number().positive()

const everyRope = { rope_theta: positive.optional(), partial_rotary_factor: z.literal(1).optional() }
const scalings = z.discriminatedUnion('rope_type', [
  z.strictObject({ ...everyRope, rope_type: z.literal('default') }),
  z.strictObject({ ...everyRope, rope_type: z.literal('linear'), factor: positive }),
  z.strictObject({
    ...everyRope,
    rope_type: z.literal('llama3'),
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
    original_max_position_embeddings: sizes.optional(),
  }),
  z.strictObject({
    ...everyRope,
    rope_type: z.literal('yarn'),
    factor: positive,
    original_max_position_embeddings: sizes.optional(),
    attention_factor: positive.nullish(),
    beta_fast: positive.nullish(),
    beta_slow: positive.nullish(),
    mscale: positive.nullish(),
    mscale_all_dim: positive.nullish(),
    truncate: z.boolean().optional(),
  }),
])
/** Older files call the type `type`; strict, as a field that is not known may change what is computed. */
const rope = z.preprocess((value) => {
  if (typeof value !== 'object' || value === null) return value
  const { type = 'default', ...rest }: { type?: unknown } = value
  return { rope_type: type, ...rest }
}, scalings)

const off = z.literal(false).nullish()
/** What changes the computation must be known; what matters elsewhere (training, tokens, generation) is not looked at. */
const configFile = z.object({
  model_type: z.enum(ARCHITECTURES),
  hidden_act: z.literal('silu'),
  /** What is absent from a file is what transformers takes then. */
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().optional(),
  mlp_bias: off,
  use_sliding_window: off,
  layer_types: z.array(z.literal('full_attention')).nullish(),
  use_mrope: off,
  rope_interleaved: off,
  partial_rotary_factor: z.literal(1).nullish(),
  quantization_config: z.null().optional(),
  vocab_size: sizes,
  hidden_size: sizes,
  num_hidden_layers: sizes,
  num_attention_heads: sizes,
  num_key_value_heads: sizes.nullish(),
  head_dim: sizes.nullish(),
  intermediate_size: sizes,
  max_position_embeddings: sizes,
  rms_norm_eps: positive,
  rope_theta: positive.optional(),
  rope_scaling: rope.nullish(),
  /** Where newer files keep all of it. */
  rope_parameters: rope.nullish(),
})
type ConfigFile = z.infer<typeof configFile>

const DEFAULT_THETA = 10_000
/** Of Qwen3, whose heads do not follow from its width. */
const DEFAULT_HEAD_SIZE = 128

function modelOf(config: ConfigFile, file: string): LlamaConfig {
  const { model_type: architecture, hidden_size: width, num_attention_heads: heads } = config
  // Qwen2 has its biases whatever the field says; the others have one at the output too, which is not there.
  if (config.attention_bias === true && architecture !== 'qwen2') {
    throw new ModelConfigError(`${file}: attention_bias of ${architecture} is not read`)
  }
  const headSize = config.head_dim ?? (architecture === 'qwen3' ? DEFAULT_HEAD_SIZE : width / heads)
  const scaling = config.rope_scaling ?? config.rope_parameters
  const ropeTheta = scaling?.rope_theta ?? config.rope_theta ?? DEFAULT_THETA
  const plain = {
    vocabulary: config.vocab_size,
    width,
    layers: config.num_hidden_layers,
    heads,
    keyValueHeads: config.num_key_value_heads ?? heads,
    hidden: config.intermediate_size,
    ropeTheta,
    context: config.max_position_embeddings,
    normEpsilon: config.rms_norm_eps,
  }
  const ropeScaling = scalingOf(scaling, { ropeTheta, headSize, context: plain.context })
  return configuration(plain, { architecture, headSize, tiedHead: config.tie_word_embeddings, ropeScaling }, file)
}

function scalingOf(
  scaling: ConfigFile['rope_scaling'],
  { context, ...frequencies }: { readonly ropeTheta: number; readonly headSize: number; readonly context: number },
): RopeScaling | undefined {
  switch (scaling?.rope_type) {
    case undefined:
    case 'default':
      return undefined
    case 'linear':
      return linearScaling(scaling.factor, frequencies)
    case 'llama3':
      return llama3Scaling(
        {
          factor: scaling.factor,
          lowFrequencyFactor: scaling.low_freq_factor,
          highFrequencyFactor: scaling.high_freq_factor,
          originalContext: scaling.original_max_position_embeddings ?? context,
        },
        frequencies,
      )
    case 'yarn': {
      const { factor, mscale, mscale_all_dim: all, beta_fast: betaFast, beta_slow: betaSlow, truncate } = scaling
      const ratio = mscale && all ? yarnAmplitude(factor, mscale) / yarnAmplitude(factor, all) : yarnAmplitude(factor)
      return yarnScaling(
        {
          factor,
          originalContext: scaling.original_max_position_embeddings ?? context,
          amplitude: scaling.attention_factor ?? ratio,
          ...(betaFast ? { betaFast } : {}),
          ...(betaSlow ? { betaSlow } : {}),
          ...(truncate === undefined ? {} : { truncate }),
        },
        frequencies,
      )
    }
  }
}

/** Tensor by tensor, so that memory holds little more than the result. */
async function readWeights(model: LlamaConfig, folder: string): Promise<Float32Array> {
  const { files, source } = await weightFiles(folder)
  const layout = llamaLayout(model)
  const weights = new Float32Array(layout.size)
  const missing = new Map(layout.parameters.map((parameter) => [parameter.name, parameter]))
  let head: Float32Array | undefined
  for (const file of files) {
    const places = await locateTensors(file)
    const handle = await fs.open(file)
    try {
      for (const [name, place] of places) {
        const parameter = missing.get(name)
        if (parameter !== undefined) {
          checkTensor(place, name, parameter.shape, file)
          weights.set(await readTensor(handle, place), parameter.offset)
          missing.delete(name)
        } else if (name === HEAD && model.untiedHead !== true) {
          head = await readTensor(handle, place)
        } else if (!name.endsWith('.rotary_emb.inv_freq')) {
          // Frequencies, which old files hold, follow from the configuration. Any other tensor means another computation.
          throw new ModelConfigError(`${file}: tensor ${name} is not part of the model that ${CONFIG} describes`)
        }
      }
    } finally {
      await handle.close()
    }
  }
  const [lacking] = missing.keys()
  if (lacking !== undefined) throw new WeightsMismatchError(`${source} has no tensor ${lacking}`)
  const embedding = layout.parameters.find(({ name }) => name === EMBEDDING)
  if (head?.some((weight, index) => weight !== weights[(embedding?.offset ?? 0) + index])) {
    throw new ModelConfigError(
      `${source}: ${HEAD} is not ${EMBEDDING}, although tie_word_embeddings in ${CONFIG} says so; say false there`,
    )
  }
  return weights
}

const indexFile = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+\.safetensors$/)) })

/** The files that hold the weights, and the one that says so. */
async function weightFiles(folder: string): Promise<{ files: string[]; source: string }> {
  const [single, index] = [path.join(folder, WEIGHTS), path.join(folder, INDEX)]
  if (await exists(single)) return { files: [single], source: single }
  if (!(await exists(index))) {
    throw new WeightsMismatchError(`${folder} holds neither ${WEIGHTS} nor ${INDEX}; other formats are not read`)
  }
  const { weight_map } = await readJson(index, indexFile)
  return { files: [...new Set(Object.values(weight_map))].map((name) => path.join(folder, name)), source: index }
}

async function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  )
}

async function readJson<Content>(file: string, schema: z.ZodType<Content>): Promise<Content> {
  let content: unknown
  try {
    content = JSON.parse(await fs.readFile(file, 'utf8'))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new ModelConfigError(`${file} is not JSON; copy it again from where the model is published`, { cause })
  }
  const parsed = schema.safeParse(content)
  if (!parsed.success) throw new ModelConfigError(`${file}: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}
