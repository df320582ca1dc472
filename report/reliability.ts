import type { Calibration } from '../shared/calibration.ts'
import { lineChart } from './charts.ts'
import { exact, share } from './estimates.ts'
import { percent } from './format.ts'
import { htmlDocument } from './document.ts'
import { html } from './html.ts'
import { estimate, table } from './tables.ts'

export interface Reliability extends Calibration {
  policy: string
}

/** A page that loads nothing: are steps as often wrong as their votes say? One line for each policy, beside the diagonal. */
export function reliabilityPage(title: string, policies: readonly Reliability[]): string {
  const measured = policies.map(({ policy, bins, expectedError }) => ({
    policy,
    expectedError,
    bins: bins.flatMap(({ count, meanShare, wrong, ...bin }) => {
      const estimated = share(Math.round((wrong ?? 0) * count), count)
      return estimated && meanShare !== null ? [{ ...bin, count, meanShare, wrong: estimated }] : []
    }),
  }))
  const diagonal = [0, 1].map((x) => ({ x, estimate: exact(x) }))
  return htmlDocument(
    title,
    html`<p class="kicker">Sparring · reliability of votes</p>
      <h1>${title}</h1>
      <p>
        Along: the share of a critic's readable votes that calls a step Incorrect. Up: how many of these steps are wrong
        indeed, with 95 % intervals. Votes that mean what they say lie on the diagonal.
      </p>
      ${lineChart({
        title: 'Wrong steps, by their votes for Incorrect',
        along: 'votes',
        top: 1,
        spread: 0,
        series: [
          ...measured.map(({ policy, bins }) => ({
            name: policy,
            points: bins.map((bin) => ({ x: bin.meanShare, estimate: bin.wrong })),
          })),
          { name: 'diagonal', points: diagonal },
        ],
      })}
      ${measured.map(({ policy, bins, expectedError }) =>
        table({
          caption: `${policy}: expected calibration error ${percent(expectedError)}`,
          head: ['votes for Incorrect', 'steps', 'mean share', 'wrong'],
          rows: bins.map(({ from, to, count, meanShare, wrong }) => [
            `${percent(from, 0)} to ${percent(to, 0)}`,
            count,
            percent(meanShare),
            estimate(wrong),
          ]),
        }),
      )}`,
  )
}
