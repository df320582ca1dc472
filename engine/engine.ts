/** The engine inside one process: sampling, scoring and training, with compiled graphs kept between calls. */
import type { SessionOptions } from './runtime/session.ts'
import { SessionCache } from './runtime/session-cache.ts'
import { sampleCompletions, type SampleRequest, type SampleResult } from './sampling/sample.ts'
import { runNetwork, type RunNetworkRequest } from './scoring/network.ts'
import { scoreRows, type ScoreRequest } from './scoring/score.ts'

/** Threads and device. */
export type EngineOptions = SessionOptions

export class Engine {
  readonly #sessions: SessionCache

  constructor(options: EngineOptions = {}) {
    this.#sessions = new SessionCache(options)
  }

  sample(request: SampleRequest): Promise<SampleResult> {
    return sampleCompletions(request, this.#sessions)
  }

  score(request: ScoreRequest): Promise<Float32Array[]> {
    return scoreRows(request, this.#sessions)
  }

  /** [rows, ...outputs] of a small network. */
  runNetwork(request: RunNetworkRequest): Promise<Float32Array> {
    return runNetwork(request, this.#sessions)
  }

  async close(): Promise<void> {
    await this.#sessions.close()
  }
}
