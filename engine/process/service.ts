/** What the engine process does for each call. */
import { Engine, type EngineOptions } from '../engine.ts'
import { initialiseLlama } from '../models/llama.ts'
import { initialiseLora } from '../models/lora.ts'
import { learntLayout } from '../training/batch-gradient.ts'
import { Trainer, type TrainerOptions } from '../training/trainer.ts'
import { decodeState, encodeParameters, encodeState, encodeWeights } from '../weights/checkpoint.ts'
import { readPretrained } from '../weights/pretrained.ts'
import { readStoredWeights, storeWeights } from '../weights/store.ts'
import type { ParameterLayout } from '../models/layout.ts'
import { networkHandlers } from './networks.ts'
import { Registry } from './registry.ts'
import type { CallOf, EngineMethods, Handlers, MethodName, OpenTrainerRequest } from './protocol.ts'
import { StoredModels } from './stored-models.ts'
import { StoredSamplers } from './stored-samplers.ts'

interface OpenTrainer {
  readonly trainer: Trainer
  readonly layout: ParameterLayout
  close(): Promise<void>
}

export class EngineService {
  readonly #engine: Engine
  readonly #trainers = new Registry<OpenTrainer>()
  readonly #stored = new StoredModels()
  readonly #handlers: Handlers

  constructor(options: EngineOptions) {
    this.#engine = new Engine(options)
    const samplers = new StoredSamplers(this.#stored, options)
    this.#handlers = {
      sample: async (request) =>
        this.#engine.sample({ ...request, weights: await this.#stored.weights(request.weights, request) }),
      sampleAdapted: (request) => samplers.sample(request),
      score: async ({ lora: over, ...request }) => {
        const lora = over && (await this.#stored.base(request.model, over))
        const weights = await this.#stored.weights(request.weights, { model: request.model, ...(lora && { lora }) })
        return this.#engine.score({ ...request, weights, ...(lora && { lora }) })
      },
      openTrainer: async (request) => {
        const plan = await this.#start(request)
        const trainer = await Trainer.create({ ...plan, ...options })
        const opened = { trainer, layout: learntLayout(plan), close: () => trainer.close() }
        return { trainerId: this.#trainers.add(opened), step: trainer.state().step }
      },
      trainSteps: ({ trainerId, batches, how }) => this.#trainers.get(trainerId).trainer.step(batches, how),
      saveCheckpoint: ({ trainerId, directory, metadata }) => {
        const { trainer, layout } = this.#trainers.get(trainerId)
        return storeWeights(directory, encodeState(layout, trainer.state(), metadata))
      },
      saveWeights: ({ trainerId, directory, metadata }) => {
        const { trainer, layout } = this.#trainers.get(trainerId)
        return storeWeights(directory, encodeParameters(layout, trainer.state().weights, metadata))
      },
      initialiseWeights: ({ model, seed, directory, metadata }) =>
        storeWeights(directory, encodeWeights(model, initialiseLlama(model, seed), metadata)),
      adoptModel: async ({ source, context, directory }) => {
        const { model: published, weights } = await readPretrained(source)
        const model = { ...published, context: Math.min(context, published.context) }
        const file = await storeWeights(directory, encodeWeights(model, weights))
        return { model, context: published.context, file }
      },
      closeTrainer: ({ trainerId }) => this.#trainers.close(trainerId),
      ...networkHandlers(this.#engine, options),
    }
  }

  handle<Name extends MethodName>(call: CallOf<Name>): Promise<EngineMethods[Name]['result']> {
    return this.#handlers[call.method](call.parameters)
  }

  async #start({ weights, resume, lora: over, ...plan }: OpenTrainerRequest): Promise<TrainerOptions> {
    const lora = over && (await this.#stored.base(plan.model, over))
    const learning = { ...plan, ...(lora && { lora }) }
    if (resume !== undefined) {
      const bytes = await readStoredWeights(resume)
      const { weights: resumed, ...state } = decodeState(learntLayout(learning), bytes, resume.path)
      return { ...learning, weights: resumed, resume: state }
    }
    if (!('initialise' in weights)) return { ...learning, weights: await this.#stored.weights(weights, learning) }
    const initial = lora
      ? initialiseLora(plan.model, lora, weights.initialise)
      : initialiseLlama(plan.model, weights.initialise)
    return { ...learning, weights: initial }
  }
}
