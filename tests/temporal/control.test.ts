/** A run's control: pause, resume, stop, set; how errors end or do not end it. On the server that skips time. */
import { Context } from '@temporalio/activity'
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { roundWorkflowId, runWorkflowId } from '../../shared/ids.ts'
import { smallRun } from '../support/small-run.ts'
import { openEnvironment, World } from '../support/world.ts'

const program = inject('timeSkippingServer')
if (program === null) console.log('tests of control are skipped: the time-skipping server could not be had')

/** The activities' errors cross to Temporal by the name of their class. */
class NonFiniteLossError extends Error {}

/** One shard in each phase. */
const config = { ...smallRun, shard: 64 }

describe.skipIf(program === null)('a run under way', () => {
  let environment: TestWorkflowEnvironment
  let world: World

  // A server for each test: one that an activity was taken from, by a run's end, skips no more time.
  beforeEach(async () => {
    environment = await openEnvironment(program ?? '')
    world = new World(environment)
    await world.open()
  }, 120_000)
  afterEach(async () => {
    await world.close()
    await environment.teardown()
  })

  const launch = (): Promise<void> => world.client.launch({ name: world.run, config })
  /** Waits for the end, with time skipped where only timers are left to wait for. */
  const result = (): Promise<unknown> => environment.client.workflow.getHandle(runWorkflowId(world.run)).result()
  /** Launches and pauses the run: round 0 is over, round 1 is open and waits. */
  const pausedBeforeRoundOne = async (): Promise<void> => {
    const end = world.hold('closeRound 0')
    await launch()
    await end.reached()
    await world.client.pause(world.run)
    end.release()
    // No query before that: this server loses one that comes while an execution continues as new, which the real server answers.
    await world.until(() => world.labels.includes('openRound 1'), 'openRound 1')
  }
  const phasesOf = async (round: number): Promise<string[]> =>
    ((await world.client.progress(world.run, round))?.phases ?? []).map(({ name }) => name)

  test('plays every phase in its order, round after round', async () => {
    await launch()
    expect(await result()).toEqual({ state: 'finished', rounds: 2, score: 0.2 })
    const labels = world.labels.slice(world.labels.indexOf('openRound 1'), world.labels.indexOf('openRound 2'))
    expect(labels.slice(0, 7)).toEqual([
      'openRound 1',
      ...['presolve', 'solve', 'deceive', 'validate', 'criticise', 'reward'].map((phase) => `play ${phase}/0`),
    ])
    // Side by side: both updates; then the judgements and the new generator's attacks.
    expect(labels.slice(7, 9).toSorted()).toEqual(['update critic@1', 'update generator@1'])
    expect(labels.slice(9, 14)).toContain('play arena/0')
    expect(labels.slice(-2)).toEqual(['closeRound 1', `report ${world.run}`])
    expect(world.closed).toEqual(['finished'])
    expect(world.opened.map(({ round, state }) => [round, state])).toEqual([
      [0, 'running'],
      [1, 'running'],
      [2, 'running'],
    ])
  })

  test('pause lets what is under way finish and holds everything else; resume releases it', async () => {
    const [solver, weak] = [world.hold('update solver@0'), world.hold('update weak-solver@0')]
    await launch()
    await Promise.all([solver.reached(), weak.reached()])
    expect(await world.client.pause(world.run)).toBe(`run ${world.run} pauses: shards under way finish, none starts`)
    solver.release()
    weak.release()
    // The round has come to its next phases: had they not been held, they would be scheduled by now.
    await world.until(async () => (await phasesOf(0)).includes('update critic'), 'the phases after the base models')
    const round = environment.client.workflow.getHandle(roundWorkflowId(world.run, 0))
    expect((await round.describe()).raw.pendingActivities ?? []).toEqual([])
    expect(world.labels.toSorted()).toEqual([
      'openRound 0',
      'recordControl pause',
      'update solver@0',
      'update weak-solver@0',
    ])
    expect((await world.client.status(world.run)).state).toBe('paused')
    await expect(world.client.pause(world.run)).rejects.toThrow(`run ${world.run} is paused already`)

    expect(await world.client.resume(world.run)).toBe(`run ${world.run} goes on`)
    await expect(world.client.resume(world.run)).rejects.toThrow(`run ${world.run} is not paused`)
    expect(await result()).toMatchObject({ state: 'finished' })
    expect(world.orders.map(({ kind, state }) => [kind, state])).toEqual([
      ['pause', 'paused'],
      ['resume', 'running'],
    ])
    expect(new Set(world.orders.map(({ request }) => request)).size).toBe(2)
  })

  test('a pause at the end of a round holds the next one', async () => {
    await pausedBeforeRoundOne()
    expect(world.opened.at(-1)).toMatchObject({ round: 1, state: 'paused' })
    // The workflow heard that the round is open. Unpaused, it would have started the round in that very task.
    const events = async () =>
      (await environment.client.workflow.getHandle(runWorkflowId(world.run)).fetchHistory()).events ?? []
    const heard = async (): Promise<boolean> => {
      const sofar = await events()
      const opened = sofar.findIndex((event) => event.activityTaskCompletedEventAttributes)
      return opened >= 0 && sofar.slice(opened).some((event) => event.workflowTaskCompletedEventAttributes)
    }
    await world.until(heard, 'the end of openRound 1')
    const children = (await events()).flatMap(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
    )
    expect(children).toEqual([])
    expect(await world.client.progress(world.run, 1)).toBeNull()
    expect(await world.client.status(world.run)).toMatchObject({ round: 1, state: 'paused' })
    await world.client.resume(world.run)
    expect(await result()).toMatchObject({ state: 'finished' })
  })

  test('stop ends the run after the round under way', async () => {
    const solver = world.hold('update solver@0')
    await launch()
    await solver.reached()
    expect(await world.client.stop(world.run)).toBe(`run ${world.run} stops after round 0`)
    await expect(world.client.stop(world.run)).rejects.toThrow(`run ${world.run} is stopping already`)
    expect((await world.client.status(world.run)).state).toBe('stopping')
    solver.release()
    expect(await result()).toEqual({ state: 'stopped', rounds: 0, score: 0 })
    expect(world.closed).toEqual(['stopped'])
    expect(world.labels).not.toContain('openRound 1')
    await expect(world.client.stop(world.run)).rejects.toThrow(`no run ${world.run} is under way`)

    // And goes on behind the finished round when it is launched again.
    await world.client.launch({ name: world.run, config, finished: { scores: [0] } })
    expect(await result()).toEqual({ state: 'finished', rounds: 2, score: 0.2 })
    expect(world.opened.map(({ round }) => round)).toEqual([0, 1, 2])
  })

  test('a run that was interrupted after its last round plays no other', async () => {
    await world.client.launch({ name: world.run, config, finished: { scores: [0, 0.1, 0.2] } })
    expect(await result()).toEqual({ state: 'finished', rounds: 2, score: 0.2 })
    expect(world.labels).toEqual(['closeRun finished', `report ${world.run}`])
  })

  test('set changes a steerable field from the next round on, and refuses the rest', async () => {
    const presolve = world.hold('play presolve/0')
    await launch()
    await presolve.reached()
    const set = (field: string, value: string | number | boolean): Promise<string> =>
      world.client.set(world.run, { field, value })
    await expect(set('model.width', 64)).rejects.toThrow(
      'model.width cannot be changed while a run is under way; these can: update.critic.learningRate',
    )
    await expect(set('play.temperature', 'hot')).rejects.toThrow('play.temperature: Invalid input')
    await expect(set('update.critic.learningRate', -1)).rejects.toThrow('update.critic.learningRate: Too small')
    await expect(set('play.temperatur', 1)).rejects.toThrow('play.temperatur cannot be changed')
    expect(world.orders).toEqual([])

    expect(await set('play.temperature', 0.5)).toBe('play.temperature = 0.5 from round 2 on')
    presolve.release()
    expect(await result()).toMatchObject({ state: 'finished' })
    expect(world.opened.map(({ config: used }) => used['play'])).toEqual([
      expect.objectContaining({ temperature: 1 }),
      expect.objectContaining({ temperature: 1 }),
      expect.objectContaining({ temperature: 0.5 }),
    ])
    expect(world.orders).toMatchObject([
      { kind: 'set', data: { field: 'play.temperature', value: 0.5 }, round: 1, state: 'running' },
    ])
  })

  /** The problems of each round as it was opened, and the shards of them that were played. */
  const problemsOf = () => ({
    opened: world.opened.map(({ config: { play } }) => z.object({ problems: z.int() }).parse(play).problems),
    played: world.labels.filter((label) => label.startsWith('play presolve/')).toSorted(),
  })

  test('what is set while a round waits to begin holds from the one after it on', async () => {
    await pausedBeforeRoundOne()
    const change = { field: 'play.problems', value: 128 }
    expect(await world.client.set(world.run, change)).toBe('play.problems = 128 from round 2 on')
    await world.client.resume(world.run)
    expect(await result()).toMatchObject({ state: 'finished' })
    expect(problemsOf()).toEqual({
      opened: [48, 48, 128],
      played: ['play presolve/0', 'play presolve/0', 'play presolve/1'],
    })
  })

  test('what was set before a run was interrupted in a round holds from the next one on', async () => {
    const changes = [
      { field: 'play.problems', value: 64 },
      { field: 'play.problems', value: 128 },
    ]
    await world.client.launch({ name: world.run, config, finished: { scores: [0] }, changes })
    expect(await result()).toMatchObject({ state: 'finished' })
    expect(problemsOf()).toEqual({
      opened: [48, 128],
      played: ['play presolve/0', 'play presolve/0', 'play presolve/1'],
    })
  })

  test('an error that may pass is retried, after longer and longer waits', async () => {
    const scheduled: number[] = []
    world.intervene = ({ label }) => {
      if (label !== 'play presolve/0') return
      const { attempt, currentAttemptScheduledTimestampMs } = Context.current().info
      scheduled.push(currentAttemptScheduledTimestampMs)
      if (attempt < 12) throw new Error('the database does not answer')
    }
    await launch()
    expect(await result()).toMatchObject({ state: 'finished' })
    // Of the server's clock, which skips the waits: 1, 2, 4 … seconds, and at most 30. (An attempt is scheduled when the one before it fails.)
    const first = scheduled.slice(0, 12)
    const waits = first.slice(1).map((time, index) => Math.round((time - (first[index] ?? 0)) / 1000))
    expect(waits).toEqual([0, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30])
  })

  test('a cancelled run is marked as stopped', async () => {
    await pausedBeforeRoundOne()
    expect(await world.client.cancel(world.run)).toBe(`run ${world.run} stops now`)
    await world.until(() => world.closed.length > 0, 'closeRun')
    expect(world.closed).toEqual(['stopped'])
    await expect(result()).rejects.toThrow('Workflow execution cancelled')
    await expect(world.client.cancel(world.run)).rejects.toThrow(`no run ${world.run} is under way`)
  })

  test('an error that no retry mends ends the run at once', async () => {
    world.intervene = ({ label }) => {
      if (label === 'update solver@0') throw new NonFiniteLossError('loss is NaN')
    }
    await launch()
    await expect(result()).rejects.toThrow('Workflow execution failed')
    expect(world.labels.filter((label) => label === 'update solver@0')).toHaveLength(1)
    expect(world.closed).toEqual(['failed'])
  })
})
