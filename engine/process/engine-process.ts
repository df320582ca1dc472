/** An engine in a child process: a run blocks the thread that makes it, so a worker must not make it itself. */
import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { EngineOptions } from '../engine.ts'
import type { Metadata } from '../weights/checkpoint.ts'
import { MEMORY_REMEDY, OutOfMemoryError } from '../runtime/errors.ts'
import {
  type Computed,
  type EngineMethods,
  hasId,
  isComputed,
  isFailure,
  isSuccessOf,
  type MethodName,
} from './protocol.ts'

type Parameters<Name extends MethodName> = EngineMethods[Name]['parameters']
type Result<Name extends MethodName> = Promise<EngineMethods[Name]['result']>

/** What a stored file says of itself. */
interface Said {
  readonly metadata?: Metadata
}

/** The engine process ended while calls were pending. The next call starts a new process, which knows no trainers. */
export class EngineDiedError extends Error {
  override readonly name = 'EngineDiedError'
}

/** An error thrown inside the engine process; `name` is that of its class there, for example 'NonFiniteLossError'. */
export class EngineCallError extends Error {
  /** The stack inside the engine process. */
  readonly remoteStack: string

  constructor(error: { readonly name: string; readonly message: string; readonly stack: string }) {
    super(error.message)
    this.name = error.name
    this.remoteStack = error.stack
  }
}

interface Child {
  readonly process: ChildProcess
  /** What settles each call: a reply, or why there is none. */
  readonly pending: Map<number, (outcome: unknown) => void>
  readonly exited: Promise<void>
}

/**
 * Starts a process at the first call, and another at the first call after it died. Calls are answered in order. An idle engine
 * does not keep the process of its caller alive.
 */
export class EngineProcess {
  readonly #options: EngineOptions
  #child: Child | null = null
  #lastId = 0
  #lastCall: Promise<unknown> = Promise.resolve()
  /** Is told of every call when it has been computed. */
  onComputed: ((computed: Computed) => void) | null = null

  constructor(options: EngineOptions = {}) {
    this.#options = options
  }

  /** Process id of the running child. */
  get pid(): number | undefined {
    return this.#child?.process.pid
  }

  sample(request: Parameters<'sample'>): Result<'sample'> {
    return this.#call('sample', request)
  }

  /** Completions by an adapter over a frozen base. */
  sampleAdapted(request: Parameters<'sampleAdapted'>): Result<'sampleAdapted'> {
    return this.#call('sampleAdapted', request)
  }

  score(request: Parameters<'score'>): Result<'score'> {
    return this.#call('score', request)
  }

  openTrainer(request: Parameters<'openTrainer'>): Result<'openTrainer'> {
    return this.#call('openTrainer', request)
  }

  /** One optimizer step per batch. */
  trainSteps(
    trainerId: string,
    batches: Parameters<'trainSteps'>['batches'],
    how: Parameters<'trainSteps'>['how'] = {},
  ): Result<'trainSteps'> {
    return this.#call('trainSteps', { trainerId, batches, how })
  }

  /** Weights, moments and step as <directory>/<sha256>.safetensors. */
  saveCheckpoint(trainerId: string, directory: string, { metadata = {} }: Said = {}): Result<'saveCheckpoint'> {
    return this.#call('saveCheckpoint', { trainerId, directory, metadata })
  }

  /** Weights under their Hugging Face names as <directory>/<sha256>.safetensors. */
  saveWeights(trainerId: string, directory: string, { metadata = {} }: Said = {}): Result<'saveWeights'> {
    return this.#call('saveWeights', { trainerId, directory, metadata })
  }

  /** Stores the initial weights of a seed. */
  initialiseWeights(request: Parameters<'initialiseWeights'>): Result<'initialiseWeights'> {
    return this.#call('initialiseWeights', request)
  }

  /** Reads a model as others publish it (see readPretrained) and stores its weights as <directory>/<sha256>.safetensors. */
  adoptModel(request: Parameters<'adoptModel'>): Result<'adoptModel'> {
    return this.#call('adoptModel', request)
  }

  async closeTrainer(trainerId: string): Promise<void> {
    await this.#call('closeTrainer', { trainerId })
  }

  /** Opens a trainer of a small network. */
  openNetwork(request: Parameters<'openNetwork'>): Result<'openNetwork'> {
    return this.#call('openNetwork', request)
  }

  /** One optimizer step per batch. */
  trainNetwork(trainerId: string, batches: Parameters<'trainNetwork'>['batches']): Result<'trainNetwork'> {
    return this.#call('trainNetwork', { trainerId, batches })
  }

  /** Parameters, moments, moving average and step as <directory>/<sha256>.safetensors. */
  saveNetwork(trainerId: string, directory: string, { metadata = {} }: Said = {}): Result<'saveNetwork'> {
    return this.#call('saveNetwork', { trainerId, directory, metadata })
  }

  /** The outputs of a stored network. */
  runNetwork(request: Parameters<'runNetwork'>): Result<'runNetwork'> {
    return this.#call('runNetwork', request)
  }

  async closeNetwork(trainerId: string): Promise<void> {
    await this.#call('closeNetwork', { trainerId })
  }

  /** Ends the process at once; pending calls reject with EngineDiedError. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    // Else a program whose last statement this is would end before the process has.
    child.process.ref()
    child.process.kill('SIGKILL')
    await child.exited
  }

  /** Lets pending calls finish, then ends the process. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === null) return
    await Promise.allSettled([this.#lastCall])
    child.process.ref()
    if (child.process.connected) child.process.disconnect()
    await child.exited
  }

  #call<Name extends MethodName>(method: Name, parameters: Parameters<Name>): Result<Name> {
    const child = (this.#child ??= this.#start())
    this.#lastId += 1
    const id = this.#lastId
    const result: Result<Name> = new Promise((resolve, reject) => {
      child.pending.set(id, (outcome) => {
        if (outcome instanceof Error) reject(outcome)
        else if (isFailure(outcome)) reject(new EngineCallError(outcome.error))
        else if (isSuccessOf(method, outcome)) resolve(outcome.result)
        else reject(new EngineDiedError(`the engine process answered ${method} with something else`))
      })
      holdOpen(child, true)
      child.process.send({ id, method, parameters }, (error) => {
        if (error !== null) settle(child, id, new EngineDiedError(error.message))
      })
    })
    this.#lastCall = result
    return result
  }

  #start(): Child {
    // tsx is resolved from here, so that the caller's working directory does not matter.
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const childProcess = fork(fileURLToPath(new URL('./child.ts', import.meta.url)), [JSON.stringify(this.#options)], {
      execArgv: ['--import', tsx],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const pending = new Map<number, (outcome: unknown) => void>()
    const exited = new Promise<void>((resolve) => {
      const ended = (reason: string): void => {
        if (this.#child === child) this.#child = null
        for (const id of pending.keys()) {
          settle(child, id, new EngineDiedError(`the engine process ended: ${reason}`))
        }
        resolve()
      }
      childProcess.once('error', (error) => ended(error.message))
      childProcess.once('exit', (code, signal) => ended(howItEnded(code, signal)))
    })
    const child: Child = { process: childProcess, pending, exited }
    childProcess.on('message', (reply: unknown) => {
      if (isFailure(reply) && reply.error.name === OutOfMemoryError.name) {
        // The runtime's arenas keep what they took. A process that starts afresh has all of the memory again.
        if (this.#child === child) this.#child = null
        childProcess.kill('SIGKILL')
      }
      if (!hasId(reply)) return
      if (isComputed(reply)) this.onComputed?.(reply.computed)
      settle(child, reply.id, reply)
    })
    return child
  }
}

function settle(child: Child, id: number, outcome: unknown): void {
  const pending = child.pending.get(id)
  child.pending.delete(id)
  if (child.pending.size === 0) holdOpen(child, false)
  pending?.(outcome)
}

/** Linux kills who asks for too much memory, and V8 aborts when its heap is full; neither leaves a word. */
function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL' || signal === 'SIGABRT') return `${signal}, by hand or as memory ran out. ${MEMORY_REMEDY}`
  return signal ?? `exit code ${code}`
}

/** Whether the child keeps the event loop of this process running. */
function holdOpen(child: Child, hold: boolean): void {
  if (hold) {
    child.process.ref()
    child.process.channel?.ref()
  } else {
    child.process.unref()
    child.process.channel?.unref()
  }
}
