import type { Consumption, GameSource, Section } from '../../../report/data.ts'
import { percent, plural, signed } from '../../../report/format.ts'
import { html, type Html, nothing } from '../../../report/html.ts'
import { policyName } from '../../../shared/ids.ts'
import type { TurnRow } from '../../../shared/recipe.ts'
import { wholeCritique, workingOf } from '../critique.ts'
import type { Game } from '../games.ts'
import { type Choice, choose, kinds, type Shortlist } from './choice.ts'
import { highlighted, type Typeset } from './highlight.ts'

/** Games worth reading: chosen by rules, then printed with everything that was said. */
export async function gamesSection(
  typeset: Typeset,
  shortlists: ReadonlyMap<number, Shortlist>,
  source: GameSource,
): Promise<Section | null> {
  const { chosen, missing } = choose(shortlists)
  if (chosen.length === 0) return null
  const keys = chosen.map(({ game: { round, episode } }) => ({ round, episode }))
  const turns = await source.turns(keys)
  const consumptions = await source.consumptions(keys)
  const here = <T extends { round: number; episode: number }>(rows: readonly T[], { round, episode }: Game): T[] =>
    rows.filter((row) => row.round === round && row.episode === episode)
  return {
    id: 'games',
    title: 'Games worth reading',
    body: html`<p>
        Each game is chosen by the rule printed under its title; among the games that fit, the one with the smallest
        change.
        ${missing.length === 0 ? nothing : html`This run has no game of the kind: ${missing.map((kind) => kinds[kind].title.toLowerCase()).join('; ')}.`}
      </p>
      ${chosen.map((choice) => gameCard(typeset, choice, here(turns, choice.game), here(consumptions, choice.game)))}`,
  }
}

export function gameCard(
  typeset: Typeset,
  { kind, game, alike }: Choice,
  turns: readonly TurnRow[],
  consumptions: readonly Consumption[],
): Html {
  const { title, rule } = kinds[kind]
  const by = (prefix: string): TurnRow[] => turns.filter(({ turn }) => turn.startsWith(prefix))
  const [deception] = by('deceive/')
  return html`<article class="game" data-kind="${kind}">
    <h3>${title}</h3>
    <p class="rule">${rule} One of ${plural(alike, 'such game')} in round ${game.round}.</p>
    <div class="board">
      <div>
        <h4>The game</h4>
        <ol class="steps">
          <li class="problem">${typeset(game.problem)}</li>
          ${game.done.map((step) => html`<li>${typeset(step)}</li>`)}
          <li>${typeset(game.right)}<span class="tag">right step</span></li>
          <li>
            ${game.sneaky === null ? html`<span class="none">no step that can be read</span>` : highlighted(typeset, game.right, game.sneaky)}<span
              class="tag"
              >sneaky step</span
            >
          </li>
        </ol>
      </div>
      <div>${deception ? explanation(typeset, game, deception) : nothing} ${rollouts(game)}</div>
      ${critiques(typeset, 'Critiques of the sneaky step', by('criticise/sneaky/'), turns)}
      ${critiques(typeset, 'Critiques of the right step', by('criticise/right/'), turns)}
    </div>
    <p class="foot">
      Round ${game.round}, episode ${game.episode} · ended as
      ${game.outcome ?? 'undecided'}${game.invalidBecause === null ? '' : ` (${game.invalidBecause})`} ·
      ${players(turns)} ${learners(consumptions)}
    </p>
  </article>`
}

function explanation(typeset: Typeset, game: Game, turn: TurnRow): Html {
  const [from = '', to] = (game.explanation ?? '').split('>').map((part) => part.trim())
  return html`<h4>${policyName(turn)} explains ${reward(turn.reward)}</h4>
    <p>
      ${
        game.errorType === null
          ? html`<span class="say">${turn.text}</span>`
          : html`<b>${game.errorType}</b> error: <span class="say">${typeset(from)}</span> ${
                to === undefined ? nothing : html`becomes <span class="say">${typeset(to)}</span>`
              }`
      }
    </p>`
}

/** What the solver made of the two steps, beside what is true. */
function rollouts({ rightSuccess, sneakySuccess, rightIsRight, sneakyIsWrong, sneaky }: Game): Html {
  if (rightSuccess === null) return nothing
  const truth = (isWrong: boolean | null): string =>
    isWrong === true ? 'wrong' : isWrong === false ? 'right' : 'unknown'
  return html`<h4>Does the solver reach the right result?</h4>
    <ul class="said">
      <li>
        from the right step in ${percent(rightSuccess, 0)} of its completions
        <small>checker: ${truth(rightIsRight === null ? null : !rightIsRight)}</small>
      </li>
      ${
        sneaky === null
          ? nothing
          : html`<li>
              from the sneaky step in ${percent(sneakySuccess, 0)} <small>checker: ${truth(sneakyIsWrong)}</small>
            </li>`
      }
    </ul>`
}

/** `all`: every turn of the game. */
function critiques(typeset: Typeset, title: string, turns: readonly TurnRow[], all: readonly TurnRow[]): Html {
  if (turns.length === 0) return nothing
  return html`<div>
    <h4>${title}</h4>
    <ul class="said">
      ${turns.map((turn) => {
        const { text, verdict, reward: points } = turn
        const recomputed = wholeCritique({ ...turn, working: workingOf(turn, all) }).split('=>')[0] ?? ''
        const won = points !== null && points > 0 ? 'won' : 'lost'
        return html`<li>
          <span class="say">${verdict === null ? text : typeset(recomputed)}</span>, so
          <span class="verdict ${won}">${verdict ?? 'nothing that can be read'}</span> ${reward(points)}
        </li>`
      })}
    </ul>
  </div>`
}

const reward = (value: number | null): Html => (value === null ? nothing : html`<small>${signed(value, 0)}</small>`)

function players(turns: readonly TurnRow[]): string {
  return [...new Set(turns.map(policyName))].join(', ')
}

function learners(consumptions: readonly Consumption[]): string {
  const names = [...new Set(consumptions.map(policyName))]
  return names.length === 0 ? '· no update learned from it' : `· ${names.join(', ')} learned from it`
}
