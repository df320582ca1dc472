import { groupBy } from '../../shared/collections.ts'
import type { Example, TurnRow } from '../../shared/recipe.ts'
import type { SpcConfig } from './config.ts'
import type { Learner, Learning } from './lessons.ts'
import type { Verdict } from './prompts.ts'
import { rightVerdicts } from './rewards.ts'

/** How a critique's verdict is written. */
export interface VerdictWords {
  /** The verdict of a critique; null when there is none, or more than one. */
  parse(text: string): Verdict | null
  /** What says it, behind what stands before the verdict. */
  readonly marks: Record<Verdict, string>
  /** What stands before the verdict of a critique, its prompt included; null where the critic never came to one. */
  before(critique: Pick<TurnRow, 'prompt' | 'text'>): string | null
  /** What the critic's own step claims and what the judged one does; null where it compared none. Absent where steps claim nothing. */
  compared?(critique: Pick<TurnRow, 'prompt'>): { own: string; judged: string } | null
}

/** What a played turn teaches, and how strongly. */
export interface Credit {
  example(turn: TurnRow): Example
  /** The baseline b of equation 4 for each class of turns; empty where the loss has none. */
  baselines: Record<string, number>
}

/** `filled`: the buckets that the turns are drawn from. */
export function creditOf(
  learner: Learner,
  config: Learning,
  words: VerdictWords,
  filled: readonly (readonly TurnRow[])[],
): Credit {
  if (learnsSettled(learner, config)) return { example: (turn) => settledExample(words, turn), baselines: {} }
  const baselines = baselinesOf(config, filled)
  return {
    example: (turn) => playedExample(config, words, turn, (turn.reward ?? 0) - (baselines[classOf(config, turn)] ?? 0)),
    baselines,
  }
}

/** Whether a critic learns verdicts that the game has settled, said or not, in place of what it said and its reward. */
export const learnsSettled = (learner: Learner, { update }: Pick<SpcConfig, 'update'>): boolean =>
  learner === 'critic' && (update.credit === 'settled' || update.credit === 'compared')

/**
 * The critiques whose settled verdict teaches to judge. All that came to the place of a verdict; with `credit: compared` (ours) only those
 * that had before them what the game says of both steps. Its right step tells what a right one claims: behind an own step that claims
 * something else, “Correct” would be taught of two values that differ; and a sneaky step that claims the same is not wrong, whatever
 * the rollouts said of it, where “Incorrect” would be taught of two values that are the same.
 */
export function settled({ update }: Pick<Learning, 'update'>, words: VerdictWords, critiques: TurnRow[]): TurnRow[] {
  const said = critiques.filter((turn) => words.before(turn) !== null)
  if (update.credit !== 'compared') return said
  const gameOf = ({ round, episode }: TurnRow): string => `${round}/${episode}`
  const right = new Map(
    said.flatMap((turn) => {
      const judged = sideOf(turn) === 'right' ? words.compared?.(turn)?.judged : undefined
      return judged === undefined ? [] : [[gameOf(turn), judged] as const]
    }),
  )
  return said.filter((turn) => {
    const claims = words.compared?.(turn)
    const truth = right.get(gameOf(turn))
    if (!claims || claims.own !== truth) return false
    return (claims.judged === truth) === (sideOf(turn) === 'right')
  })
}

/**
 * A played turn. With `credit: verdict` (ours) the reward of a critique falls on the verdict alone: the recomputed step in
 * front of it and the stop mark behind it were not what won or lost, and pushing them down breaks the format.
 */
function playedExample({ update }: Learning, words: VerdictWords, turn: TurnRow, advantage: number): Example {
  const { prompt, text } = turn
  const behaviour = { role: turn.role, version: turn.version }
  const before = update.credit === 'verdict' ? words.before(turn) : null
  const verdict = words.parse(text)
  const spoken =
    before !== null && verdict ? { prompt: before, completion: words.marks[verdict] } : { prompt, completion: text }
  return { ...spoken, kind: 'reinforced', advantage, behaviour }
}

/**
 * `credit: settled` (ours): the game has settled what the verdict should have been, so the row is that verdict, whatever the
 * critic said. A losing critique teaches its opposite in place of being pushed down, from where its probability would leak
 * to texts that are no verdict.
 */
function settledExample(words: VerdictWords, turn: TurnRow): Example {
  const before = words.before(turn)
  if (before === null) throw new Error(`the critique ${turn.turn} never came to a verdict`)
  const completion = words.marks[rightVerdicts[sideOf(turn)]]
  return { prompt: before, completion, kind: 'reinforced', advantage: 1 }
}

export const sides = ['right', 'sneaky'] as const

/** Which of a game's two steps a critique is about. */
export function sideOf({ turn }: TurnRow): (typeof sides)[number] {
  return turn.startsWith('criticise/right/') ? 'right' : 'sneaky'
}

/** What turns are compared with each other for the baseline: all, or (ours) those about right and about sneaky steps apart. */
function classOf({ update }: Learning, { turn }: TurnRow): string {
  return update.baseline === 'class' ? turn.split('/').slice(0, 2).join('/') : 'all'
}

/** The mean reward of each class's turns in a batch, to which every bucket gives equally. */
function baselinesOf(config: Learning, filled: readonly (readonly TurnRow[])[]): Record<string, number> {
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
