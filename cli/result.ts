/** What a person reads when a run has ended, or asks how it stands. */
import fs from 'node:fs'
import path from 'node:path'
import { recipeOf } from '../recipes/registry.ts'
import { retryLines, scoreTable } from './live.ts'
import type { Snapshot, Time } from './snapshot.ts'
import { clock, type Column, say, style, table } from './terminal.ts'
import { root } from './results-file.ts'

export function sayResult(snapshot: Snapshot): void {
  sayHead(snapshot)
  const { report } = snapshot
  if (report) say(`Report: ${report}`)
  say('')
  say('Next:')
  const steps = nextSteps(snapshot)
  const width = Math.max(...steps.map(([command]) => command.length))
  for (const [command, what] of steps) say(`  ${command.padEnd(width)}  ${style('dim', what)}`)
}

export function sayStatus(snapshot: Snapshot): void {
  sayHead(snapshot)
  const { phases, seconds_left: left, state, policies, temporal_ui: ui, report } = snapshot
  for (const { name, done, shards, steps } of phases) {
    say(`  ${name}: ${steps ? `${steps.done} of ${steps.of} steps` : `${done} of ${shards} shards`}`)
  }
  for (const line of retryLines(snapshot)) say(style('yellow', `  ${line}`))
  if (left !== null && state === 'running') say(`About ${clock(left)} left.`)
  if (policies.length > 0) {
    const rows = policies.map(({ role, version, course, sha256 }) => [
      role,
      String(version),
      course,
      sha256.slice(0, 16),
    ])
    say('')
    for (const line of table(
      [{ title: 'role' }, { title: 'version' }, { title: 'made by' }, { title: 'sha256' }],
      rows,
    )) {
      say(`  ${line}`)
    }
    say('')
  }
  for (const line of timeTable(snapshot)) say(`  ${line}`)
  if (snapshot.time.seconds > 0) say('')
  if (ui) say(`Temporal UI: ${ui}`)
  if (report) say(`Report: ${report}`)
}

/** Seconds by phase: four parts that add up, then how busy the engines were. docs/cli.md says what they mean. */
function timeTable({ per_round: rounds, time }: Snapshot): string[] {
  const cells = ({ seconds, engine, storage, worker, between, engine_share: busy, engines }: Time): string[] => [
    ...[seconds, engine, storage, worker, between].map((value) => value.toFixed(1)),
    busy === null ? '–' : `${(busy * 100).toFixed(1)} %`,
    engines === null ? '–' : engines.toFixed(2),
  ]
  const lines = rounds.flatMap(({ round, time: whole }) =>
    whole === null
      ? []
      : [
          ...Object.entries(whole.phases).map(([phase, part], index) => [
            index === 0 ? String(round) : '',
            phase,
            ...cells(part),
          ]),
          ['', `all of round ${round}`, ...cells(whole)],
        ],
  )
  if (lines.length === 0) return []
  const numbers = ['seconds', 'engine', 'storage', 'worker', 'between', 'engine share', 'engines']
  return table(
    [
      { title: 'round', align: 'right' },
      { title: 'phase' },
      ...numbers.map((title): Column => ({ title, align: 'right' })),
    ],
    [...lines, ['', 'all rounds', ...cells(time)]],
  )
}

function sayHead(snapshot: Snapshot): void {
  const { run, recipe, state, round, rounds, error, per_round: perRound } = snapshot
  say('')
  const place = state === 'finished' ? `${rounds} rounds` : `round ${round} of ${rounds}`
  say(`${style('bold', run)} (${recipe}) · ${style(state === 'failed' ? 'red' : 'green', state)} · ${place}`)
  if (error) say(style('red', `It failed: ${error}`))
  const finished = perRound.filter((row) => row.finished)
  if (finished.length > 0) {
    say('')
    for (const line of scoreTable(recipe, finished)) say(line)
  }
  say('')
}

/** What to type to go on with a run. */
export const againCommand = (run: string): string => (run === 'spc' ? 'npm start' : `npx sparring start ${run}`)

function nextSteps({ run, recipe, state }: Snapshot): [string, string][] {
  const [worthReading] = Object.entries(recipeOf(recipe).outcomes)
  const look: [string, string][] = [
    worthReading
      ? [`npx sparring episodes ${run} --outcome ${worthReading[0]} --limit 3`, `games: ${worthReading[1]}`]
      : [`npx sparring episodes ${run} --limit 3`, 'games, turn by turn'],
    [`npx sparring status ${run} --json`, 'every number'],
  ]
  if (state !== 'finished') return [[againCommand(run), 'goes on behind the finished rounds'], ...look]
  const example = path.join('examples', `${recipe}.yaml`)
  const another: [string, string][] = fs.existsSync(path.join(root, example))
    ? [[`npx sparring run ${example} --name ${run}-2 --set seed=2`, 'another run, from another seed']]
    : []
  return [...look, ...another, ['npx sparring run --help', 'your own settings']]
}
