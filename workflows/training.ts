import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { recipeOf } from '../recipes/registry.ts'
import {
  messages,
  type RoundInput,
  type RoundProgress,
  type RunState,
  type RunStatus,
  type SetField,
  type TrainingInput,
  type TrainingResult,
} from '../shared/contract.ts'
import { roundWorkflowId } from '../shared/ids.ts'
import type { RoundSummary } from '../shared/recipe.ts'
import { withChanges, withField } from '../shared/settings.ts'
import { controlActivities } from './proxies.ts'
import { roundsOf } from './registry.ts'
import { prepare, type Progress, roundSteps } from './round.ts'
import { roundDetails, runDetails } from './details.ts'

export const statusQuery = defineQuery<RunStatus>(messages.status)
export const progressQuery = defineQuery<RoundProgress>(messages.progress)
export const pauseUpdate = defineUpdate<string>(messages.pause)
export const resumeUpdate = defineUpdate<string>(messages.resume)
export const stopAfterRoundUpdate = defineUpdate<string>(messages.stopAfterRound)
export const setUpdate = defineUpdate<string, [SetField]>(messages.set)
const setPausedSignal = defineSignal<[boolean]>(messages.setPaused)

/** The loop every run shares: round after round, each a child workflow; steered by updates; continued as new in between. */
export async function training(input: TrainingInput): Promise<TrainingResult> {
  const { branch, changes = [], ...going } = input
  const { run, queuePrefix } = input
  const control = controlActivities(queuePrefix)
  const recipe = recipeOf(input.recipe)
  const scores = [...input.scores]
  // A round keeps the configuration that it was opened with; what is changed meanwhile is the next one's.
  const { config } = input
  let later = withChanges(config, changes)
  let paused = input.paused ?? false
  let stopping = input.stopping ?? false
  let over: RunState | null = null
  let child: ChildWorkflowHandle<typeof trainingRound> | null = null

  const state = (): RunState => over ?? (paused ? 'paused' : stopping ? 'stopping' : 'running')
  const show = (): void => {
    setCurrentDetails(runDetails({ run, state: state(), round: input.round, rounds: later.rounds, scores }))
    upsertSearchAttributes({
      SparringRecipe: [input.recipe],
      SparringRound: [input.round],
      SparringScore: scores.length > 0 ? [scores.at(-1) ?? 0] : [],
      SparringState: [state()],
    })
  }
  let requests = 0
  let recorded: Promise<void> = Promise.resolve()
  // One after the other: the database must not end with the state of an order that another one overtook.
  const record = (kind: string, data: Record<string, string | number | boolean> = {}): Promise<void> => {
    show()
    const order = { run, kind, data, round: input.round, state: state() }
    const request = `${workflowInfo().runId}/${++requests}`
    const written = recorded.then(() => control.recordControl({ ...order, request }))
    recorded = written.catch(() => undefined)
    return written
  }
  const tellRound = async (): Promise<void> => {
    try {
      await child?.signal(setPausedSignal, paused)
    } catch (error) {
      // The round ended before it could hear of it. The next one begins as was asked for.
      if (isCancellation(error)) throw error
    }
  }
  const setPaused = async (value: boolean): Promise<void> => {
    paused = value
    await tellRound()
    await record(value ? 'pause' : 'resume')
  }

  const close = async (end: RunState): Promise<void> => {
    over = end
    show()
    await recorded
    await control.closeRun.executeWithOptions({ summary: `the run is ${end}` }, [{ run, state: end }])
    await control.report.executeWithOptions({ summary: 'write the report' }, [{ run }])
  }
  const finish = async (end: RunState): Promise<TrainingResult> => {
    await close(end)
    await condition(allHandlersFinished)
    return { state: end, rounds: scores.length - 1, score: scores.at(-1) ?? null }
  }

  setHandler(statusQuery, () => ({
    run,
    recipe: input.recipe,
    state: state(),
    round: input.round,
    rounds: later.rounds,
    scores,
  }))
  setHandler(
    pauseUpdate,
    async () => {
      await setPaused(true)
      return `run ${run} pauses: shards under way finish, none starts`
    },
    { validator: () => refuse(paused, `run ${run} is paused already`) },
  )
  setHandler(
    resumeUpdate,
    async () => {
      await setPaused(false)
      return `run ${run} goes on`
    },
    { validator: () => refuse(!paused, `run ${run} is not paused`) },
  )
  setHandler(
    stopAfterRoundUpdate,
    async () => {
      stopping = true
      await record('stop after round')
      return `run ${run} stops after round ${input.round}`
    },
    { validator: () => refuse(stopping, `run ${run} is stopping already`) },
  )
  setHandler(
    setUpdate,
    async ({ field, value }) => {
      later = withField(later, field, value)
      await record('set', { field, value })
      return `${field} = ${value} from round ${input.round + 1} on`
    },
    {
      validator: ({ field, value }) => {
        refuse(
          !recipe.steerable.includes(field),
          `${field} cannot be changed while a run is under way; these can: ${recipe.steerable.join(', ')}`,
        )
        const parsed = recipe.config.safeParse(withField(later, field, value))
        refuse(!parsed.success, `${field}: ${parsed.error?.issues.map((issue) => issue.message).join('; ') ?? ''}`)
      },
    },
  )

  try {
    if (branch) {
      const summary = `begin behind round ${branch.round} of run ${branch.run}`
      const adopted = { run, recipe: input.recipe, config, branch }
      scores.push(...(await control.adoptRounds.executeWithOptions({ summary }, [adopted])))
    }
    // A run that ended after its last round, but before it was marked as finished, has nothing left to play.
    if (input.round > later.rounds) return await finish('finished')
    await control.openRound.executeWithOptions({ summary: `open round ${input.round}` }, [
      { run, recipe: input.recipe, round: input.round, config, state: state() },
    ])
    show()
    await condition(() => !paused)
    const begun = paused
    child = await startChild(trainingRound, {
      workflowId: roundWorkflowId(run, input.round),
      args: [{ run, recipe: input.recipe, config, queuePrefix, round: input.round, paused }],
      parentClosePolicy: ParentClosePolicy.TERMINATE,
      staticSummary:
        input.round === 0 ? 'Round 0: make the players' : `Round ${input.round}: play, reward, update, evaluate`,
    })
    // Orders that came while the round was being started found nobody to tell.
    if (paused !== begun) await tellRound()
    const summary = await child.result()
    child = null
    scores.push(summary.score)
    const last = input.round >= later.rounds
    if (last || stopping) return await finish(last ? 'finished' : 'stopped')
  } catch (error) {
    const end = isCancellation(error) ? 'stopped' : 'failed'
    // Also a cancelled run has an end that the database must know of.
    await CancellationScope.nonCancellable(() => close(end))
    throw error
  }
  await condition(allHandlersFinished)
  return continueAsNew<typeof training>({ ...going, config: later, round: input.round + 1, scores, paused, stopping })
}

/** One round of any recipe. */
export async function trainingRound(input: RoundInput): Promise<RoundSummary> {
  const { run, round, queuePrefix } = input
  const control = controlActivities(queuePrefix)
  const progress: RoundProgress = { round, phases: [] }
  let paused = input.paused
  const show = (): void => setCurrentDetails(roundDetails(progress, paused))
  setHandler(progressQuery, () => progress)
  setHandler(setPausedSignal, (value) => {
    paused = value
    show()
  })
  const rounds = roundsOf(input.recipe)
  const shown: Progress = {
    started(name, shards) {
      progress.phases.push({ name, done: 0, shards })
      show()
    },
    finished(name) {
      const phase = progress.phases.find((candidate) => candidate.name === name)
      if (phase) phase.done++
      show()
    },
    gate: () => condition(() => !paused),
  }
  if (round === 0) await prepare(input, shown)
  const steps = roundSteps(input, shown)
  await (round === 0 ? rounds.first(steps) : rounds.next(steps))
  const summary = await control.closeRound.executeWithOptions({ summary: `sum round ${round} up from its rows` }, [
    { run, round },
  ])
  await control.report.executeWithOptions({ summary: 'write the report as it stands' }, [{ run }])
  return summary
}

/** Refuses an update with a message that reaches the person who asked. */
function refuse(when: boolean, message: string): void {
  if (when) throw ApplicationFailure.nonRetryable(message, 'Refused')
}
