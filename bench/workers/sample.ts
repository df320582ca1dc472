/** Our side of `npm run bench -- sample`: completions of prompts by a StoredSampler. Its argument is the plan as JSON (see sample.ts). */
import { readPretrained, StoredSampler } from '../../engine/index.ts'
import { serve } from '../candidate.ts'
import { samplingPlan, samplingTask } from '../sample.ts'

const { file, precision, threads, batchRows, capacity } = samplingPlan.parse(JSON.parse(process.argv[2] ?? 'null'))

const began = performance.now()
const sampler = await StoredSampler.create({
  ...(await readPretrained(file, { context: capacity })),
  rows: batchRows,
  capacity,
  temperature: 0,
  precision,
  threads,
})
const generate = async (prompts: readonly number[][], maximumNewTokens: number): Promise<number[][]> => {
  const request = { samplesPerPrompt: 1, stopTokens: [], uniforms: new Float32Array() }
  return (await sampler.sample({ prompts, maximumNewTokens, ...request })).completions
}
await generate([[1, 2, 3]], 2)

await serve({ buildSeconds: (performance.now() - began) / 1000 }, samplingTask, async ({ batches, newTokens }) => {
  const tokens: number[][][] = []
  for (const prompts of batches) tokens.push(await generate(prompts, newTokens))
  return { tokens }
})
await sampler.close()
