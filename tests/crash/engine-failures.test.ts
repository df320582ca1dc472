/** What goes wrong inside an engine ends an attempt as the right error, and the same worker serves the next (rule 8). */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { stepsOfNextCall } from '../../activities/update.ts'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { encodeWeights, initialiseLlama, OutOfMemoryError, storeWeights } from '../../engine/index.ts'
import { permanentErrors } from '../../shared/errors.ts'
import { withField } from '../../shared/settings.ts'
import { DirectWorker, MeddledEngine, smallConfig } from '../support/activities.ts'
import { artefactsOf, openPlace } from '../support/run.ts'

const servers = { temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }
const base = { run: 'small', round: 0, role: 'solver', version: 0, course: 'base' }
let place: Awaited<ReturnType<typeof openPlace>>
let opened: OpenDatabase
let worker: DirectWorker
let engine: MeddledEngine

beforeAll(async () => {
  place = await openPlace(servers)
  opened = await openDatabase(place.databaseUrl)
  engine = new MeddledEngine()
  worker = new DirectWorker(place, opened, engine)
  const round = { recipe: 'spc', round: 0, state: 'running' } as const
  const wild = withField(smallConfig(), 'base.learningRate', 1e30)
  await worker.attempt(({ openRound }) => openRound({ ...round, run: 'small', config: smallConfig() }))
  await worker.attempt(({ openRound }) => openRound({ ...round, run: 'wild', config: wild }))
}, 120_000)

afterAll(async () => {
  await worker.close()
  await opened.close()
  await place.close()
})

async function failureOf(attempt: Promise<void>): Promise<Error> {
  return attempt.then(
    () => expect.unreachable('the attempt succeeds'),
    (error: unknown) => {
      if (error instanceof Error) return error
      throw error
    },
  )
}

test('a loss that is not finite ends the run, and says what to change', async () => {
  const failure = await failureOf(worker.attempt(({ update }) => update({ ...base, run: 'wild' })))
  expect(failure).toBeInstanceOf(ApplicationFailure)
  expect(failure).toMatchObject({ type: 'NonFiniteLossError', nonRetryable: true })
  expect(failure.message).toMatch(/Lower the learning rate/)
})

test('weights of another shape are refused, and the tensor is named', async () => {
  const model = { vocabulary: 9, width: 8, layers: 1, heads: 1, keyValueHeads: 1, hidden: 8 }
  const other = { ...model, ropeTheta: 1000, context: 16, normEpsilon: 1e-5 }
  const file = await storeWeights(artefactsOf(place), encodeWeights(other, initialiseLlama(other, 'x')))
  const failure = await failureOf(
    engine
      .sample({
        weights: file,
        model: { ...other, width: 16 },
        prompts: [[1]],
        samplesPerPrompt: 1,
        maximumNewTokens: 1,
        stopTokens: [],
        temperature: 0,
        uniforms: new Float32Array(),
        padToken: 0,
        promptLength: 2,
        batch: 1,
      })
      .then(() => undefined),
  )
  expect(failure.name).toBe('WeightsMismatchError')
  expect(permanentErrors).toContain(failure.name)
  expect(failure.message).toMatch(/model.embed_tokens.weight is \[9, 8\], the model needs \[9, 16\]/)
})

test.runIf(process.platform === 'linux')('who needs more memory than there is is told, and may try again', async () => {
  const model = { vocabulary: 32, width: 64, layers: 1, heads: 4, keyValueHeads: 4, hidden: 64 }
  const plan = {
    model: { ...model, ropeTheta: 1000, context: 2048, normEpsilon: 1e-5 },
    weights: { initialise: 'x' },
    loss: [{ term: 'nll', weight: 1 }] as const,
    optimizer: {
      learningRate: 1e-3,
      warmupSteps: 0,
      totalSteps: 1,
      decay: 'constant',
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 0,
    } as const,
    batchRows: 16,
    length: 2048,
    stepsPerCall: 1,
    padToken: 0,
  }
  const { trainerId } = await engine.openTrainer(plan)
  const { pid } = engine
  const size = Number(/VmSize:\s*(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  execFileSync('prlimit', ['--pid', String(pid), `--as=${size + 2 ** 26}`])
  const row = {
    tokens: Array.from({ length: 2048 }, () => 1),
    completionFrom: 1,
    kind: 'supervised',
    advantage: 0,
  } as const
  const failure = await failureOf(engine.trainSteps(trainerId, [[row]]).then(() => undefined))
  expect([OutOfMemoryError.name, 'EngineDiedError']).toContain(failure.name)
  expect(failure.message).toMatch(/Take fewer rows per batch/)
  expect((await engine.openTrainer({ ...plan, batchRows: 1, length: 8 })).step).toBe(0)
  expect(engine.pid).not.toBe(pid)
})

test('a call that does not come back is not waited for by who is told to stop; the next attempt is served', async () => {
  await engine.kill()
  engine.steps.length = 0
  const attempt = worker.begin(({ update }) => update(base))
  attempt.ended.catch(() => undefined)
  await expect.poll(() => engine.steps.length, { timeout: 60_000 }).toBeGreaterThan(0)
  const { pid } = engine
  process.kill(pid ?? 0, 'SIGSTOP')
  attempt.cancel()
  expect(await failureOf(attempt.ended)).toBeInstanceOf(CancelledFailure)
  expect(engine.pid).not.toBe(pid)
  await worker.attempt(({ update }) => update(base))
  expect(engine.steps.at(-1)).toBe(640)
}, 240_000)

test('calls hold about a second of steps, one at the least', () => {
  expect([stepsOfNextCall(1, 0.1), stepsOfNextCall(8, 2), stepsOfNextCall(1, 30), stepsOfNextCall(1, 1e-6)]).toEqual([
    10, 4, 1, 32,
  ])
})
