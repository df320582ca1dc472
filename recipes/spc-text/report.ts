import type { DescribeRun } from '../../report/data.ts'
import { html } from '../../report/html.ts'
import { digest, type RoundDigest } from '../spc/report/digest.ts'
import { gamesSection } from '../spc/report/games.ts'
import { headline } from '../spc/report/index.ts'
import { outcomeTable, scoreChart, scoreTable } from '../spc/report/judging.ts'
import { scores } from '../spc/report/numbers.ts'
import { spcTextConfig } from './config.ts'

/** The report's part of SPC on word problems: the critic by round, how games ended, and some of them. */
export const describeSpcText: DescribeRun = async (data, source) => {
  const config = spcTextConfig.parse(data.run.config)
  const digests: RoundDigest[] = []
  for (const { round } of data.rounds) digests.push(digest(await source.games(round)))
  const shortlists = new Map(digests.map(({ round, shortlist }) => [round, shortlist]))
  const games = await gamesSection((text) => text, shortlists, source)
  const rows = scores(data.tallies, 'natural/test')
  const played = digests.map(({ outcomes }) => outcomes).filter(({ attack }) => attack !== null)
  return {
    config,
    headline: headline(data, config, 'slips of arithmetic of the run’s own solver'),
    sections: [
      {
        id: 'curves',
        title: 'Curves by round',
        body: html`<p>
            The critic of each round judges single steps of held-out problems, greedily, one critique per step. All were
            written by the solver; arithmetic says which are wrong. Bars are 95 % intervals.
          </p>
          <div class="charts">${scoreChart('Natural errors', rows)}</div>
          ${scoreTable('Natural errors', rows)} ${outcomeTable(played)}`,
      },
      ...(games ? [games] : []),
    ],
  }
}
