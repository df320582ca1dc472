/** The numerics of Sparring: language models sampled, scored and trained with ONNX Runtime. Usable as a library of its own. */
export { gradients } from './autodiff/gradients.ts'
export { Engine, type EngineOptions } from './engine.ts'
export * as graph from './graph/index.ts'
export * as losses from './losses/expressions.ts'
export { checkLossSpec, lossNeeds } from './losses/index.ts'
export { type LossSpec, LossSpecError, type LossTerm, type TermName, type TermOf } from './losses/types.ts'
export { type ParameterLayout, type ParameterSpec } from './models/layout.ts'
export {
  checkLlamaConfig,
  initialiseLlama,
  type LlamaConfig,
  llamaLayout,
  ModelConfigError,
  type RopeScaling,
} from './models/llama.ts'
export {
  checkLoraSpec,
  initialiseLora,
  LORA_TARGETS,
  type LoraBase,
  loraLayout,
  type LoraSpec,
  LoraSpecError,
  type LoraTarget,
  mergeLora,
} from './models/lora.ts'
export { type Network, network, type NetworkSpec } from './models/network.ts'
export { type ParameterFile, Parameters } from './models/parameters.ts'
export { normals, uniforms } from './random/philox.ts'
export { adamw, learningRateAt, type OptimizerSpec, OptimizerSpecError } from './optimizers/schedule.ts'
export { EngineCallError, EngineDiedError, EngineProcess } from './process/engine-process.ts'
export {
  type AdaptedSampleRequest,
  type AdoptedModel,
  type OpenedTrainer,
  type OpenTrainerRequest,
  type StoredBase,
  type StoredSampleRequest,
  type StoredScoreRequest,
} from './process/protocol.ts'
export { type NetworkWeights, type OpenNetworkRequest, type StoredNetworkRequest } from './process/networks.ts'
export { UnknownTrainerError } from './process/registry.ts'
export { cutBehind, type Ending, endingOf } from './sampling/ending.ts'
export { type SampleRequest, type SampleResult } from './sampling/sample.ts'
export { StoredSampler, type StoredSamplerOptions, type StoredSamplerRequest } from './sampling/stored-sampler.ts'
export { type RunNetworkRequest } from './scoring/network.ts'
export { type ScoredRow, type ScoreRequest } from './scoring/score.ts'
export { type Device, DeviceError, isDevice } from './runtime/device.ts'
export { GraphRunError, OutOfMemoryError } from './runtime/errors.ts'
export { type DeviceReport, examineDevice } from './examine.ts'
export { type Feeds, type InputSpec } from './runtime/feeds.ts'
export type { SessionOptions } from './runtime/session.ts'
export { compile, type CompiledFunction, type FunctionPlan } from './runtime/function.ts'
export {
  buildTrainer,
  type GraphPlan,
  type GraphStepMetrics,
  type GraphTrainer,
  type Losses,
} from './training/graph-trainer.ts'
export { type GraphState, type MovingAverage, type ParameterGroup } from './training/graph-state.ts'
export {
  type HeadSpec,
  type NetworkBatch,
  type NetworkPlan,
  type NetworkStepMetrics,
  NetworkTrainer,
} from './training/network-trainer.ts'
export type { ChatMessage } from './tokenizers/chat.ts'
export { readTokenizer } from './tokenizers/read.ts'
export { writeTokenizer } from './tokenizers/write.ts'
export { createTokenizer, type Tokenizer } from './tokenizers/tokenizer.ts'
export { parseTokenizerFile, TokenizerError, type TokenizerFile } from './tokenizers/tokenizer-file.ts'
export { bestLineSize } from './training/packing.ts'
export { RowError, type TrainingRow } from './training/rows.ts'
export { NonFiniteLossError } from './training/steps.ts'
export {
  type OptimizerState,
  type StepMetrics,
  type StepOptions,
  Trainer,
  type TrainerOptions,
  type TrainerPlan,
  type TrainerState,
} from './training/trainer.ts'
export {
  type Adapter,
  decodeAdapterCheckpoint,
  encodeAdapterCheckpoint,
  readAdapter,
  writeAdapter,
} from './weights/adapter.ts'
export {
  decodeCheckpoint,
  decodeWeights,
  encodeCheckpoint,
  encodeWeights,
  type Metadata,
  openWeights,
  WeightsMismatchError,
} from './weights/checkpoint.ts'
export { GgufError, type GgufFile, type GgufTensor, type GgufValue, readGguf } from './weights/gguf.ts'
export type { ModelDescription } from './weights/architectures.ts'
export { describePretrained, type Pretrained, type PretrainedOptions, readPretrained } from './weights/pretrained.ts'
export { writePretrained, type WrittenModel } from './weights/write-pretrained.ts'
export { readSafetensors, SafetensorsError, writeSafetensors } from './weights/safetensors.ts'
export {
  CorruptWeightsError,
  MissingWeightsError,
  readStoredWeights,
  type StoredFile,
  storeFile,
  storeWeights,
  type WeightsReference,
} from './weights/store.ts'
