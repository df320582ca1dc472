/** The messages between a worker and its engine process. Both ends always run the same version of this file. */
import type { LlamaConfig } from '../models/llama.ts'
import type { LoraSpec } from '../models/lora.ts'
import type { SampleRequest, SampleResult } from '../sampling/sample.ts'
import type { StoredSamplerRequest } from '../sampling/stored-sampler.ts'
import type { ScoreRequest } from '../scoring/score.ts'
import type { SessionOptions } from '../runtime/session.ts'
import type { TrainingRow } from '../training/rows.ts'
import type { StepMetrics, StepOptions, TrainerPlan } from '../training/trainer.ts'
import type { Metadata } from '../weights/checkpoint.ts'
import type { StoredFile, WeightsReference } from '../weights/store.ts'
import type { NetworkMethods } from './networks.ts'

export interface StoredWeightsRequest {
  readonly weights: WeightsReference
}

/** The frozen model below an adapter. Its file is mapped into memory, once for all adapters over it. */
export interface StoredBase extends LoraSpec {
  readonly base: WeightsReference
}

export type StoredSampleRequest = Omit<SampleRequest, 'weights'> & StoredWeightsRequest
/** Without `lora` the weights are those of a whole model. */
export type StoredScoreRequest = Omit<ScoreRequest, 'weights' | 'lora'> &
  StoredWeightsRequest & { readonly lora?: StoredBase }

/** Sampling from an adapter over a frozen base. */
export interface AdaptedSampleRequest extends Omit<StoredSamplerRequest, 'adapter'> {
  /** The adapter's; null samples from the base itself. */
  readonly weights: WeightsReference | null
  readonly model: LlamaConfig
  readonly lora: StoredBase
  /** See StoredSamplerOptions. */
  readonly rows: number
  readonly capacity: number
  readonly temperature: number
}

export interface OpenTrainerRequest extends Omit<TrainerPlan, keyof SessionOptions> {
  /** Where training starts: a stored file, or the initial weights of a seed. */
  readonly weights: WeightsReference | { readonly initialise: string }
  /** Learn an adapter over this base, in the place of all weights. */
  readonly lora?: StoredBase
  /** A checkpoint to go on from; its weights replace `weights`. */
  readonly resume?: WeightsReference
}

export interface OpenedTrainer {
  readonly trainerId: string
  /** Completed steps: 0, or those of the checkpoint. */
  readonly step: number
}

export interface SaveRequest {
  readonly trainerId: string
  readonly directory: string
  readonly metadata: Metadata
}

export interface AdoptedModel {
  readonly model: LlamaConfig
  /** The longest sequence of the model as published. */
  readonly context: number
  readonly file: StoredFile
}

/** Parameters and result of every call. */
export interface EngineMethods extends NetworkMethods {
  sample: { readonly parameters: StoredSampleRequest; readonly result: SampleResult }
  sampleAdapted: { readonly parameters: AdaptedSampleRequest; readonly result: SampleResult }
  score: { readonly parameters: StoredScoreRequest; readonly result: Float32Array[] }
  openTrainer: { readonly parameters: OpenTrainerRequest; readonly result: OpenedTrainer }
  trainSteps: {
    readonly parameters: {
      readonly trainerId: string
      readonly batches: readonly (readonly TrainingRow[])[]
      readonly how: StepOptions
    }
    readonly result: StepMetrics[]
  }
  saveCheckpoint: { readonly parameters: SaveRequest; readonly result: StoredFile }
  saveWeights: { readonly parameters: SaveRequest; readonly result: StoredFile }
  initialiseWeights: {
    readonly parameters: {
      readonly model: LlamaConfig
      readonly seed: string
      readonly directory: string
      readonly metadata: Metadata
    }
    readonly result: StoredFile
  }
  /** Stores a published model's weights in float32. */
  adoptModel: {
    readonly parameters: { readonly source: string; readonly context: number; readonly directory: string }
    readonly result: AdoptedModel
  }
  closeTrainer: { readonly parameters: { readonly trainerId: string }; readonly result: null }
}

export type MethodName = keyof EngineMethods

/** What the engine process does for each call. */
export type Handlers = {
  readonly [Name in MethodName]: (
    parameters: EngineMethods[Name]['parameters'],
  ) => Promise<EngineMethods[Name]['result']>
}

export interface CallOf<Name extends MethodName> {
  readonly id: number
  readonly method: Name
  readonly parameters: EngineMethods[Name]['parameters']
}

export type Call = { [Name in MethodName]: CallOf<Name> }[MethodName]

export interface Failure {
  readonly id: number
  readonly error: { readonly name: string; readonly message: string; readonly stack: string }
}

export interface SuccessOf<Name extends MethodName> {
  readonly id: number
  readonly method: Name
  readonly result: EngineMethods[Name]['result']
}

/** When the engine process computed an answer, in milliseconds since 1970; every reply has it. */
export interface Computed {
  readonly from: number
  readonly to: number
}

export function isCall(message: unknown): message is Call {
  return hasId(message) && 'method' in message && 'parameters' in message
}

export function isFailure(message: unknown): message is Failure {
  return hasId(message) && 'error' in message
}

export function isSuccessOf<Name extends MethodName>(method: Name, message: unknown): message is SuccessOf<Name> {
  return hasId(message) && 'method' in message && message.method === method && 'result' in message
}

export function isComputed(message: object): message is { readonly computed: Computed } {
  return 'computed' in message
}

export function hasId(message: unknown): message is { readonly id: number } {
  return typeof message === 'object' && message !== null && 'id' in message && typeof message.id === 'number'
}
