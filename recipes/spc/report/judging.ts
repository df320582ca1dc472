import type { ItemCount, ReportData, Section } from '../../../report/data.ts'
import { lineChart, type Series } from '../../../report/charts.ts'
import type { Estimate } from '../../../report/estimates.ts'
import { percent, whole } from '../../../report/format.ts'
import { type Fragment, html, type Html } from '../../../report/html.ts'
import { Cell, estimate, table, tinted } from '../../../report/tables.ts'
import { errorTypes } from '../../../tasks/task.ts'
import { confusions, crossTable, type CriticScores, kindRecalls, type Outcomes, scores } from './numbers.ts'

/** What the critic is worth, by round: on errors that its opponent did not make, then against every opponent. */

const suites = [
  { suite: 'natural/test', title: 'Natural errors' },
  { suite: 'synthetic/test', title: 'Synthetic errors' },
] as const

const series = <T extends { x: number }>(
  name: string,
  rows: readonly T[],
  of: (row: T) => Estimate | null,
): Series => ({
  name,
  points: rows.flatMap((row) => {
    const value = of(row)
    return value ? [{ x: row.x, estimate: value }] : []
  }),
})

export function curvesSection({ tallies }: ReportData, games: readonly Outcomes[]): Section {
  const measured = suites.map(({ suite, title }) => ({ title, rows: scores(tallies, suite) }))
  const played = games.filter(({ attack }) => attack !== null)
  return {
    id: 'curves',
    title: 'Curves by round',
    body: html`<p>
        The critic of each round judges single steps of test problems, greedily, one critique per step. Natural errors
        are first mistakes of a held-out weak solver; synthetic ones are made by rules, the five error types evenly. The
        generator made none of them. Bars are 95 % intervals.
      </p>
      <div class="charts">
        ${measured.map(({ title, rows }) => scoreChart(title, rows))}
        ${lineChart({
          title: 'Critiques that cannot be read',
          along: 'round',
          series: measured.map(({ title, rows }) =>
            series(title.toLowerCase().split(' ')[0] ?? '', rows.map(at), ({ invalid }) => invalid),
          ),
        })}
        ${lineChart({
          title: 'The generator in the games of a round',
          along: 'round',
          top: 1,
          series: [
            series(
              'attacks',
              played.map((row) => ({ ...row, x: row.round })),
              ({ attack }) => attack,
            ),
            series(
              'fools',
              played.map((row) => ({ ...row, x: row.round })),
              ({ foolingRate }) => foolingRate,
            ),
          ],
        })}
      </div>
      <p>
        The generator attacks when its step is valid, and fools when the critic of that game calls the valid step
        Correct. Both players change between rounds, so these two rates tell how the game stood, not who is better; the
        cross table below does.
      </p>
      ${measured.map(({ title, rows }) => scoreTable(title, rows))} ${outcomeTable(played)}`,
  }
}

const at = (row: CriticScores) => ({ ...row, x: row.version })

export function scoreChart(title: string, rows: readonly CriticScores[]): Html {
  const places = rows.map(at)
  return lineChart({
    title: `${title}: recall`,
    along: 'round',
    top: 1,
    series: [
      series('right steps', places, ({ correct }) => correct),
      series('wrong steps', places, ({ wrong }) => wrong),
      series('mean', places, ({ mean }) => mean),
      series('harmonic', places, ({ harmonic }) => harmonic),
    ],
  })
}

export function scoreTable(title: string, rows: readonly CriticScores[]): Html {
  return table({
    caption: `${title}: recall in % with 95 % interval`,
    head: ['critic', 'right steps', 'wrong steps', 'mean', 'harmonic mean', 'unreadable', 'right · wrong steps judged'],
    rows: rows.map(({ version, correct, wrong, mean, harmonic, invalid }) => [
      `critic@${version}`,
      ...[correct, wrong, mean, harmonic, invalid].map(estimate),
      `${whole(correct?.of ?? 0)} · ${whole(wrong?.of ?? 0)}`,
    ]),
  })
}

export function outcomeTable(games: readonly Outcomes[]): Fragment {
  if (games.length === 0) return html`<p>No games have been played.</p>`
  return table({
    caption: 'How the games ended',
    head: ['round', 'invalid', 'detected', 'fooling', 'attack rate', 'fooling rate'],
    rows: games.map(({ round, invalid, detected, fooling, attack, foolingRate }) => [
      round,
      whole(invalid),
      whole(detected),
      whole(fooling),
      estimate(attack),
      estimate(foolingRate),
    ]),
  })
}

export function confusionSection({ tallies }: ReportData): Section {
  return {
    id: 'confusion',
    title: 'What the critic says of which step',
    body: html`${suites.map(({ suite, title }) =>
      table({
        caption: title,
        over: [
          { title: '', columns: 1 },
          { title: 'of a right step it says', columns: 3 },
          { title: 'of a wrong step it says', columns: 3 },
        ],
        head: ['critic', 'Correct', 'Incorrect', 'unreadable', 'Incorrect', 'Correct', 'unreadable'],
        rows: confusions(tallies, suite).map(({ version, right, wrong }) => [
          `critic@${version}`,
          ...counted(right[0], right[1], right[2]),
          ...counted(wrong[1], wrong[0], wrong[2]),
        ]),
      }),
    )}
    ${kindTable(tallies)}`,
  }
}

function counted(...counts: number[]): Html[] {
  const all = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) =>
    all === 0 ? html`0` : new Cell(html`${whole(count)} <small>${percent(count / all, 0)}</small>`, count / all),
  )
}

function kindTable(tallies: ReportData['tallies']): Html {
  const recalls = kindRecalls(tallies, 'synthetic/test')
  const versions = [...new Set(recalls.map(({ version }) => version))].toSorted((a, b) => a - b)
  const found = (kind: string, version: number) =>
    recalls.find((row) => row.kind === kind && row.version === version)?.recall ?? null
  return html`<h3>Wrong steps caught, by error type</h3>
    <p>
      The labelled steps of round 0 hold no <b>calculation</b> errors (the right sum, the wrong result): those, play has
      to teach. No critic was trained on these problems.
    </p>
    <div class="charts">
      ${lineChart({
        title: 'Synthetic errors caught',
        along: 'round',
        top: 1,
        series: errorTypes.map((kind) =>
          series(
            kind,
            recalls
              .filter((row) => row.kind === kind)
              .map((row) => ({
                ...row,
                x: row.version,
              })),
            ({ recall }) => recall,
          ),
        ),
      })}
    </div>
    ${table({
      head: ['error type', ...versions.map((version) => `critic@${version}`), 'steps'],
      rows: errorTypes.map((kind) => [
        kind,
        ...versions.map((version) => tinted(found(kind, version))),
        whole(Math.max(0, ...versions.map((version) => found(kind, version)?.of ?? 0))),
      ]),
    })}`
}

export function crossSection({ tallies }: ReportData, items: readonly ItemCount[]): Section {
  const { generators, critics, attack, fooling } = crossTable(tallies, items)
  return {
    id: 'cross',
    title: 'Every generator against every critic',
    body: html`<p>
        Each generator version writes a step for the same test problems; the exact checker says which are wrong (attack
        rate), and each critic version judges those. Down a column one sees whether generators get more cunning, along a
        row whether critics get harder to fool.
      </p>
      ${table({
        caption: 'Share of wrong steps that the critic calls Correct (fooling rate)',
        head: ['', 'attack rate', ...critics.map((critic) => `critic@${critic}`)],
        rows: generators.map((generator) => [
          `generator@${generator}`,
          estimate(attack.get(generator) ?? null),
          ...critics.map((critic) => tinted(fooling.get(`${generator}/${critic}`) ?? null)),
        ]),
      })}`,
  }
}
