/** Weights and training checkpoints of a Llama model as safetensors files. */
import { open } from 'node:fs/promises'
import path from 'node:path'
import type { ParameterLayout } from '../models/layout.ts'
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'
import type { TrainerState } from '../training/trainer.ts'
import type { ParameterFile } from '../models/parameters.ts'
import { F32 } from './quantisation.ts'
import {
  locateTensors,
  type NamedTensor,
  readSafetensors,
  readTensor,
  type SafetensorsFile,
  writeSafetensors,
} from './safetensors.ts'

export type Metadata = Readonly<Record<string, string>>

/** A file whose tensors are not those of the model. */
export class WeightsMismatchError extends Error {
  override readonly name = 'WeightsMismatchError'
}

const FIRST_MOMENT = 'optimizer.m'
const SECOND_MOMENT = 'optimizer.v'
const STEP = 'optimizer.step'

/** Parameters under their Hugging Face names. */
export function encodeWeights(model: LlamaConfig, weights: Float32Array, metadata: Metadata = {}): Uint8Array {
  return encodeParameters(llamaLayout(model), weights, metadata)
}

/** Parameters, both moments of the optimizer as flat vectors, and the number of completed steps. */
export function encodeCheckpoint(model: LlamaConfig, state: TrainerState, metadata: Metadata = {}): Uint8Array {
  return encodeState(llamaLayout(model), state, metadata)
}

/** The flat parameter vector of a weights or checkpoint file. Throws SafetensorsError or WeightsMismatchError. */
export function decodeWeights(model: LlamaConfig, bytes: Uint8Array, source: string): Float32Array {
  return flatParameters(llamaLayout(model), readSafetensors(bytes, source), source)
}

export function decodeCheckpoint(model: LlamaConfig, bytes: Uint8Array, source: string): TrainerState {
  return decodeState(llamaLayout(model), bytes, source)
}

export function encodeParameters(layout: ParameterLayout, weights: Float32Array, metadata: Metadata): Uint8Array {
  return writeSafetensors(namedParameters(layout, weights), { format: 'pt', ...metadata })
}

/** See encodeCheckpoint. */
export function encodeState(layout: ParameterLayout, state: TrainerState, metadata: Metadata): Uint8Array {
  const { weights, m, v, step } = state
  const moments = [
    { name: FIRST_MOMENT, shape: [m.length], data: m },
    { name: SECOND_MOMENT, shape: [v.length], data: v },
  ]
  const tensors = [...namedParameters(layout, weights), ...moments]
  return writeSafetensors(tensors, { format: 'pt', ...metadata, [STEP]: String(step) })
}

/** Throws SafetensorsError, or WeightsMismatchError if the file holds other parameters or no state of an optimizer. */
export function decodeState(layout: ParameterLayout, bytes: Uint8Array, source: string): TrainerState {
  const file = readSafetensors(bytes, source)
  const step = Number(file.metadata[STEP] ?? Number.NaN)
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new WeightsMismatchError(`${source} holds no optimizer state: it is not a training checkpoint`)
  }
  const moment = (name: string): Float32Array => tensorOf(file, name, [layout.size], source).data
  return { weights: flatParameters(layout, file, source), m: moment(FIRST_MOMENT), v: moment(SECOND_MOMENT), step }
}

function namedParameters(layout: ParameterLayout, weights: Float32Array): NamedTensor[] {
  if (weights.length !== layout.size) {
    throw new WeightsMismatchError(`the model has ${layout.size} parameters, got ${weights.length}`)
  }
  return layout.parameters.map(({ name, shape, offset, size }) => ({
    name,
    shape,
    data: weights.subarray(offset, offset + size),
  }))
}

export function flatParameters(layout: ParameterLayout, file: SafetensorsFile, source: string): Float32Array {
  const weights = new Float32Array(layout.size)
  for (const { name, shape, offset } of layout.parameters) {
    weights.set(tensorOf(file, name, shape, source).data, offset)
  }
  return weights
}

/** As decodeWeights, tensor by tensor: the file may be larger than what is read at once, and memory holds little beside the result. */
export async function readWeights(model: LlamaConfig, file: string): Promise<Float32Array> {
  const places = await locateTensors(file)
  const layout = llamaLayout(model)
  const weights = new Float32Array(layout.size)
  const handle = await open(file)
  try {
    for (const { name, shape, offset } of layout.parameters) {
      weights.set(await readTensor(handle, checkTensor(places.get(name), name, shape, file)), offset)
    }
  } finally {
    await handle.close()
  }
  return weights
}

/**
 * A weights file of the model whose tensors stay in it: what trains an adapter over it maps it into memory, once for all that do.
 * The file must not change while it is in use. Throws SafetensorsError or WeightsMismatchError.
 */
export async function openWeights(model: LlamaConfig, file: string): Promise<ParameterFile> {
  const places = await locateTensors(file)
  const ranges = llamaLayout(model).parameters.map(({ name, shape }) => {
    const { format, start, end } = checkTensor(places.get(name), name, shape, file)
    if (format !== F32) {
      throw new WeightsMismatchError(
        `${file}: ${name} is ${format.name}; a file that is mapped holds float32: write it with encodeWeights`,
      )
    }
    return [name, { path: path.resolve(file), offset: start, bytes: end - start }] as const
  })
  return { ranges: new Map(ranges) }
}

/** The tensor of a name and shape. Throws WeightsMismatchError. */
export function tensorOf(file: SafetensorsFile, name: string, shape: readonly number[], source: string): NamedTensor {
  return checkTensor(file.tensors.get(name), name, shape, source)
}

/** The tensor, if it has the shape that the model needs. Throws WeightsMismatchError. */
export function checkTensor<Tensor extends { readonly shape: readonly number[] }>(
  tensor: Tensor | undefined,
  name: string,
  shape: readonly number[],
  source: string,
): Tensor {
  if (tensor === undefined) throw new WeightsMismatchError(`${source} has no tensor ${name}`)
  if (tensor.shape.join() !== shape.join()) {
    throw new WeightsMismatchError(
      `${source}: ${name} is [${tensor.shape.join(', ')}], the model needs [${shape.join(', ')}]`,
    )
  }
  return tensor
}
