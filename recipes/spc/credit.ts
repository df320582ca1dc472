import { groupBy } from '../../shared/collections.ts'
import type { Example, TurnRow } from '../../shared/recipe.ts'
import type { SpcConfig } from './config.ts'
import { beforeVerdict } from './critique.ts'
import type { Learner } from './lessons.ts'
import { parseVerdict, verdictMarks } from './prompts.ts'
import { rightVerdicts } from './rewards.ts'

/** What a played turn teaches, and how strongly. */
export interface Credit {
  example(turn: TurnRow): Example
  /** The baseline b of equation 4 for each class of turns; empty where the loss has none. */
  baselines: Record<string, number>
}

/** `filled`: the buckets that the turns are drawn from. */
export function creditOf(learner: Learner, config: SpcConfig, filled: readonly (readonly TurnRow[])[]): Credit {
  if (learnsSettled(learner, config)) return { example: settledExample, baselines: {} }
  const baselines = baselinesOf(config, filled)
  return {
    example: (turn) => playedExample(config, turn, (turn.reward ?? 0) - (baselines[classOf(config, turn)] ?? 0)),
    baselines,
  }
}

/** Whether a critic learns verdicts that the game has settled, said or not, in place of what it said and its reward. */
export const learnsSettled = (learner: Learner, { update }: Pick<SpcConfig, 'update'>): boolean =>
  learner === 'critic' && update.credit === 'settled'

/**
 * A played turn. With `credit: verdict` (ours) the reward of a critique falls on the verdict alone: the recomputed step in
 * front of it and the stop mark behind it were not what won or lost, and pushing them down breaks the format.
 */
function playedExample({ update }: SpcConfig, turn: TurnRow, advantage: number): Example {
  const { prompt, text } = turn
  const behaviour = { role: turn.role, version: turn.version }
  const before = update.credit === 'verdict' ? beforeVerdict(turn) : null
  const verdict = parseVerdict(text)
  const spoken =
    before !== null && verdict ? { prompt: before, completion: verdictMarks[verdict] } : { prompt, completion: text }
  return { ...spoken, kind: 'reinforced', advantage, behaviour }
}

/**
 * `credit: settled` (ours): the game has settled what the verdict should have been, so the row is that verdict, whatever the
 * critic said. A losing critique teaches its opposite in place of being pushed down, from where its probability would leak
 * to texts that are no verdict.
 */
function settledExample(turn: TurnRow): Example {
  const before = beforeVerdict(turn)
  if (before === null) throw new Error(`the critique ${turn.turn} never came to a verdict`)
  const completion = verdictMarks[rightVerdicts[sideOf(turn)]]
  return { prompt: before, completion, kind: 'reinforced', advantage: 1 }
}

export const sides = ['right', 'sneaky'] as const

/** Which of a game's two steps a critique is about. */
export function sideOf({ turn }: TurnRow): (typeof sides)[number] {
  return turn.startsWith('criticise/right/') ? 'right' : 'sneaky'
}

/** What turns are compared with each other for the baseline: all, or (ours) those about right and about sneaky steps apart. */
function classOf({ update }: SpcConfig, { turn }: TurnRow): string {
  return update.baseline === 'class' ? turn.split('/').slice(0, 2).join('/') : 'all'
}

/** The mean reward of each class's turns in a batch, to which every bucket gives equally. */
function baselinesOf(config: SpcConfig, filled: readonly (readonly TurnRow[])[]): Record<string, number> {
  if (config.update.loss !== 'equation-4') return {}
  const weighted = filled.flatMap((turns) =>
    turns.map((turn) => ({ turn, weight: 1 / (filled.length * turns.length) })),
  )
  const classes = [...groupBy(weighted, ({ turn }) => classOf(config, turn))]
  return Object.fromEntries(
    classes.map(([name, rows]) => {
      const total = rows.reduce((sum, { weight }) => sum + weight, 0)
      return [name, rows.reduce((sum, { turn, weight }) => sum + weight * (turn.reward ?? 0), 0) / total]
    }),
  )
}
