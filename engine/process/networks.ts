/** What the engine process does with small networks. */
import type { Engine, EngineOptions } from '../engine.ts'
import { network, type NetworkSpec } from '../models/network.ts'
import type { Numbers } from '../runtime/feeds.ts'
import { decodeGroup } from '../training/graph-state.ts'
import {
  NETWORK_AVERAGE,
  NETWORK_GROUP,
  type NetworkBatch,
  type NetworkPlan,
  type NetworkStepMetrics,
  NetworkTrainer,
} from '../training/network-trainer.ts'
import { readStoredWeights, type StoredFile, storeWeights, type WeightsReference } from '../weights/store.ts'
import type { Handlers, SaveRequest } from './protocol.ts'
import { Registry } from './registry.ts'

/** A checkpoint's parameters, or those of a seed. */
export type NetworkWeights = WeightsReference | { readonly initialise: string }

export interface OpenNetworkRequest extends NetworkPlan {
  readonly weights: NetworkWeights
  /** A checkpoint to go on from; its weights replace `weights`. */
  readonly resume?: WeightsReference
}

export interface StoredNetworkRequest {
  readonly network: NetworkSpec
  readonly weights: NetworkWeights
  /** Takes the moving average that the checkpoint holds. */
  readonly averaged?: boolean
  /** [rows, ...inputs]. */
  readonly x: Numbers
}

export interface NetworkMethods {
  openNetwork: {
    readonly parameters: OpenNetworkRequest
    readonly result: { readonly trainerId: string; readonly step: number }
  }
  trainNetwork: {
    readonly parameters: { readonly trainerId: string; readonly batches: readonly NetworkBatch[] }
    readonly result: NetworkStepMetrics[]
  }
  /** Parameters, moments, average and step as one file. */
  saveNetwork: { readonly parameters: SaveRequest; readonly result: StoredFile }
  /** [rows, ...outputs]. */
  runNetwork: { readonly parameters: StoredNetworkRequest; readonly result: Float32Array }
  closeNetwork: { readonly parameters: { readonly trainerId: string }; readonly result: null }
}

export function networkHandlers(engine: Engine, options: EngineOptions): Pick<Handlers, keyof NetworkMethods> {
  const trainers = new Registry<NetworkTrainer>()
  return {
    openNetwork: async ({ weights, resume, ...plan }) => {
      const initial = await load(plan.network, resume ?? weights, NETWORK_GROUP)
      const trainer = await NetworkTrainer.create(plan, initial, options)
      if (resume !== undefined) trainer.restore(await readStoredWeights(resume), resume.path)
      return { trainerId: trainers.add(trainer), step: trainer.completedSteps }
    },
    trainNetwork: ({ trainerId, batches }) => trainers.get(trainerId).step(batches),
    saveNetwork: ({ trainerId, directory, metadata }) =>
      storeWeights(directory, trainers.get(trainerId).checkpoint(metadata)),
    runNetwork: async ({ network: spec, weights, averaged, x }) => {
      const group = averaged === true ? NETWORK_AVERAGE : NETWORK_GROUP
      return engine.runNetwork({ network: spec, weights: await load(spec, weights, group), x })
    },
    closeNetwork: ({ trainerId }) => trainers.close(trainerId),
  }
}

async function load(spec: NetworkSpec, weights: NetworkWeights, group: string): Promise<Float32Array> {
  const { layout, initialise } = network(spec)
  if ('initialise' in weights) return initialise(weights.initialise)
  return decodeGroup(layout, group, await readStoredWeights(weights), weights.path)
}
