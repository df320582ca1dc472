/** The engine process: it can be killed at any time, and two of them compute the same bytes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { EngineProcess, type StoredFile } from '../../../engine/index.ts'
import { batchOf, MODEL, PLAN, thrownBy, uniforms } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'sparring-process-'))
const engines: EngineProcess[] = []

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.kill()
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const { threads: _, ...TRAINER } = PLAN
const BATCHES = [1, 2, 3, 4, 5, 6, 7, 8].map(batchOf)

function start(): EngineProcess {
  const engine = new EngineProcess()
  engines.push(engine)
  return engine
}

async function train(engine: EngineProcess): Promise<{ checkpoint: StoredFile; weights: StoredFile }> {
  const { trainerId } = await engine.openTrainer({ ...TRAINER, weights: { initialise: 'seed' } })
  for (const half of [BATCHES.slice(0, 4), BATCHES.slice(4)]) await engine.trainSteps(trainerId, half)
  const checkpoint = await engine.saveCheckpoint(trainerId, directory, { metadata: { run: 'r' } })
  const weights = await engine.saveWeights(trainerId, directory, { metadata: { run: 'r' } })
  await engine.closeTrainer(trainerId)
  return { checkpoint, weights }
}

describe('engine process', () => {
  it('computes the same bytes in two processes, and after a kill in the middle', async () => {
    const [first, second] = [start(), start()]
    const expected = await train(first)
    expect(await train(second)).toEqual(expected)

    const { trainerId } = await first.openTrainer({ ...TRAINER, weights: { initialise: 'seed' } })
    await first.trainSteps(trainerId, BATCHES.slice(0, 4))
    const half = await first.saveCheckpoint(trainerId, directory, { metadata: { run: 'r' } })
    await first.kill()
    const weights = { initialise: 'not used, for there is a checkpoint' }
    const resumed = await first.openTrainer({ ...TRAINER, weights, resume: half })
    expect(resumed.step).toBe(4)
    await first.trainSteps(resumed.trainerId, BATCHES.slice(4))
    expect(await first.saveCheckpoint(resumed.trainerId, directory, { metadata: { run: 'r' } })).toEqual(
      expected.checkpoint,
    )
  })

  it('samples and scores stored weights like the process that stored them', async () => {
    const engine = start()
    const weights = await engine.initialiseWeights({ model: MODEL, seed: 's', directory, metadata: {} })
    const request = {
      weights,
      model: MODEL,
      prompts: [
        [1, 2, 3],
        [4, 5],
      ],
      samplesPerPrompt: 2,
      maximumNewTokens: 5,
      stopTokens: [],
      temperature: 1,
      uniforms: uniforms(20),
      padToken: 0,
      promptLength: 4,
      batch: 2,
    }
    const { completions } = await engine.sample(request)
    expect(completions.map((tokens) => tokens.length)).toEqual([5, 5, 5, 5])
    await engine.kill()
    expect((await engine.sample(request)).completions).toEqual(completions)
    const rows = completions.map((tokens) => ({ tokens: [9, ...tokens], completionFrom: 1 }))
    const scores = await engine.score({ weights, model: MODEL, rows, length: 6, batch: 4, padToken: 0 })
    expect(
      scores.every((row) => row instanceof Float32Array && row.length === 5 && row.every((logp) => logp < 0)),
    ).toBe(true)
  })

  it('rejects pending calls when the child dies, and works again', async () => {
    const engine = start()
    const { trainerId } = await engine.openTrainer({ ...TRAINER, weights: { initialise: 'seed' } })
    const { pid } = engine
    const calls = [engine.trainSteps(trainerId, BATCHES.slice(0, 4)), engine.trainSteps(trainerId, BATCHES.slice(4))]
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    const results = await Promise.allSettled(calls)
    for (const result of results) {
      expect(result.status === 'rejected' && String(result.reason)).toMatch(
        /^EngineDiedError: the engine process ended: SIGKILL, by hand or as memory ran out\./,
      )
    }
    const unknown = await thrownBy(() => engine.trainSteps(trainerId, BATCHES.slice(0, 1)))
    expect(unknown.name).toBe('UnknownTrainerError')
    expect(engine.pid).not.toBe(pid)
    await train(engine)
  })

  it('passes errors on by name and message', async () => {
    const engine = start()
    const weights = await engine.initialiseWeights({ model: MODEL, seed: 's', directory, metadata: { copy: '2' } })
    writeFileSync(weights.path, 'damaged')
    const rows = [{ tokens: [1, 2], completionFrom: 1 }]
    const error = await thrownBy(() => engine.score({ weights, model: MODEL, rows, length: 4, batch: 1, padToken: 0 }))
    expect(error.name).toBe('CorruptWeightsError')
    expect(error.message).toContain(weights.path)
  })

  it('closes after the pending calls', async () => {
    const engine = start()
    const opened = engine.openTrainer({ ...TRAINER, weights: { initialise: 'seed' } })
    await engine.close()
    expect((await opened).step).toBe(0)
    expect(engine.pid).toBeUndefined()
  })
})
