/** Entry point of the engine process (see engine-process.ts, which forks it). */
import type { EngineOptions } from '../engine.ts'
import { isOutOfMemory, OutOfMemoryError, sorted } from '../runtime/errors.ts'
import { type Call, type Failure, isCall } from './protocol.ts'
import { EngineService } from './service.ts'

const options: EngineOptions = JSON.parse(process.argv[2] ?? '{}')
const service = new EngineService(options)

/** Calls run one after another: a run blocks the thread anyway, and trainers keep state between calls. */
let queue: Promise<void> = Promise.resolve()

process.on('message', (message: unknown) => {
  if (isCall(message)) queue = queue.then(() => answer(message))
})
// The parent died or closed the channel: nobody will read the results.
process.on('disconnect', () => process.exit(0))

async function answer(call: Call): Promise<void> {
  const from = Date.now()
  const reply = await attempt(call)
  process.send?.({ ...reply, computed: { from, to: Date.now() } })
}

async function attempt(call: Call): Promise<object> {
  try {
    return { id: call.id, method: call.method, result: await service.handle(call) }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const isPlain = isOutOfMemory(error) && !(error instanceof OutOfMemoryError)
    const { name, message, stack = '' } = isPlain ? sorted(call.method, error) : error
    return { id: call.id, error: { name, message, stack } } satisfies Failure
  }
}
