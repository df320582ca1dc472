/** What the engine process does for each call. */
import { Engine, type EngineOptions } from '../engine.ts'
import { initialiseLlama, type LlamaConfig } from '../models/llama.ts'
import { Trainer, type TrainerOptions } from '../training/trainer.ts'
import { decodeCheckpoint, decodeWeights, encodeCheckpoint, encodeWeights } from '../weights/checkpoint.ts'
import { readStoredWeights, storeWeights, type WeightsReference } from '../weights/store.ts'
import { networkHandlers } from './networks.ts'
import { Registry } from './registry.ts'
import type { CallOf, EngineMethods, MethodName, OpenTrainerRequest } from './protocol.ts'

interface OpenTrainer {
  readonly trainer: Trainer
  readonly model: LlamaConfig
  close(): Promise<void>
}

type Handlers = {
  readonly [Name in MethodName]: (
    parameters: EngineMethods[Name]['parameters'],
  ) => Promise<EngineMethods[Name]['result']>
}

/** Weights of about this many policies stay in memory. */
const CACHED_WEIGHTS = 8

export class EngineService {
  readonly #engine: Engine
  readonly #trainers = new Registry<OpenTrainer>()
  readonly #weights = new Map<string, Float32Array>()
  readonly #handlers: Handlers

  constructor(options: EngineOptions) {
    this.#engine = new Engine(options)
    this.#handlers = {
      sample: async (request) =>
        this.#engine.sample({ ...request, weights: await this.#load(request.model, request.weights) }),
      score: async (request) =>
        this.#engine.score({ ...request, weights: await this.#load(request.model, request.weights) }),
      openTrainer: async (request) => {
        const trainer = await Trainer.create({ ...(await this.#start(request)), ...options })
        const opened = { trainer, model: request.model, close: () => trainer.close() }
        return { trainerId: this.#trainers.add(opened), step: trainer.state().step }
      },
      trainSteps: ({ trainerId, batches }) => this.#trainers.get(trainerId).trainer.step(batches),
      saveCheckpoint: ({ trainerId, directory, metadata }) => {
        const { trainer, model } = this.#trainers.get(trainerId)
        return storeWeights(directory, encodeCheckpoint(model, trainer.state(), metadata))
      },
      saveWeights: ({ trainerId, directory, metadata }) => {
        const { trainer, model } = this.#trainers.get(trainerId)
        return storeWeights(directory, encodeWeights(model, trainer.state().weights, metadata))
      },
      initialiseWeights: ({ model, seed, directory, metadata }) =>
        storeWeights(directory, encodeWeights(model, initialiseLlama(model, seed), metadata)),
      closeTrainer: ({ trainerId }) => this.#trainers.close(trainerId),
      ...networkHandlers(this.#engine, options),
    }
  }

  handle<Name extends MethodName>(call: CallOf<Name>): Promise<EngineMethods[Name]['result']> {
    return this.#handlers[call.method](call.parameters)
  }

  async #start({ weights, resume, ...plan }: OpenTrainerRequest): Promise<TrainerOptions> {
    if (resume !== undefined) {
      const bytes = await readStoredWeights(resume)
      const { weights: resumed, ...state } = decodeCheckpoint(plan.model, bytes, resume.path)
      return { ...plan, weights: resumed, resume: state }
    }
    const initial =
      'initialise' in weights ? initialiseLlama(plan.model, weights.initialise) : await this.#load(plan.model, weights)
    return { ...plan, weights: initial }
  }

  async #load(model: LlamaConfig, reference: WeightsReference): Promise<Float32Array> {
    const key = JSON.stringify([reference.sha256, model])
    const known = this.#weights.get(key)
    const weights = known ?? decodeWeights(model, await readStoredWeights(reference), reference.path)
    this.#weights.delete(key)
    this.#weights.set(key, weights)
    for (const oldest of this.#weights.keys()) {
      if (this.#weights.size <= CACHED_WEIGHTS) break
      this.#weights.delete(oldest)
    }
    return weights
  }
}
