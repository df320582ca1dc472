import { range } from '../shared/collections.ts'
import type { PlayedBy, Role, Version } from '../shared/ids.ts'
import { policyName } from '../shared/ids.ts'
import { isAdopted } from '../shared/models.ts'
import { type BaseConfig, phaseOf } from '../shared/recipe.ts'
import { recipeOf } from '../recipes/registry.ts'
import { controlActivities, shardActivities, updateActivities } from './proxies.ts'

/** What a recipe's round is written in: play a phase, update a policy, evaluate one. */
export interface RoundSteps<Config> {
  config: Config
  round: number
  /** Plays every shard of a phase; the next phase starts when all are stored. */
  play(phase: string, options?: { player: PlayedBy }): Promise<void>
  /** Trains and publishes (role, version): by the course of the role's name, into the round's version, unless told otherwise. */
  update(role: Role, options?: { course?: string; version?: Version }): Promise<void>
  /** Lets a policy judge every line of a suite. */
  evaluate(suite: string, policy: PlayedBy): Promise<void>
}

/** A recipe's order of events. Round 0 makes the players; every later round lets them play and learn. */
export interface Rounds<Config> {
  first(steps: RoundSteps<Config>): Promise<void>
  next(steps: RoundSteps<Config>): Promise<void>
}

export const defineRounds = <Config extends BaseConfig>(rounds: Rounds<Config>): Rounds<Config> => rounds

/** What the steps report as they go, for the round's details in the Temporal UI and its status. */
export interface Progress {
  started(phase: string, shards: number): void
  finished(phase: string): void
  /** Resolves when the run is not paused: shards wait here before they start. */
  gate(): Promise<void>
}

/** Shards in flight at once. It bounds open activities, not the plan: results do not depend on it. */
const CONCURRENCY = 8

interface Place {
  run: string
  recipe: string
  round: number
  config: BaseConfig
  queuePrefix: string
}

/** What round 0 may count on, whatever the recipe: the published model and the files that the run file names. */
export async function prepare({ run, recipe, config, queuePrefix }: Place, progress: Progress): Promise<void> {
  if (isAdopted(config.model)) {
    progress.started('adopt model', 1)
    await progress.gate()
    const summary = `take ${config.model.from} into the run`
    await updateActivities(queuePrefix).adoptModel.executeWithOptions({ summary }, [{ run }])
    progress.finished('adopt model')
  }
  const files = recipeOf(recipe).files(config)
  if (files.length === 0) return
  const summary = `read ${files.map(({ file }) => file).join(', ')}`
  await controlActivities(queuePrefix).importFiles.executeWithOptions({ summary }, [{ run }])
}

export function roundSteps(place: Place, progress: Progress): RoundSteps<BaseConfig> {
  const { run, round, config } = place
  const recipe = recipeOf(place.recipe)
  const shards = shardActivities(place.queuePrefix)
  const updates = updateActivities(place.queuePrefix)

  const everyShard = async (phase: string, items: number, work: (shard: number) => Promise<unknown>): Promise<void> => {
    const waiting = range(0, Math.ceil(items / config.shard))
    progress.started(phase, waiting.length)
    const drain = async (): Promise<void> => {
      for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) {
        await progress.gate()
        await work(shard)
        progress.finished(phase)
      }
    }
    await Promise.all(range(0, CONCURRENCY).map(drain))
  }

  return {
    config,
    round,
    async play(phase, options) {
      const definition = phaseOf(recipe, phase)
      if (!definition) throw new Error(`recipe ${recipe.name} has no phase ${phase}`)
      const player = options?.player ?? null
      const who = player ? ` by ${policyName(player)}` : ''
      await everyShard(phase, definition.items(config), (shard) =>
        shards.play.executeWithOptions({ summary: `${phase}${who} · shard ${shard}: ${definition.summary}` }, [
          { run, round, phase, shard, player },
        ]),
      )
    },
    async update(role, options) {
      const course = options?.course ?? role
      const definition = recipe.courses[course]
      if (!definition) throw new Error(`recipe ${recipe.name} has no course ${course}`)
      const version = options?.version ?? round
      const phase = `update ${role}`
      progress.started(phase, 1)
      await progress.gate()
      await updates.update.executeWithOptions(
        { summary: `update ${policyName({ role, version })}: ${definition.summary}` },
        [{ run, round, role, version, course }],
      )
      progress.finished(phase)
    },
    async evaluate(suite, policy) {
      const definition = recipe.suite(suite)
      if (!definition) throw new Error(`recipe ${recipe.name} has no suite ${suite}`)
      const phase = `evaluate ${suite} ${policyName(policy)}`
      await everyShard(phase, definition.items(config), (shard) =>
        shards.evaluate.executeWithOptions(
          { summary: `${policyName(policy)} on ${suite} · shard ${shard}: ${definition.summary}` },
          [{ run, round, suite, shard, policy }],
        ),
      )
    },
  }
}
