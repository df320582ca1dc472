import { numberOf, type DescribeRun, type ReportData, type RoundTimes, type Section } from '../../../report/data.ts'
import { lineChart } from '../../../report/charts.ts'
import { percent, points, whole } from '../../../report/format.ts'
import { html, type Html } from '../../../report/html.ts'
import type { Data } from '../../../shared/recipe.ts'
import { estimate, table } from '../../../report/tables.ts'
import { accuracy, atTokens, overQuality, votesOverTokens } from '../../players/report.ts'
import { searchConfig } from '../config.ts'
import type { Judge } from '../rows.ts'

/** Who searches in the critic's place: its name in the numbers and for people, what it is, and what there is to say of it all. */
interface Checker {
  name: Exclude<Judge, 'critic'>
  title: string
  meaning: string
  more: string
}

/** Search's part of the report: what guiding is worth beside the same tokens spent in other ways. */
export const describeSearches =
  (parse: (config: Data) => Data, checker: Checker): DescribeRun =>
  async (data) => {
    const searches = data.rounds.filter((round) => numberOf(round, 'guided') !== null)
    const sections = [
      tokensSection(data, searches, checker),
      qualitySection(searches),
      roundsSection(searches, checker),
    ]
    return {
      config: parse(data.run.config),
      headline: headline(searches, checker),
      sections: searches.length === 0 ? [] : sections,
    }
  }

export const describeSearch = describeSearches((config) => searchConfig.parse(config), {
  name: 'checker',
  title: 'exact checker',
  meaning: 'by the exact checker, which costs nothing',
  more: 'docs/search.md tells the same over several seeds.',
})

function headline(searches: readonly RoundTimes[], { more }: Checker): Html {
  const last = searches.at(-1)
  if (!last) return html`<p class="lead">No problem has been searched yet.</p>`
  const number = (name: string): number => numberOf(last, name) ?? 0
  return html`<p class="lead">
      Guided by the critic of round ${last.round}, one chain answers <b>${percent(number('guided'))}</b> of the problems
      rightly; the same tokens spent on votes <b>${percent(number('votes'))}</b>: ${points(number('gain'))}.
    </p>
    <p>
      ${number('chains')} such chains that vote have ${percent(number('guided_majority'))}, as many tokens of plain
      votes ${percent(number('more_votes'))}; a greedy answer has ${percent(number('greedy'))}. ${more}
    </p>`
}

function tokensSection(
  { rounds: [first] }: ReportData,
  searches: readonly RoundTimes[],
  { name, meaning }: Checker,
): Section {
  const [begun, last] = [searches[0], searches.at(-1)]
  const guided = (round: RoundTimes, one: string, several: string, tokens: string) => {
    const [spent, chains] = [numberOf(round, tokens), numberOf(round, 'chains')]
    const all = spent === null || chains === null ? null : spent * chains
    return [...atTokens(spent, accuracy(round, one)), ...atTokens(all, accuracy(round, several))]
  }
  const critics = [...new Set([begun, last])].flatMap((round) =>
    round ? [{ name: `critic@${round.round}`, points: guided(round, 'guided', 'guided_majority', 'tokens') }] : [],
  )
  return {
    id: 'tokens',
    title: 'Accuracy over tokens',
    body: html`<p>
        The line of votes is the majority of more and more plain answers. The others are one chain guided by a critic
        (or ${meaning}), and several that vote. Tokens are those that anybody generated. Bars are 95 % intervals over
        problems.
      </p>
      <div class="charts">
        ${lineChart({
          title: 'Problems answered rightly',
          along: 'tokens each',
          series: [
            { name: 'votes', points: votesOverTokens(first) },
            ...critics,
            ...(last
              ? [
                  { name, points: guided(last, name, `${name}_majority`, `${name}_tokens`) },
                  { name: 'greedy', points: atTokens(numberOf(last, 'greedy_tokens'), accuracy(last, 'greedy')) },
                ]
              : []),
          ],
        })}
      </div>`,
  }
}

function qualitySection(searches: readonly RoundTimes[]): Section {
  const line = overQuality(searches)
  return {
    id: 'quality',
    title: 'How good a critic has to be',
    body: html`<p>
        Along: the critic’s recall on right steps plus that on wrong ones, less 100, over the steps that it was asked
        about in the search; 0 is guessing.
      </p>
      <div class="charts">
        ${lineChart({
          title: 'One chain',
          along: 'points',
          series: [line('guided', 'guided'), line('votes', 'votes'), line('best', 'best'), line('greedy', 'greedy')],
        })}
        ${lineChart({
          title: 'Several chains that vote',
          along: 'points',
          series: [
            line('guided', 'guided_majority'),
            line('votes', 'more_votes'),
            line('accepted', 'votes_of_accepted'),
          ],
        })}
      </div>`,
  }
}

const oneChain = ({ name, title }: Checker): [string, string][] => [
  ['greedy', 'greedy'],
  ['sampled', 'sampled'],
  ['guided', 'guided'],
  ['votes', 'votes'],
  ['best-of-n', 'best'],
  [title, name],
  ['critic solves', 'critic_solves'],
]
const severalChains = ({ name, title }: Checker): [string, string][] => [
  ['majority', 'majority'],
  ['guided', 'guided_majority'],
  ['more votes', 'more_votes'],
  ['best-of-n', 'best_of_more'],
  ['votes of the accepted', 'votes_of_accepted'],
  [title, `${name}_majority`],
]

const gains: [string, string][] = [
  ['one chain: votes', 'gain'],
  ['greedy', 'gain_greedy'],
  ['best-of-n', 'gain_best'],
  ['several: votes', 'majority_gain'],
  ['greedy', 'majority_gain_greedy'],
  ['votes of the accepted', 'majority_gain_accepted'],
]
function gainOf(round: RoundTimes, name: string): string {
  const [gain, half] = [numberOf(round, name) ?? 0, numberOf(round, `${name}_half`)]
  return half === null ? points(gain) : `${points(gain)} ± ${(100 * half).toFixed(1)}`
}

function roundsSection(searches: readonly RoundTimes[], checker: Checker): Section {
  const ways = (caption: string, columns: [string, string][]): Html =>
    table({
      caption,
      head: ['critic', ...columns.map(([title]) => title)],
      rows: searches.map((round) => [
        `critic@${round.round}`,
        ...columns.map(([, name]) => estimate(accuracy(round, name))),
      ]),
    })
  return {
    id: 'searches',
    title: 'Every search',
    body: html`${ways('One chain, and what its tokens buy: problems answered rightly, in % with 95 % interval', oneChain(checker))}
    ${ways('Several chains that vote, and what their tokens buy', severalChains(checker))}
    ${table({
      caption: 'What a guided chain, and several that vote, answer beyond other ways; ± 95 % over the problems',
      head: ['critic', ...gains.map(([title]) => title)],
      rows: searches.map((round) => [`critic@${round.round}`, ...gains.map(([, name]) => gainOf(round, name))]),
    })}
    ${table({
      caption: 'The critic on the steps that it was asked about, and what a chain cost',
      head: [
        'critic',
        'recall on right',
        'recall on wrong',
        'unreadable',
        'attempts per step',
        'tokens per chain',
        'of them the critic’s',
      ],
      rows: searches.map((round) => [
        `critic@${round.round}`,
        ...['right', 'wrong', 'unreadable'].map((name) => percent(numberOf(round, name))),
        (numberOf(round, 'attempts') ?? 0).toFixed(2),
        ...['tokens', 'critic_tokens'].map((name) => whole(numberOf(round, name) ?? 0)),
      ]),
    })}`,
  }
}
