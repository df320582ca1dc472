import { difference } from '../../../report/estimates.ts'
import { interval, percent, plural, points, signed } from '../../../report/format.ts'
import { html, type Html } from '../../../report/html.ts'
import type { DescribeRun, ReportData } from '../../../report/data.ts'
import { type SpcConfig, spcConfig } from '../config.ts'
import { taskOf } from '../problems.ts'
import { digest, type RoundDigest } from './digest.ts'
import { gamesSection } from './games.ts'
import { confusionSection, crossSection, curvesSection } from './judging.ts'
import { type CriticScores, firstAndLast } from './numbers.ts'
import { validitySection } from './validity.ts'

/** SPC's part of the report: reads the games round by round, keeps what the sections need, and lets them write. */
export const describeSpc: DescribeRun = async (data, source) => {
  const config = spcConfig.parse(data.run.config)
  const items = await source.countItems(['label', 'difficulty', 'kept'])
  const digests: RoundDigest[] = []
  for (const { round } of data.rounds) {
    digests.push(digest(await source.games(round)))
  }
  const games = await gamesSection(
    taskOf(config).render,
    new Map(digests.map((row) => [row.round, row.shortlist])),
    source,
  )
  const played = digests.filter(({ outcomes }) => outcomes.attack !== null)
  return {
    config,
    headline: headline(data, config),
    sections: [
      curvesSection(
        data,
        played.map(({ outcomes }) => outcomes),
      ),
      confusionSection(data),
      crossSection(data, items),
      ...(played.length > 0 ? [validitySection(config, played, items)] : []),
      ...(games ? [games] : []),
    ],
  }
}

type Played = { update: Pick<SpcConfig['update'], 'learn'>; play: Pick<SpcConfig['play'], 'generator'> }

/** What the run came to, in words that hold whichever way it went. */
export function headline(
  data: ReportData,
  config: Played,
  wrongSteps = 'first mistakes of a held-out weak solver',
): Html {
  const ends = firstAndLast(data)
  if (!ends?.first.harmonic || !ends.last.harmonic) return html`<p class="lead">The critic has not been tested yet.</p>`
  const { first, last } = ends
  const [before, after] = [ends.first.harmonic, ends.last.harmonic]
  if (first.version === last.version) {
    return html`<p class="lead">
        Before any play, the critic judges natural errors with a harmonic mean of <b>${percent(before.value)}</b>
        (95 % interval ${interval(before)}).
      </p>
      ${detail(last, wrongSteps)}`
  }
  const change = difference(after, before)
  const sure = change.low > 0 || change.high < 0
  const verb = !sure ? 'moves' : change.value > 0 ? 'rises' : 'falls'
  return html`<p class="lead">
      Over ${plural(last.version, 'round')} ${practice(config)}, the critic's harmonic mean on natural errors ${verb}
      from
      <b>${percent(before.value)}</b> to <b>${percent(after.value)}</b>:
      ${points(change.value)}${sure ? '' : ', which may be chance'}.
    </p>
    <p>
      The 95 % intervals are ${interval(before)} in round 0, ${interval(after)} in round ${last.version}, and
      ${signed(change.low * 100, 1)} to ${signed(change.high * 100, 1)} for the change.
    </p>
    ${detail(last, wrongSteps)}`
}

function practice({ update, play }: Played): string {
  if (update.learn === 'supervised-only') return 'of further supervised training'
  if (play.generator === 'frozen') return 'of play against a frozen generator'
  return play.generator === 'random' ? 'of play against a random corruptor' : 'of self-play'
}

function detail(
  { version, correct, wrong }: Pick<CriticScores, 'version' | 'correct' | 'wrong'>,
  wrongSteps: string,
): Html {
  if (!correct || !wrong) return html`<p>There were no test steps of one of the two kinds.</p>`
  return html`<p>
    critic@${version} accepts ${percent(correct.value)} of right steps and catches ${percent(wrong.value)} of wrong
    ones. The wrong steps are ${wrongSteps}, never the generator's own.
  </p>`
}
