import type { DescribeRun } from '../../../report/data.ts'
import { percent } from '../../../report/format.ts'
import { html } from '../../../report/html.ts'
import { type Column, curves, ends, numbersTable } from '../../preferences/report/curves.ts'
import { spoConfig, type SpoConfig } from '../config.ts'

const average: Column = { name: 'average', number: 'exploitability_average', unit: 'share' }
const last: Column = { name: 'last', number: 'exploitability_last', unit: 'share' }
const wins: Column = { name: 'wins', number: 'win_rate', unit: 'share' }
const entropy: Column = { name: 'entropy', number: 'entropy', unit: 'number' }
const malformed: Column = { name: 'no answer', number: 'malformed', unit: 'share' }

/** SPO's part of the report: how far self-play came towards a policy that nobody beats. */
export const describeSpo: DescribeRun = async ({ run, rounds }) => {
  const config = spoConfig.parse(run.config)
  const found = ends(rounds, average.number)
  const best = ends(rounds, last.number)
  const headline = found
    ? html`<p class="lead">
          After ${found.round} rounds the average policy can be beaten by <b>${percent(found.last)}</b> above a draw; at
          the start by ${percent(found.first)}.
        </p>
        <p>The last policy alone can be beaten by ${percent(best?.last ?? null)}. ${signal(config)}</p>`
    : html`<p class="lead">No policy has been measured yet.</p>`
  const section = {
    id: 'exploitability',
    title: 'Exploitability',
    body: html`<p>
        What the best answer against a policy wins above a draw, computed from the probabilities of all answers; 0 is a
        minimax winner. Where preferences run in a circle, the last policy keeps going round and the average of all
        policies comes near. The fair baseline is a Bradley–Terry model that is refitted in every round, with an entropy
        term: it comes close to self-play, unlike one that is fitted once. docs/spo.md compares them over five seeds.
      </p>
      <div class="charts">
        ${curves(rounds, 'Exploitability', [average, last])} ${curves(rounds, 'Wins against round 0', [wins])}
        ${curves(rounds, 'Entropy of the last policy, in nats', [entropy])}
      </div>
      ${numbersTable(rounds, 'By round', [average, last, wins, entropy, malformed])}`,
  }
  return { config, headline, sections: found ? [section] : [] }
}

function signal({ judge, reward }: SpoConfig): string {
  if (judge.signal === 'shuffled')
    return 'Rewards were shuffled within each group: a control that should teach nothing.'
  return reward.from === 'wins'
    ? 'The reward was the share of opponents that an answer beats.'
    : `The reward went through a Bradley–Terry model, ${reward.from}.`
}
