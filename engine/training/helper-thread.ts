/** What the helper thread does (see helper.ts). */
import { parentPort, workerData } from 'node:worker_threads'
import { halfOf, type HalfRequest, openHalf } from './half.ts'
import type { HelperData, HelperReply } from './helper.ts'

const given: HelperData = workerData
const session = await openHalf(given.options, given.session)
answer({ half: null })

parentPort?.on('message', (request: HalfRequest) => {
  halfOf(session, request).then(
    (half) => answer({ half }),
    (error: Error) => answer({ error }),
  )
})

function answer(reply: HelperReply): void {
  parentPort?.postMessage(reply)
}
