/** The tables of a study, in Markdown. */
import { type Interval, meanInterval } from '../shared/statistics.ts'
import { chartFile, type ChartLine, chartLines } from './study-chart.ts'
import type { Judgement, Share, StudiedRun, StudyChart, StudyResults } from './study.ts'

type Round = StudiedRun['rounds'][number]

/** A place in a run: where a number first reaches a value. */
export interface Place {
  column: string
  value: number
}

/**
 * A number of a run as its study compares it: that of the last round, or that of the place between two rounds where
 * another number first reaches a value, on a straight line. Null where it never does.
 */
export function compared(rounds: readonly Round[], column: string, place: Place | null): number | null {
  const read = (index: number, name: string): number | null => rounds[index]?.numbers[name] ?? null
  if (!place) return read(rounds.length - 1, column)
  const reached = rounds.findIndex((_, index) => (read(index, place.column) ?? -Infinity) >= place.value)
  const [before, after] = [read(reached - 1, place.column), read(reached, place.column)]
  const [from, to] = [read(reached - 1, column), read(reached, column)]
  if (before === null || after === null || from === null || to === null) return to
  return from + ((place.value - before) / (after - before)) * (to - from)
}

/** The tables of a study's results, in Markdown: each arm, mean over seeds with a 95 % interval. */
export function studyTable(found: StudyResults): string {
  const { columns, runs, match: matched, command, charts } = found
  const arms = [...new Set(runs.map(({ arm }) => arm))]
  const rivals = arms.slice(1).filter((arm) => found.paired?.includes(arm) ?? true)
  const row = (name: string, seeds: string, cells: string[]): string => `| ${[name, seeds, ...cells].join(' | ')} |`
  const first = runs.filter((run) => run.arm === arms[0])
  /** Of a run that is its round 0 alone, the arm's own row says it. */
  const goesOn = (arm: string): boolean => runs.some((run) => run.arm === arm && run.rounds.length > 1)
  const startRow = (alike: readonly string[]): string => {
    const mine = runs.filter((run) => run.arm === alike[0])
    const cells = columns.map((column) => {
      const values = mine.flatMap((run) => run.rounds[0]?.numbers[column] ?? [])
      return values.length === 0 ? '–' : fixed(meanInterval(values).mean)
    })
    const whose = alike.length === arms.length ? 'all arms' : alike.join(', ')
    return row(`round 0 (${whose})`, String(mine.length), cells)
  }
  const armRow = (arm: string, place: Place | null): string => {
    const mine = runs.filter((run) => run.arm === arm)
    const values = (column: string): number[] => mine.flatMap((run) => compared(run.rounds, column, place) ?? [])
    const reached = place ? values(place.column).length : mine.length
    const cells = columns.map((column) => written(values(column)))
    return row(arm, reached === mine.length ? `${reached}` : `${reached} of ${mine.length}`, cells)
  }
  /** Where an arm's seeds share their round 0 with those of the first arm, what is left between them is the arm. */
  const differenceRow = (arm: string, place: Place | null): string => {
    const differences = (column: string): number[] =>
      first.flatMap((one) => {
        const other = runs.find((run) => run.arm === arm && run.seed === one.seed)
        const [mine, theirs] = [one, other].map((run) => run && compared(run.rounds, column, place))
        return typeof mine === 'number' && typeof theirs === 'number' ? [mine - theirs] : []
      })
    return row(
      `${arms[0]} − ${arm}`,
      String(differences(columns[0] ?? '').length),
      columns.map((column) => written(differences(column))),
    )
  }
  const heading = (what: string): string[] => [
    row(what, 'seeds', columns),
    `|---|---|${columns.map(() => '---').join('|')}|`,
  ]
  const table = (place: Place | null): string[] => [
    ...(place ? [`Where ${place.column} first reaches ${place.value}:`, ''] : []),
    ...heading('arm'),
    ...begunAlike(arms.filter(goesOn), found).map(startRow),
    ...arms.map((arm) => armRow(arm, place)),
    '',
    ...(rivals.length > 0 ? [...heading('paired by seed'), ...rivals.map((arm) => differenceRow(arm, place)), ''] : []),
  ]
  const places = matched?.at.map((value) => ({ column: matched.column, value }))
  const what = matched
    ? 'On a straight line between rounds; runs that never get there are left out'
    : 'Last round of each run'
  const all = (values: string[]): string => [...new Set(values)].join('; ')
  const provenance = `commit ${all(runs.map((run) => run.commit))}, ${all(runs.map((run) => run.machine))}`
  return [
    ...(places ?? [null]).flatMap(table),
    ...charts.flatMap((chart) => [...roundsTable(chart, chartLines(found, chart)), '']),
    ...(runs.length === 1 ? runs.flatMap(({ judgements = [] }) => judgementTable(judgements)) : []),
    ...charts.map((chart) => `![${chart.title}](charts/${chartFile(found.study, chart)})\n`),
    `${what}; mean ± half of the 95 % interval over seeds. \`${command}\`, ${provenance}.`,
  ].join('\n')
}

/** Arms that have seeds in common, whose round 0 is written with the same numbers in all of these, in the order of the first of each. */
function begunAlike(arms: readonly string[], { runs, columns }: StudyResults): string[][] {
  const begun = (arm: string): StudiedRun[] => runs.filter((run) => run.arm === arm)
  const shown = ({ numbers }: Round, column: string): string | undefined => numbers[column]?.toFixed(3)
  const isAlike = (one: string, other: string): boolean => {
    const pairs = begun(one).flatMap(({ seed, rounds: [mine] }) => {
      const theirs = begun(other).find((run) => run.seed === seed)?.rounds[0]
      return mine && theirs ? [{ mine, theirs }] : []
    })
    const isPairAlike = ({ mine, theirs }: (typeof pairs)[number]): boolean =>
      columns.every((column) => shown(mine, column) === shown(theirs, column))
    return pairs.length > 0 && pairs.every(isPairAlike)
  }
  return arms.reduce<string[][]>((groups, arm) => {
    const group = groups.find(([one]) => one !== undefined && isAlike(one, arm))
    if (group) group.push(arm)
    else groups.push([arm])
    return groups
  }, [])
}

function written(values: readonly number[]): string {
  if (values.length === 0) return '–'
  const { mean, half } = meanInterval(values)
  return half === null ? fixed(mean) : `${fixed(mean)} ± ${fixed(half)}`
}

/** No -0.000: so little is what rounding leaves of nothing. */
const fixed = (value: number): string => value.toFixed(3).replace(/^-(0\.0*)$/, '$1')

/** What a chart draws, as a table: each arm's mean at each round, and what its updates had cost until then. */
function roundsTable({ column, along }: StudyChart, lines: readonly ChartLine[]): string[] {
  const rounds = Math.max(0, ...lines.map(({ points }) => points.length))
  const row = (name: string, cells: readonly string[]): string => `| ${[name, ...cells].join(' | ')} |`
  const cells = (line: ChartLine, of: (point: ChartLine['points'][number]) => string): string[] =>
    Array.from({ length: rounds }, (_, round) => (line.points[round] ? of(line.points[round]) : '–'))
  return [
    row(
      `${column}, round`,
      Array.from({ length: rounds }, (_, round) => String(round)),
    ),
    `|${'---|'.repeat(rounds + 1)}`,
    ...lines.flatMap((line) => [
      row(
        line.arm,
        cells(line, ({ values }) => written(values)),
      ),
      ...(along === 'training'
        ? [
            row(
              `${line.arm}, TFLOP of updates`,
              cells(line, ({ x }) => x.toPrecision(3)),
            ),
          ]
        : []),
    ]),
  ]
}

/** Of a run that is alone: its lines have to say what is chance, where several seeds would. */
function judgementTable(judgements: readonly Judgement[]): string[] {
  if (judgements.length === 0) return []
  const said = (one: Interval | null, signed = false): string => {
    if (one === null) return '–'
    const [value, low, high] = [one.value, one.low, one.high].map((number) => number.toFixed(3))
    return `${signed && one.value > 0 ? '+' : ''}${value} (${low} to ${high})`
  }
  const share = (one: Share | null): string => (one ? `${said(one)} of ${one.of}` : '–')
  return [
    '| suite | policy | correct | wrong | mean | mean, over the first version |',
    `|${'---|'.repeat(6)}`,
    ...judgements.map(({ suite, policy, correct, wrong, mean, gain }) => {
      const cells = [suite, policy, share(correct), share(wrong), said(mean), said(gain?.mean ?? null, true)]
      return `| ${cells.join(' | ')} |`
    }),
    '',
    'Shares with 95 % intervals over the lines that were judged: of right steps called right, of wrong ones called wrong; of whole',
    'solutions, those whose first error is named, or found to be none.',
    '',
  ]
}
