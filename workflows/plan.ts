import { recipeOf } from '../recipes/registry.ts'
import { policyName } from '../shared/ids.ts'
import { type BaseConfig, phaseOf } from '../shared/recipe.ts'
import { roundsOf } from './registry.ts'
import type { RoundSteps } from './round.ts'

/** One phase of a round before it is played: how much there is to do, and when its turn comes. */
export interface PlannedPhase {
  /** The name its shards carry in the ledger. */
  name: string
  kind: 'play' | 'evaluate' | 'update'
  /** Phases of one stage are played side by side; a stage starts when the one before it is done. */
  stage: number
  shards: number
  /** A measure of its work among phases of one kind: rows to sample, or training rows. Null where games decide it. */
  work: number | null
  /** What is trained, and in how many optimizer steps where that is known beforehand. */
  update?: { role: string; version: number; course: string; steps: number | null; roundsOfGames: number }
}

/**
 * The plan of a round: the recipe's own order of events, run with steps that note instead of play. It is what the
 * workflow will do, as a plan depends on nothing but the configuration and the round (DESIGN section 4, rule 1).
 */
export async function planRound(config: BaseConfig, round: number): Promise<PlannedPhase[]> {
  const recipe = recipeOf(config.recipe)
  const rounds = roundsOf(recipe.name)
  const planned: PlannedPhase[] = []
  let waiting: (() => void)[] = []
  let stage = 0

  const note = (phase: Omit<PlannedPhase, 'stage'>): Promise<void> => {
    planned.push({ ...phase, stage })
    return new Promise((resolve) => waiting.push(resolve))
  }
  const shardsOf = (items: number): number => Math.ceil(items / config.shard)
  const steps: RoundSteps<BaseConfig> = {
    config,
    round,
    play(name) {
      const phase = phaseOf(recipe, name)
      if (!phase) throw new Error(`recipe ${recipe.name} has no phase ${name}`)
      const items = phase.items(config)
      const work = (phase.asked?.(config, name) ?? items) * (phase.sampling?.(config, name).samples ?? 0)
      return note({ name, kind: 'play', shards: shardsOf(items), work })
    },
    evaluate(name, policy) {
      const suite = recipe.suite(name)
      if (!suite) throw new Error(`recipe ${recipe.name} has no suite ${name}`)
      const items = suite.items(config)
      const phase = `evaluate ${name} ${policyName(policy)}`
      return note({ name: phase, kind: 'evaluate', shards: shardsOf(items), work: items })
    },
    update(role, { course: courseName = role, version = round } = {}) {
      const course = recipe.courses[courseName]
      if (!course) throw new Error(`recipe ${recipe.name} has no course ${courseName}`)
      const context = { config, round, phase: courseName }
      // A lesson made of games has no steps before the games are played.
      const roundsOfGames = course.rounds(context).length
      const count = roundsOfGames === 0 ? course.lesson(context, { items: [], episodes: [], turns: [] }).steps : null
      const work = count === null ? null : count * course.batchRows(config)
      const update = { role, version, course: courseName, steps: count, roundsOfGames }
      return note({ name: `update ${role}`, kind: 'update', shards: 1, work, update })
    },
  }

  let over = false
  const played = (round === 0 ? rounds.first(steps) : rounds.next(steps)).finally(() => (over = true))
  while (!over) {
    // Everything that can be asked for without waiting has been when the event loop comes round: that is one stage.
    await new Promise((resolve) => setImmediate(resolve))
    const stageDone = waiting
    waiting = []
    if (stageDone.length > 0) stage++
    for (const resolve of stageDone) resolve()
  }
  await played
  return planned
}
