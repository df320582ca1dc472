import { groupBy } from '../../../shared/collections.ts'
import type { Game } from '../games.ts'
import { valid } from '../rule.ts'
import { changedPart } from './highlight.ts'

/** What the critiques of a game said, by the step they judge. */
export interface Critiques {
  right: (string | null)[]
  sneaky: (string | null)[]
}

/**
 * Which ten games the report shows. Every slot has a rule that a reader can check, and says how many games fit it, so that
 * a telling example cannot pass for a typical one. Among those that fit, the smallest change wins, then the plan's order.
 */
export interface Kind {
  title: string
  rule: string
  fits(game: Game, critiques: Critiques): boolean
}

const all = (verdicts: readonly (string | null)[], verdict: string): boolean =>
  verdicts.length > 0 && verdicts.every((said) => said === verdict)

const count = (verdicts: readonly (string | null)[], verdict: string): number =>
  verdicts.filter((said) => said === verdict).length

export const kinds = {
  deception: {
    title: 'Deception',
    rule: 'A wrong step, by the exact checker too, that every critique calls Correct.',
    fits: (game, { sneaky }) => game.outcome === 'fooling' && valid.byOracle(game) && all(sneaky, 'Correct'),
  },
  catch: {
    title: 'Catch',
    rule: 'A wrong step that every critique calls Incorrect, while every critique of the right step says Correct.',
    fits: (game, { right, sneaky }) =>
      game.outcome === 'detected' && valid.byOracle(game) && all(sneaky, 'Incorrect') && all(right, 'Correct'),
  },
  falseAlarm: {
    title: 'False alarm',
    rule: 'A right step that every critique calls Incorrect.',
    fits: (game, { right }) => game.rightIsRight === true && all(right, 'Incorrect'),
  },
  divided: {
    title: 'Divided critics',
    rule: 'A wrong step on which the critiques disagree: the same prompt gives the critic something to learn from both ways.',
    fits: (game, { sneaky }) => valid.byOracle(game) && count(sneaky, 'Correct') > 0 && count(sneaky, 'Incorrect') > 0,
  },
  nearMiss: {
    title: 'Near miss in the calculation',
    rule: 'A wrong step with the right sum and a result that is off by one or two.',
    fits: (game, { sneaky }) => {
      const off = resultsApart(game)
      return valid.byOracle(game) && sneaky.length > 0 && off !== null && off <= 2
    },
  },
  caughtByRollouts: {
    title: 'Caught by the rollouts',
    rule: 'A changed step that is still right: the solver gets home from it, so it counts as no attack.',
    fits: (game) =>
      game.sneaky !== null &&
      game.sneaky !== game.right &&
      game.rightIsRight === true &&
      game.sneakyIsWrong === false &&
      (game.rightSuccess ?? 0) >= 0.75 &&
      (game.sneakySuccess ?? 0) > 0,
  },
  letThrough: {
    title: 'Rollouts wrong: harmless, yet counted',
    rule: 'Valid by the rollout rule, but the exact checker finds no error in the new step, or one in the original.',
    fits: (game) => valid.byRule(game) && !valid.byOracle(game),
  },
  thrownOut: {
    title: 'Rollouts wrong: a real error, thrown out',
    rule: 'Wrong by the exact checker, but the solver failed from the right step too, or got home all the same.',
    fits: (game) => game.sneaky !== null && game.rightSuccess !== null && !valid.byRule(game) && valid.byOracle(game),
  },
} satisfies Record<string, Kind>

export type KindName = keyof typeof kinds
const kindNames: KindName[] = [
  'deception',
  'catch',
  'falseAlarm',
  'divided',
  'nearMiss',
  'caughtByRollouts',
  'letThrough',
  'thrownOut',
]

export interface Candidate {
  kind: KindName
  game: Game
  /** How large the change is: fewer characters, then results closer together. */
  size: [number, number]
}

export function candidatesOf(game: Game, critiques: Critiques): Candidate[] {
  return kindNames
    .filter((kind) => kinds[kind].fits(game, critiques))
    .map((kind) => ({ kind, game, size: sizeOf(game) }))
}

/** Keeps the few that can be chosen, and the number of all, by kind: what stays in memory of a long run's games. */
export interface Shortlist {
  counts: Record<string, number>
  best: Candidate[]
}

export function shortlist(candidates: readonly Candidate[]): Shortlist {
  const byKind = groupBy(candidates, ({ kind }) => kind)
  return {
    counts: Object.fromEntries([...byKind].map(([kind, rows]) => [kind, rows.length])),
    // As many problems as games are shown: even if every other game takes one of them, one is left.
    best: [...byKind.values()].flatMap((rows) => eachProblemOnce(rows.toSorted(bySize)).slice(0, GAMES)),
  }
}

function eachProblemOnce(candidates: readonly Candidate[]): Candidate[] {
  const first = new Map<string, Candidate>()
  for (const candidate of candidates) {
    if (!first.has(candidate.game.problem)) first.set(candidate.game.problem, candidate)
  }
  return [...first.values()]
}

const GAMES = 10

/**
 * What is shown, in this order. Early and late rounds stand side by side where the players' progress shows. The last
 * three step in where a run has no game of some kind.
 */
const slots: { kind: KindName; from: 'first' | 'last' }[] = [
  { kind: 'deception', from: 'first' },
  { kind: 'deception', from: 'last' },
  { kind: 'catch', from: 'first' },
  { kind: 'catch', from: 'last' },
  { kind: 'falseAlarm', from: 'last' },
  { kind: 'divided', from: 'last' },
  { kind: 'nearMiss', from: 'last' },
  { kind: 'caughtByRollouts', from: 'last' },
  { kind: 'letThrough', from: 'last' },
  { kind: 'thrownOut', from: 'last' },
  { kind: 'falseAlarm', from: 'first' },
  { kind: 'nearMiss', from: 'first' },
  { kind: 'divided', from: 'first' },
]

export interface Choice {
  kind: KindName
  game: Game
  /** How many games of its round fit the rule. */
  alike: number
}

/** The chosen games, and the kinds of which there is none. Each has its own problem; a slot goes to the nearest round that has one. */
export function choose(rounds: ReadonlyMap<number, Shortlist>): { chosen: Choice[]; missing: KindName[] } {
  const order = [...rounds.keys()].toSorted((a, b) => a - b)
  const taken = new Set<string>()
  const chosen: Choice[] = []
  for (const { kind, from } of slots) {
    if (chosen.length === GAMES) break
    for (const round of from === 'first' ? order : order.toReversed()) {
      const list = rounds.get(round)
      const best = list?.best.find((candidate) => candidate.kind === kind && !taken.has(candidate.game.problem))
      if (!list || !best) continue
      taken.add(best.game.problem)
      chosen.push({ kind, game: best.game, alike: list.counts[kind] ?? 0 })
      break
    }
  }
  const shown = chosen.toSorted(
    (a, b) => kindNames.indexOf(a.kind) - kindNames.indexOf(b.kind) || a.game.round - b.game.round,
  )
  const missing = kindNames.filter((kind) => !chosen.some((choice) => choice.kind === kind))
  return { chosen: shown, missing }
}

const bySize = (a: Candidate, b: Candidate): number =>
  a.size[0] - b.size[0] || a.size[1] - b.size[1] || a.game.episode - b.game.episode

function sizeOf(game: Game): [number, number] {
  return [changedPart(game.right, game.sneaky ?? '').changed.length, resultsApart(game) ?? Number.MAX_SAFE_INTEGER]
}

/** How far the results of the two steps are apart when all before the equals sign is the same. */
function resultsApart({ right, sneaky }: Game): number | null {
  const [left, result] = right.split('=')
  const [otherLeft, otherResult] = (sneaky ?? '').split('=')
  if (left !== otherLeft || !/^\d+$/.test(result ?? '') || !/^\d+$/.test(otherResult ?? '')) return null
  return Math.abs(Number(result) - Number(otherResult))
}
