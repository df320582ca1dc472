/** A game as lines that a person can read. Games of any recipe show their turns; SPC's parts have places of their own. */
import { z } from 'zod'
import type { PlayedEpisode, PlayedTurn } from '../db/reading.ts'
import { wholeCritique, workingOf } from '../recipes/spc/critique.ts'
import { groupBy } from '../shared/collections.ts'
import type { BaseConfig, Recipe } from '../shared/recipe.ts'
import { style } from './terminal.ts'

/** The parts of an episode's data that are shown when they are there. */
const parts = z.object({
  problem: z.string().optional(),
  done: z.array(z.string()).optional(),
  right: z.string().optional(),
  solver: z.string().nullish(),
  sneaky: z.string().nullish(),
  errorType: z.string().nullish(),
  explanation: z.string().nullish(),
  rightSuccess: z.number().nullish(),
  sneakySuccess: z.number().nullish(),
  sneakyIsWrong: z.boolean().nullish(),
  invalidBecause: z.string().nullish(),
})

/** `outcomes` are the recipe's words for how a game ended. */
export function gameLines(game: PlayedEpisode, outcomes: Recipe<BaseConfig>['outcomes']): string[] {
  const { round, episode, outcome, turns } = game
  const data = parts.parse(game.data)
  const said = groupBy(turns, (turn) => turn.turn.split('/').slice(0, -1).join('/'))
  const deception = said.get('deceive')?.[0]
  const ending = outcome === null ? null : (outcomes[outcome] ?? outcome)
  const why = outcome === 'invalid' && data.invalidBecause ? `: ${data.invalidBecause}` : ''
  return [
    style('bold', `Round ${round}, game ${episode}${ending ? `: ${ending}${why}` : ''}`),
    ...field('problem', data.problem),
    ...field('steps so far', data.done && (data.done.join('   ') || '(none)')),
    ...field('solved by', data.solver ?? undefined),
    ...field('right step', data.right && style('green', data.right) + success(data.rightSuccess)),
    ...field('sneaky step', deception && sneakyLine(data, deception)),
    ...(deception ? field('', byline(deception)) : []),
    ...critiques('on the right step', said.get('criticise/right'), turns),
    ...critiques('on the sneaky one', said.get('criticise/sneaky'), turns),
    ...(deception === undefined
      ? turns.flatMap((turn) => field(turn.turn, `${wholeCritique({ ...turn, working: null })}   ${byline(turn)}`))
      : []),
    '',
  ]
}

function field(name: string, text: string | undefined): string[] {
  return text === undefined ? [] : [`  ${style('dim', name.padEnd(18))} ${text}`]
}

function sneakyLine(data: z.infer<typeof parts>, deception: PlayedTurn): string {
  if (!data.sneaky) return `${style('dim', 'unreadable:')} ${JSON.stringify(deception.text)}`
  const because = data.explanation ? `, ${data.explanation}` : ''
  const truth = data.sneakyIsWrong === false ? style('yellow', '  (not wrong, says the exact checker)') : ''
  return `${style('red', data.sneaky)}${success(data.sneakySuccess)}  ${data.errorType ?? ''}${because}${truth}`
}

const success = (part: number | null | undefined): string =>
  part === null || part === undefined ? '' : style('dim', `  solver succeeds ${Math.round(part * 100)} %`)

/** Who said it, what it earned, and which updates learned from it. */
function byline({ role, version, reward, consumedBy }: PlayedTurn): string {
  const earned = reward === null ? [] : [`reward ${reward > 0 ? '+' : ''}${reward}`]
  const taught = consumedBy.length > 0 ? [`taught ${consumedBy.join(', ')}`] : []
  return style('dim', [`by ${role}@${version}`, ...earned, ...taught].join(' · '))
}

/** `all`: every turn of the game. */
function critiques(place: string, turns: readonly PlayedTurn[] | undefined, all: readonly PlayedTurn[]): string[] {
  return (turns ?? []).flatMap((turn, index) => {
    const right = turn.reward !== null && turn.reward > 0
    const verdict = style(right ? 'green' : 'red', turn.verdict ?? 'unreadable')
    const critique = wholeCritique({ ...turn, working: workingOf(turn, all) })
    return field(index === 0 ? place : '', `${critique}  → ${verdict}  ${byline(turn)}`)
  })
}
