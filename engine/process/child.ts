/** Entry point of the engine process (see engine-process.ts, which forks it). */
import { type Call, type Failure, isCall } from './protocol.ts'
import { EngineService } from './service.ts'

const service = new EngineService({ threads: Number(process.argv[2] ?? '1') })

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
  } catch (error) {
    const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    return { id: call.id, error: { name, message, stack } } satisfies Failure
  }
}
