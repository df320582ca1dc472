import { numberOf, type DescribeRun, type ReportData, type RoundTimes, type Section } from '../../../report/data.ts'
import { lineChart } from '../../../report/charts.ts'
import { percent, points, whole } from '../../../report/format.ts'
import { type Fragment, html, type Html } from '../../../report/html.ts'
import { estimate, table } from '../../../report/tables.ts'
import { accuracy, atTokens, overQuality, votesOverTokens } from '../../players/report.ts'
import { type SelfCheckConfig, selfCheckConfig } from '../config.ts'
import { breakEven } from '../break-even.ts'

/** Self-check's part of the report: what the check is worth beside the same tokens spent on votes. */
export const describeSelfCheck: DescribeRun = async (data) => {
  const config = selfCheckConfig.parse(data.run.config)
  const checks = data.rounds.filter((round) => numberOf(round, 'checked') !== null)
  const sections =
    checks.length === 0 ? [] : [budgetSection(data, config, checks), qualitySection(checks), roundsSection(checks)]
  return { config, headline: headline(checks), sections }
}

function headline(checks: readonly RoundTimes[]): Html {
  const last = checks.at(-1)
  if (!last) return html`<p class="lead">No answer has been checked yet.</p>`
  const [checked, votes, majority] = ['checked', 'more_votes', 'majority'].map((name) => numberOf(last, name) ?? 0)
  const gain = (checked ?? 0) - (votes ?? 0)
  const even = breakEven(places(checks))
  return html`<p class="lead">
      With the critic of round ${last.round}, self-check answers <b>${percent(checked ?? 0)}</b> of the problems
      rightly; the same tokens spent on more votes <b>${percent(votes ?? 0)}</b>: ${points(gain)}.
    </p>
    <p>
      The vote alone has ${percent(majority ?? 0)}.
      ${
        even === null
          ? 'In this run the two lines do not cross: no critic of it marks where checking begins to pay.'
          : `Checking begins to pay where the critic’s recalls on right and on wrong candidates add up to ${percent(1 + even)}.`
      }
      docs/self-check.md tells the same over several seeds.
    </p>`
}

/** The critic's worth on the candidates for uncertain answers, and what its check gains. */
const places = (checks: readonly RoundTimes[]): { quality: number; gain: number }[] =>
  checks.flatMap((round) => {
    const [quality, gain] = [numberOf(round, 'informedness'), numberOf(round, 'gain')]
    return quality === null || gain === null ? [] : [{ quality, gain }]
  })

function budgetSection(data: ReportData, { check }: SelfCheckConfig, checks: readonly RoundTimes[]): Section {
  const [first] = data.rounds
  const voted = first ? (numberOf(first, `vote_tokens_${check.answers}`) ?? null) : null
  const checked = [checks[0], checks.at(-1)].flatMap((round) => {
    const tokens = round && numberOf(round, 'tokens')
    const value = round && accuracy(round, 'checked')
    return round && value && typeof tokens === 'number' ? [{ round: round.round, tokens, value }] : []
  })
  return {
    id: 'budget',
    title: 'Accuracy over budget',
    body: html`<p>
        The line is the majority of more and more answers. Self-check stands at what its ${check.answers} votes and its
        critiques generated together. Bars are 95 % intervals over problems.
      </p>
      <div class="charts">
        ${lineChart({
          title: 'Problems answered rightly',
          along: 'tokens each',
          series: [
            { name: 'votes', points: votesOverTokens(first) },
            ...(voted === null
              ? []
              : checked.map(({ round, tokens, value }) => ({
                  name: `critic@${round}`,
                  points: atTokens(voted + tokens, value),
                }))),
          ],
        })}
      </div>`,
  }
}

function qualitySection(checks: readonly RoundTimes[]): Section {
  const line = overQuality(checks)
  return {
    id: 'quality',
    title: 'How good a critic has to be',
    body: html`<p>
        Along: the critic’s recall on right candidates plus that on wrong ones, less 100, over the candidates for
        uncertain answers; 0 is guessing. “Shuffled” deals the same verdicts out among the candidates anew: what
        dropping as many of them does by itself.
      </p>
      <div class="charts">
        ${lineChart({
          title: 'Problems answered rightly',
          along: 'points',
          series: [
            line('self-check', 'checked'),
            line('more votes', 'more_votes'),
            line('vote', 'majority'),
            line('shuffled', 'shuffled'),
          ],
        })}
      </div>`,
  }
}

function roundsSection(checks: readonly RoundTimes[]): Section {
  const plain = (round: RoundTimes, name: string): Fragment => percent(numberOf(round, name))
  return {
    id: 'checks',
    title: 'Every check',
    body: html`${table({
      caption: 'Problems answered rightly, in % with 95 % interval',
      head: [
        'critic',
        'vote',
        'self-check',
        'more votes',
        'more votes, reading counted',
        'shuffled verdicts',
        'exact checker',
      ],
      rows: checks.map((round) => [
        `critic@${round.round}`,
        ...['majority', 'checked', 'more_votes', 'more_votes_read', 'shuffled', 'checker'].map((name) =>
          estimate(accuracy(round, name)),
        ),
      ]),
    })}
    ${table({
      caption: 'The critic on the candidates for uncertain answers, and on the balanced suite',
      head: [
        'critic',
        'recall on right',
        'recall on wrong',
        'balanced accuracy',
        'uncertain problems',
        'unreadable',
        'tokens per problem',
      ],
      rows: checks.map((round) => [
        `critic@${round.round}`,
        ...['right', 'wrong', 'balanced', 'uncertain', 'unreadable'].map((name) => plain(round, name)),
        whole(numberOf(round, 'tokens') ?? 0),
      ]),
    })}`,
  }
}
