import type { DescribeRun, GameSource, RoundTimes, Section } from '../../../report/data.ts'
import { digits, percent } from '../../../report/format.ts'
import { html } from '../../../report/html.ts'
import { table } from '../../../report/tables.ts'
import { type Column, curves, ends, numbersTable } from '../../preferences/report/curves.ts'
import { sppoConfig, type SppoConfig } from '../config.ts'
import { readGame } from '../games.ts'

const winRate: Column = { name: 'wins', number: 'win_rate', unit: 'share' }
const exploitability: Column = { name: 'exploitability', number: 'exploitability', unit: 'share' }
const up: Column = { name: 'chosen ↑', number: 'chosen_up', unit: 'share' }
const down: Column = { name: 'rejected ↓', number: 'rejected_down', unit: 'share' }
const kl: Column = { name: 'KL', number: 'kl', unit: 'number' }
const entropy: Column = { name: 'entropy', number: 'entropy', unit: 'number' }
const malformed: Column = { name: 'no answer', number: 'malformed', unit: 'share' }

/** SPPO's part of the report: which way the log-probabilities went, and what that was worth. */
export const describeSppo: DescribeRun = async ({ run, rounds }, source) => {
  const config = sppoConfig.parse(run.config)
  const found = ends(rounds, winRate.number)
  if (!found) return { config, headline: html`<p class="lead">No policy has been measured yet.</p>`, sections: [] }
  const against = ends(rounds, exploitability.number)
  const rose = ends(rounds, up.number)
  return {
    config,
    headline: html`<p class="lead">
        After ${found.round} rounds of ${config.update.loss.toUpperCase()} the policy wins
        <b>${percent(found.last)}</b> of comparisons with round 0; its exploitability went from
        ${percent(against?.first ?? null)} to <b>${percent(against?.last ?? null)}</b>.
      </p>
      <p>
        In the last round the chosen answer became likelier in ${percent(rose?.last ?? null)} of the pairs.
        ${config.judge.signal === 'shuffled' ? 'Win rates were shuffled among the answers: a control that should teach nothing.' : ''}
      </p>`,
    sections: [worth(rounds), directions(rounds), ...(await games(config, rounds, source))],
  }
}

const worth = (rounds: readonly RoundTimes[]): Section => ({
  id: 'worth',
  title: 'What the policy is worth',
  body: html`<p>
      Computed on held-out prompts from the probabilities of all answers. Exploitability is what the best answer to the
      policy wins above a draw.
    </p>
    <div class="charts">
      ${curves(rounds, 'Wins against round 0, and exploitability', [winRate, exploitability])}
      ${curves(rounds, 'Divergence from round 0 and entropy, in nats', [kl, entropy])}
    </div>
    ${numbersTable(rounds, 'By round', [winRate, exploitability, kl, entropy, malformed])}`,
})

const directions = (rounds: readonly RoundTimes[]): Section => ({
  id: 'directions',
  title: 'Directions of learning',
  body: html`<p>
      Of the pairs of a round: in how many did the update raise the log-probability of the chosen answer, and lower that
      of the rejected one? A loss on the difference of the two alone may lower both.
    </p>
    <div class="charts">${curves(rounds, 'Pairs that went the right way', [up, down])}</div>
    ${numbersTable(rounds, 'By round', [up, down])}`,
})

/** The first few pairs of the last round that was played. */
async function games({ update }: SppoConfig, rounds: readonly RoundTimes[], source: GameSource): Promise<Section[]> {
  const last = rounds.filter(({ round, finishedAt }) => round > 0 && finishedAt !== null).at(-1)
  if (!last) return []
  const shown = (await source.games(last.round)).episodes.filter(({ outcome }) => outcome !== 'tie').slice(0, 8)
  const turns = await source.turns(shown)
  const rows = shown.map(readGame).flatMap((game) => {
    const answer = (sample: number) =>
      turns.find(({ episode, turn }) => episode === game.episode && turn === `answer/${sample}`)?.text ?? ''
    const sides = [game.chosen, game.rejected] as const
    return sides.map((sample, side) => [
      game.prompt,
      answer(sample),
      side === 0 ? 'chosen' : 'rejected',
      percent(game.shares[sample] ?? null),
      ...[game.before[side], game.after[side]].map((value) => (value === undefined ? '–' : digits(value))),
    ])
  })
  return [
    {
      id: 'pairs',
      title: 'Sample pairs',
      body: table({
        caption: `The first pairs of round ${last.round}: win rate among the answers, and log-probability before and after the update (${update.loss})`,
        head: ['prompt', 'answer', 'side', 'wins', 'before', 'after'],
        words: [0, 1, 2],
        rows,
      }),
    },
  ]
}
