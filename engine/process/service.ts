/** What the engine process does for each call. */
import { randomUUID } from 'node:crypto'
import { Engine, type EngineOptions } from '../engine.ts'
import { initialiseLlama, type LlamaConfig } from '../models/llama.ts'
import { Trainer, type TrainerOptions } from '../training/trainer.ts'
import { decodeCheckpoint, decodeWeights, encodeCheckpoint, encodeWeights } from '../weights/checkpoint.ts'
import { readStoredWeights, storeWeights, type WeightsReference } from '../weights/store.ts'
import type { CallOf, EngineMethods, MethodName, OpenTrainerRequest } from './protocol.ts'

/** A trainer id that this process does not know, for example because the process that opened it died. */
export class UnknownTrainerError extends Error {
  override readonly name = 'UnknownTrainerError'
}

interface OpenTrainer {
  readonly trainer: Trainer
  readonly model: LlamaConfig
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
  readonly #threads: number
  readonly #trainers = new Map<string, OpenTrainer>()
  readonly #weights = new Map<string, Float32Array>()
  readonly #handlers: Handlers

  constructor(options: EngineOptions) {
    this.#engine = new Engine(options)
    this.#threads = options.threads ?? 1
    this.#handlers = {
      sample: async (request) =>
        this.#engine.sample({ ...request, weights: await this.#load(request.model, request.weights) }),
      score: async (request) =>
        this.#engine.score({ ...request, weights: await this.#load(request.model, request.weights) }),
      openTrainer: async (request) => {
        const trainer = await Trainer.create({ ...(await this.#start(request)), threads: this.#threads })
        const trainerId = randomUUID()
        this.#trainers.set(trainerId, { trainer, model: request.model })
        return { trainerId, step: trainer.state().step }
      },
      trainSteps: ({ trainerId, batches }) => this.#trainer(trainerId).trainer.step(batches),
      saveCheckpoint: ({ trainerId, directory, metadata }) => {
        const { trainer, model } = this.#trainer(trainerId)
        return storeWeights(directory, encodeCheckpoint(model, trainer.state(), metadata))
      },
      saveWeights: ({ trainerId, directory, metadata }) => {
        const { trainer, model } = this.#trainer(trainerId)
        return storeWeights(directory, encodeWeights(model, trainer.state().weights, metadata))
      },
      initialiseWeights: ({ model, seed, directory, metadata }) =>
        storeWeights(directory, encodeWeights(model, initialiseLlama(model, seed), metadata)),
      closeTrainer: async ({ trainerId }) => {
        await this.#trainer(trainerId).trainer.close()
        this.#trainers.delete(trainerId)
        return null
      },
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

  #trainer(trainerId: string): OpenTrainer {
    const trainer = this.#trainers.get(trainerId)
    if (trainer === undefined) throw new UnknownTrainerError(`this engine process has no trainer ${trainerId}`)
    return trainer
  }
}
