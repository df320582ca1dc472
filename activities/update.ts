import { join } from 'node:path'
import type { Database } from '../db/client.ts'
import {
  listCheckpoints,
  type Metric,
  publishPolicy,
  readPolicy,
  storeCheckpoint,
  storeMetrics,
  sumMetric,
} from '../db/policies.ts'
import { commitShard, isShardDone, readItems, readRows } from '../db/shards.ts'
import {
  bestLineSize,
  CorruptWeightsError,
  type EngineProcess,
  MissingWeightsError,
  readStoredWeights,
  type StepMetrics,
  type WeightsReference,
} from '../engine/index.ts'
import { range } from '../shared/collections.ts'
import type { UpdatePlace } from '../shared/contract.ts'
import { UserError } from '../shared/errors.ts'
import { policyName, type PolicySource } from '../shared/ids.ts'
import { ADOPTED, isAdopted } from '../shared/models.ts'
import type { BaseConfig, Course, Lesson } from '../shared/recipe.ts'
import type { Dependencies } from './dependencies.ts'
import type { Attempt } from './running.ts'
import { engineTerm, RowsAhead, trainingRows } from './training-rows.ts'
import { readSettings, type RoundSettings, weightsOf } from './settings.ts'

/** The most optimizer steps of one engine call. */
const MOST_STEPS_PER_CALL = 32
/** Optimizer steps of one stored checkpoint: fewer where the model is large, and a step takes seconds. */
const STEPS_PER_CHECKPOINT = 160
const STEPS_PER_CHECKPOINT_OF_ADOPTED = 16

/** An update that has more left than this is worth a second thread, which takes a second to start. */
const SECONDS_WORTH_A_THREAD = 8

/** How many steps take about a second. Steps give the same bytes however they are grouped into calls, so time may decide. */
export function stepsOfNextCall(steps: number, seconds: number): number {
  return Math.max(1, Math.min(MOST_STEPS_PER_CALL, Math.floor(steps / seconds)))
}

/**
 * Trains one policy and publishes it. Every `STEPS_PER_CHECKPOINT` steps the optimizer's state is stored, and a later
 * attempt goes on from the newest one with the same bytes (DESIGN section 4, rules 3 and 7).
 */
export async function updatePolicy(dependencies: Dependencies, input: UpdatePlace, attempt: Attempt): Promise<void> {
  const { database, engines, worker } = dependencies
  const { run, round, role, version, course } = input
  const { times } = attempt
  const place = { run, round, phase: `update ${role}`, shard: 0 }
  if (await times.storing(isShardDone(database, place))) return
  const settings = await times.storing(readSettings(dependencies, run, round))
  const { recipe, config } = settings
  const definition = recipe.courses[course]
  if (!definition) throw new Error(`recipe ${recipe.name} has no course ${course}`)
  const context = { config, round, phase: place.phase }
  const rows = await times.storing(readRows(database, { run, rounds: definition.rounds(context) }))
  const sets = definition.sets ?? []
  const library = await times.storing(readItems(database, { run, rounds: [0], sets }))
  const lesson = definition.lesson(context, { ...rows, items: [...library, ...rows.items] })

  const from = definition.from(context)
  const trained =
    lesson.steps === 0 && from?.run !== undefined
      ? await times.storing(taken(dependencies, settings, { ...from, run: from.run }, definition.alike))
      : await engines.use({ ...attempt, device: config.device }, (engine) =>
          train(dependencies, engine, { ...attempt, input, settings, definition, lesson }),
        )
  const policy = { run, role, version, round, course, ...trained.file, lesson: lesson.report }
  const cost = { tokens: trained.tokens, rows: lesson.steps, worker, spent: () => times.spent() }
  const stored = commitShard(database, place, cost, async (transaction) => {
    await storeMetrics(transaction, input, trained.metrics)
    await publishPolicy(transaction, policy, lesson.consumed)
  })
  await times.storing(stored)
}

/** Another run's policy as it is: nothing is trained, and its file is this policy's too. */
async function taken(
  dependencies: Dependencies,
  settings: RoundSettings,
  { run, ...policy }: Required<PolicySource>,
  alike: readonly string[] = [],
) {
  const { sha256, bytes } = await readPolicy(dependencies.database, run, policy)
  const theirs = await readSettings(dependencies, run, 0)
  if (formOf(theirs) !== formOf(settings)) {
    throw new UserError(
      `${policyName(policy)} of run ${run} has another model than this run`,
      `take the model and the adapter's form from that run: \`sparring status ${run} --json\` shows them`,
    )
  }
  for (const field of alike) {
    const [has, wanted] = [fieldOf(theirs, field), fieldOf(settings, field)]
    if (has !== wanted) {
      throw new UserError(
        `${field}: ${wanted}, but ${policyName(policy)} of run ${run} was trained with ${has}`,
        `set ${field} to ${has}, or take a policy of another run`,
      )
    }
  }
  return { file: { sha256, bytes }, tokens: 0, metrics: [] }
}

const fieldOf = ({ config }: RoundSettings, field: string): string =>
  JSON.stringify(Object.entries(config).find(([name]) => name === field)?.[1]) ?? 'none'

/** What a file of weights is of: the form of a model, and of an adapter with what it is over. */
function formOf({ model, lora }: RoundSettings): string {
  return JSON.stringify([{ ...model, context: 0 }, lora && { ...lora, base: lora.base.sha256 }])
}

interface Training extends Attempt {
  input: UpdatePlace
  settings: RoundSettings
  definition: Course<BaseConfig>
  lesson: Lesson
}

async function train(dependencies: Dependencies, engine: EngineProcess, training: Training) {
  const { database, artefacts, engines } = dependencies
  const { input, settings, definition, lesson, signal, times, report } = training
  const { run, round, role, version } = input
  const { config, model, texts, lora } = settings
  const context = { config, round, phase: input.course }
  const loss = definition.loss(config)
  const from = definition.from(context)
  // What is trained from nothing in a run of whole models begins, with an adopted one, as that model.
  const start = from ?? (isAdopted(config.model) && !lora ? ADOPTED : null)
  const initial = start
    ? await times.storing(weightsOf(dependencies, from?.run ?? run, start))
    : { initialise: `${config.seed}/${policyName({ role, version })}` }
  const place = { run, round, course: input.course, settings, signal }
  const rows = new RowsAhead(await trainingRows(dependencies, engine, place, { definition, lesson, loss }))
  const resume = await times.storing(newestCheckpoint(database, artefacts, input))
  const optimizer = definition.optimizer(config, lesson.steps)
  const sizes = rowSizes(definition, { config, lesson, rows })
  const { trainerId, step: done } = await engine.openTrainer({
    model,
    loss: loss.map(engineTerm),
    weights: initial,
    ...(lora && { lora }),
    ...(resume ? { resume } : {}),
    optimizer: {
      ...optimizer,
      totalSteps: Math.max(1, lesson.steps),
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
    },
    batchRows: definition.batchRows(config),
    length: sizes.longest,
    lineSize: bestLineSize({ ...sizes, model }),
    stepsPerCall: MOST_STEPS_PER_CALL,
    padToken: texts.padToken,
  })
  const checkpoint = nextCheckpoint(settings)
  try {
    // Steps of earlier attempts count too: the ledger holds what the update took, whoever computed it.
    let tokens = await times.storing(sumMetric(database, input, 'tokens', done))
    let metrics: Metric[] = []
    let chunk = 1
    /** A card is one device, with memory of its own. */
    const helped = (config.device ?? 'cpu') === 'cpu'
    /** Seconds, at the speed of the last call. */
    let left = 0
    /** Seconds of this attempt's steps. */
    let spent = 0
    for (let step = done; step < lesson.steps;) {
      signal.throwIfAborted()
      const secondsPerStep = step > done ? spent / (step - done) : null
      report({ role, version, step, steps: lesson.steps, resumedFrom: done, secondsPerStep })
      const until = Math.min(step + chunk, lesson.steps, checkpoint(step))
      const steps = range(step, until).map((index) => rows.take(index))
      const began = performance.now()
      // An idle engine's core computes half of each batch; the bytes are the same.
      const spare = left > SECONDS_WORTH_A_THREAD && helped ? engines.borrow() : null
      const batches = steps.map((made) => made.rows)
      const computing = engine
        .trainSteps(trainerId, batches, { sideBySide: spare !== null })
        .finally(() => spare?.giveBack())
      // The engine computes in a process of its own; this one makes the rows of the next call meanwhile.
      rows.prepare(range(until, Math.min(until + steps.length, lesson.steps)))
      const measured = await computing
      const seconds = (performance.now() - began) / 1000
      spent += seconds
      chunk = stepsOfNextCall(steps.length, seconds)
      left = (seconds / steps.length) * (lesson.steps - until)
      tokens += measured.reduce((sum, row) => sum + row.tokens, 0)
      metrics.push(...measured.flatMap(metricRows))
      metrics.push(...steps.flatMap(({ leftOut }, index) => leftOutRow(step + index + 1, leftOut)))
      step = until
      if (step === checkpoint(step - 1) && step < lesson.steps) {
        const { sha256, bytes } = await engine.saveCheckpoint(trainerId, artefacts)
        await times.storing(storeCheckpoint(database, { run, role, version, step, sha256, bytes }, metrics))
        metrics = []
      }
    }
    const metadata = { role, version: String(version), course: input.course }
    const { sha256, bytes } = await engine.saveWeights(trainerId, artefacts, { metadata })
    return { file: { sha256, bytes }, tokens, metrics }
  } finally {
    // When the engine died its trainer went with it, and a complaint about that must not hide why the engine died.
    await engine.closeTrainer(trainerId).catch(() => undefined)
  }
}

/**
 * By which rows the line size is chosen, from whichever step this attempt goes on: lines decide the order of sums, and so the bytes.
 * A task's own rows are much alike, and the first step's tell. Texts of people are as long as they are: all of them are looked at.
 */
function rowSizes(
  definition: Course<BaseConfig>,
  { config, lesson, rows }: { config: BaseConfig; lesson: Lesson; rows: RowsAhead },
): { batches: number[][]; longest: number } {
  const texts = isAdopted(config.model)
  const batches = range(0, texts ? lesson.steps : Math.min(1, lesson.steps)).map((step) =>
    rows.take(step).rows.map(({ tokens }) => tokens.length),
  )
  const longest = batches.flat().reduce((most, size) => Math.max(most, size), 2)
  return { batches, longest: texts ? longest : definition.length(config) }
}

/** The step of the next checkpoint behind one. */
function nextCheckpoint({ config }: RoundSettings): (step: number) => number {
  const every = isAdopted(config.model) ? STEPS_PER_CHECKPOINT_OF_ADOPTED : STEPS_PER_CHECKPOINT
  return (step) => (Math.floor(step / every) + 1) * every
}

/** The newest checkpoint of this update whose file is there and whole. A damaged one costs steps, not the run. */
async function newestCheckpoint(
  database: Database,
  artefacts: string,
  input: UpdatePlace,
): Promise<WeightsReference | null> {
  for (const { sha256 } of await listCheckpoints(database, input.run, input)) {
    const path = join(artefacts, `${sha256}.safetensors`)
    try {
      await readStoredWeights({ sha256, path })
      return { sha256, path }
    } catch (error) {
      if (!(error instanceof MissingWeightsError || error instanceof CorruptWeightsError)) throw error
    }
  }
  return null
}

const leftOutRow = (step: number, value: number): Metric[] => (value > 0 ? [{ step, name: 'left_out', value }] : [])

function metricRows({ step, terms, ...measured }: StepMetrics): Metric[] {
  return Object.entries({ ...measured, ...terms }).flatMap(([name, value]) =>
    typeof value === 'number' && Number.isFinite(value) ? [{ step, name, value }] : [],
  )
}
