/** Running graphs with ONNX Runtime. */
import * as onnx from 'onnxruntime-node'
import type { Graph } from '../graph/index.ts'
import { serialise } from '../graph/index.ts'

export type Feed = onnx.Tensor

export interface SessionOptions {
  /** Threads inside one operator. The results of some operators depend on it, so it belongs to a plan. */
  readonly threads: number
}

/** A compiled graph. */
export class Session {
  readonly #session: onnx.InferenceSession

  private constructor(session: onnx.InferenceSession) {
    this.#session = session
  }

  static async create(graph: Graph, { threads }: SessionOptions): Promise<Session> {
    const session = await onnx.InferenceSession.create(serialise(graph), {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    })
    return new Session(session)
  }

  /** Runs the graph. Blocks the thread; inputs are not copied, outputs are. */
  async run(feeds: Readonly<Record<string, Feed>>): Promise<Outputs> {
    return new Outputs(await this.#session.run(feeds))
  }

  async release(): Promise<void> {
    await this.#session.release()
  }
}

/** The outputs of a run, read by name and type. */
export class Outputs {
  readonly #tensors: onnx.InferenceSession.OnnxValueMapType

  constructor(tensors: onnx.InferenceSession.OnnxValueMapType) {
    this.#tensors = tensors
  }

  floats(name: string): Float32Array {
    const data = this.#tensor(name).data
    if (!(data instanceof Float32Array)) throw new TypeError(`output ${name} is not float32`)
    return data
  }

  integers(name: string): Int32Array {
    const data = this.#tensor(name).data
    if (!(data instanceof Int32Array)) throw new TypeError(`output ${name} is not int32`)
    return data
  }

  shape(name: string): readonly number[] {
    return this.#tensor(name).dims
  }

  #tensor(name: string): onnx.Tensor {
    const tensor = this.#tensors[name]
    if (!(tensor instanceof onnx.Tensor)) throw new RangeError(`the graph has no output ${name}`)
    return tensor
  }
}

export function floatFeed(data: Float32Array, shape: readonly number[]): Feed {
  return new onnx.Tensor('float32', data, shape)
}

export function integerFeed(data: Int32Array, shape: readonly number[]): Feed {
  return new onnx.Tensor('int32', data, shape)
}

export function longFeed(data: BigInt64Array, shape: readonly number[]): Feed {
  return new onnx.Tensor('int64', data, shape)
}

/** int64 scalar. */
export function countFeed(value: number): Feed {
  return new onnx.Tensor('int64', BigInt64Array.from([BigInt(value)]), [])
}

export function booleanFeed(data: Uint8Array, shape: readonly number[]): Feed {
  return new onnx.Tensor('bool', data, shape)
}
