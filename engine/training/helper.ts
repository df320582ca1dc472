/** A thread that computes the other half of a batch. */
import { Worker } from 'node:worker_threads'
import { GraphRunError, isOutOfMemory, OutOfMemoryError } from '../runtime/errors.ts'
import type { SessionOptions } from '../runtime/session.ts'
import type { TrainingGraphOptions } from './batch-gradient.ts'
import type { Half, HalfRequest } from './half.ts'

/** What the thread is started with. */
export interface HelperData {
  readonly options: TrainingGraphOptions
  readonly session: SessionOptions
}

/** What the thread answers: how a request ended. */
export type HelperReply = { readonly half: Half | null } | { readonly error: Error }

export class Helper {
  readonly #thread: Worker

  private constructor(thread: Worker) {
    this.#thread = thread
  }

  /** Starts the thread and compiles the graph there. */
  static async open(options: TrainingGraphOptions, session: SessionOptions): Promise<Helper> {
    const workerData: HelperData = { options, session }
    const thread = new Worker(new URL('./helper-thread.mjs', import.meta.url), { workerData })
    const helper = new Helper(thread)
    await helper.#reply()
    return helper
  }

  async compute(request: HalfRequest): Promise<Half> {
    const reply = this.#reply()
    this.#thread.postMessage(request)
    const half = await reply
    if (half === null) throw new Error('the helper thread computed nothing')
    return half
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }

  /** The answer to the only request under way. */
  #reply(): Promise<Half | null> {
    const thread = this.#thread
    return new Promise((resolve, reject) => {
      const ended = (code: number): void => settle({ error: new Error(`the helper thread ended with code ${code}`) })
      const failed = (error: Error): void => settle({ error })
      const settle = (reply: HelperReply): void => {
        thread.off('message', settle).off('error', failed).off('exit', ended)
        if (!('error' in reply)) resolve(reply.half)
        // A class does not survive the way between threads.
        else reject(new (isOutOfMemory(reply.error) ? OutOfMemoryError : GraphRunError)(reply.error.message))
      }
      thread.on('message', settle).on('error', failed).on('exit', ended)
    })
  }
}
