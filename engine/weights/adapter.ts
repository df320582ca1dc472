/**
 * LoRA adapters in the form of PEFT, a folder with adapter_config.json and adapter_model.safetensors, and checkpoints of their
 * training.
 */
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { LlamaConfig } from '../models/llama.ts'
import { LORA_TARGETS, loraLayout, type LoraSpec, LoraSpecError } from '../models/lora.ts'
import type { TrainerState } from '../training/trainer.ts'
import {
  decodeState,
  encodeParameters,
  encodeState,
  flatParameters,
  type Metadata,
  WeightsMismatchError,
} from './checkpoint.ts'
import { readSafetensors } from './safetensors.ts'

export interface Adapter {
  readonly spec: LoraSpec
  /** Flat, in the order of loraLayout. */
  readonly weights: Float32Array
}

const CONFIG = 'adapter_config.json'
const WEIGHTS = 'adapter_model.safetensors'

const off = z.literal(false).nullish()
const none = z.null().optional()
const empty = z.record(z.string(), z.never()).nullish()
/** What changes the meaning of an adapter must be off; what matters for training alone, as dropout does, is not looked at. */
const peftConfig = z.object({
  peft_type: z.literal('LORA'),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  target_modules: z.array(z.enum(LORA_TARGETS)).nonempty(),
  bias: z.literal('none').optional(),
  fan_in_fan_out: off,
  lora_bias: off,
  use_rslora: off,
  use_dora: off,
  rank_pattern: empty,
  alpha_pattern: empty,
  modules_to_save: none,
  layers_to_transform: none,
  target_parameters: none,
  trainable_token_indices: none,
})

/**
 * Reads an adapter of a model. Throws LoraSpecError for a configuration that is not read here, SafetensorsError, or
 * WeightsMismatchError for other tensors than the configuration says; each names the file and the field.
 */
export async function readAdapter(folder: string, model: LlamaConfig): Promise<Adapter> {
  const configFile = path.join(folder, CONFIG)
  const parsed = peftConfig.safeParse(parseJson(await fs.readFile(configFile, 'utf8'), configFile))
  if (!parsed.success) throw new LoraSpecError(`${configFile}: ${z.prettifyError(parsed.error)}`)
  const { r: rank, lora_alpha: alpha, target_modules } = parsed.data
  const spec = { rank, alpha, targets: LORA_TARGETS.filter((target) => target_modules.includes(target)) }
  const layout = loraLayout(model, spec)
  const file = path.join(folder, WEIGHTS)
  const content = readSafetensors(await fs.readFile(file), file)
  const known = new Set(layout.parameters.map(({ name }) => name))
  for (const name of content.tensors.keys()) {
    if (!known.has(name))
      throw new WeightsMismatchError(`${file}: ${name} is no tensor of an adapter to ${CONFIG}'s maps`)
  }
  return { spec, weights: flatParameters(layout, content, file) }
}

/** Writes an adapter so that PEFT and readAdapter read it. `baseModel` names the base for those who load it by name. */
export async function writeAdapter(
  folder: string,
  model: LlamaConfig,
  { spec, weights }: Adapter,
  { baseModel = null }: { readonly baseModel?: string | null } = {},
): Promise<void> {
  const bytes = encodeParameters(loraLayout(model, spec), weights, {})
  const config = {
    base_model_name_or_path: baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    lora_alpha: spec.alpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: spec.rank,
    target_modules: spec.targets ?? LORA_TARGETS,
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  }
  await fs.mkdir(folder, { recursive: true })
  await fs.writeFile(path.join(folder, WEIGHTS), bytes)
  await fs.writeFile(path.join(folder, CONFIG), `${JSON.stringify(config, null, 2)}\n`)
}

/** A, B, both moments of the optimizer and the number of completed steps. */
export function encodeAdapterCheckpoint(
  model: LlamaConfig,
  spec: LoraSpec,
  state: TrainerState,
  metadata: Metadata = {},
): Uint8Array {
  return encodeState(loraLayout(model, spec), state, metadata)
}

/** Throws LoraSpecError, SafetensorsError or WeightsMismatchError. */
export function decodeAdapterCheckpoint(
  model: LlamaConfig,
  spec: LoraSpec,
  bytes: Uint8Array,
  source: string,
): TrainerState {
  return decodeState(loraLayout(model, spec), bytes, source)
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new LoraSpecError(`${file} is not JSON; copy it again from where the adapter was written`, { cause })
  }
}
