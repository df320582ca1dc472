/** Running graphs with ONNX Runtime. */
import { join } from 'node:path'
import * as onnx from 'onnxruntime-node'
import type { GraphBody } from '../graph/types.ts'
import { filesFolder, serialise } from '../graph/serialise.ts'
import { type Device, deviceError, providersOf } from './device.ts'
import { forWebGpu } from './webgpu.ts'
import { OutOfMemoryError, sorted } from './errors.ts'

export type Feed = onnx.Tensor

export interface SessionOptions {
  /** Threads inside one operator, 1 unless given. The results of some operators depend on it, so it belongs to a plan. */
  readonly threads?: number
  /** 'cpu' unless given. */
  readonly device?: Device
  /** A folder in which release() leaves the runtime's profile of this session. */
  readonly profile?: string
  /**
   * Whether the runtime may put constant matrices into an order of its own, which adds products up in another order. It does unless
   * told otherwise, but not for those that are used in a loop inside of a loop.
   */
  readonly prepacked?: boolean
}

/** A compiled graph. */
export class Session {
  readonly #session: onnx.InferenceSession
  readonly #graph: string
  readonly #profiled: boolean

  private constructor(session: onnx.InferenceSession, graph: string, profiled: boolean) {
    this.#session = session
    this.#graph = graph
    this.#profiled = profiled
  }

  /** Compiles a graph. Throws DeviceError, OutOfMemoryError or GraphRunError. */
  static async create(graph: GraphBody, options: SessionOptions = {}): Promise<Session> {
    const { threads = 1, device = 'cpu', profile, prepacked = true } = options
    const folder = filesFolder(graph)
    try {
      const session = await onnx.InferenceSession.create(serialise(device === 'webgpu' ? forWebGpu(graph) : graph), {
        executionProviders: providersOf(device),
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        // After the first run of a shape it reserves a second arena in one block: no faster, and up to 1.8 GB more (docs/decisions.md).
        enableMemPattern: false,
        logSeverityLevel: device === 'cpu' ? 3 : 4,
        extra: {
          session: {
            ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
            // Without it sums over rows differ between two runs of CUDA. On the CPU nothing differs, and nothing is chosen anew.
            ...(device === 'cpu' ? {} : { use_deterministic_compute: '1' }),
            ...(prepacked ? {} : { disable_prepacking: '1' }),
          },
        },
        ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: join(profile, graph.name) }),
      })
      return new Session(session, graph.name, profile !== undefined)
    } catch (error) {
      const failure = sorted(`compiling the graph '${graph.name}'`, error)
      throw device === 'cpu' || failure instanceof OutOfMemoryError ? failure : deviceError(device, failure)
    }
  }

  /** Runs the graph. Blocks the thread; inputs are not copied, outputs are. Throws OutOfMemoryError or GraphRunError. */
  async run(feeds: Readonly<Record<string, Feed>>): Promise<Outputs> {
    try {
      return new Outputs(await this.#session.run(feeds))
    } catch (error) {
      throw sorted(`running the graph '${this.#graph}'`, error)
    }
  }

  async release(): Promise<void> {
    if (this.#profiled) this.#session.endProfiling()
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

/** A vector unless a shape is given, and so are the others. */
export function floatFeed(data: Float32Array, shape: readonly number[] = [data.length]): Feed {
  return new onnx.Tensor('float32', data, shape)
}

export function integerFeed(data: Int32Array, shape: readonly number[] = [data.length]): Feed {
  return new onnx.Tensor('int32', data, shape)
}

export function longFeed(data: BigInt64Array, shape: readonly number[] = [data.length]): Feed {
  return new onnx.Tensor('int64', data, shape)
}

/** int64 scalar. */
export function countFeed(value: number): Feed {
  return new onnx.Tensor('int64', BigInt64Array.from([BigInt(value)]), [])
}

export function booleanFeed(data: Uint8Array, shape: readonly number[] = [data.length]): Feed {
  return new onnx.Tensor('bool', data, shape)
}
