/**
 * node-llama-cpp's side of `npm run bench -- sample`: the rows are parallel sequences of one context, which batches them. Reads lines
 * of JSON from standard input and answers each on standard output (see bench/candidate.ts). node-llama-cpp is no dependency of this
 * project: the plan names the module.
 */
import { createInterface } from 'node:readline'

const plan = JSON.parse(process.argv[2])
const { getLlama } = await import(plan.module)

const began = performance.now()
const llama = await getLlama({
  gpu: false,
  build: 'never',
  progressLogs: false,
  logLevel: 'error',
  maxThreads: plan.threads,
})
const model = await llama.loadModel({ modelPath: plan.file })
const context = await model.createContext({
  sequences: plan.batchRows,
  contextSize: plan.capacity,
  threads: { ideal: plan.threads, min: plan.threads },
})
const sequences = Array.from({ length: plan.batchRows }, () => context.getSequence())

/** Greedy, and the end of a text is a token like any other. */
async function complete(sequence, prompt, count) {
  await sequence.clearHistory()
  const made = []
  for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    made.push(token)
    if (made.length === count) break
  }
  if (made.length !== count) throw new Error(`${made.length} tokens in the place of ${count}`)
  return made
}

const generate = (prompts, count) =>
  Promise.all(prompts.map((prompt, index) => complete(sequences[index], prompt, count)))
const say = (message) => console.log(JSON.stringify(message))

await generate([[1, 2, 3]], 2)
say({ ready: { version: plan.version, buildSeconds: (performance.now() - began) / 1000 } })
for await (const line of createInterface({ input: process.stdin })) {
  const { batches, newTokens } = JSON.parse(line)
  const [from, used] = [performance.now(), process.cpuUsage()]
  const tokens = []
  for (const prompts of batches) tokens.push(await generate(prompts, newTokens))
  const { user, system } = process.cpuUsage(used)
  const wall = (performance.now() - from) / 1000
  say({ wall, cpu: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1024, tokens })
}
await llama.dispose()
