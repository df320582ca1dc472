/** The live display of a run: redrawn in place on a terminal, one line per change elsewhere. */
import { clearScreenDown, moveCursor } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { recipeOf } from '../recipes/registry.ts'
import type { PhaseProgress, RoundNumbers, Snapshot } from './snapshot.ts'
import { clock, say, share, style, table, type Column } from './terminal.ts'

export interface Display {
  show(snapshot: Snapshot): void
  /** A line that stays. */
  say(line: string): void
  /** Leaves what is shown as it is; nothing is redrawn afterwards. */
  end(): void
}

/** Nothing is shown: for --json, and for hands that ask for quiet. */
export const silent: Display = { show: () => undefined, say: () => undefined, end: () => undefined }

export function openDisplay(): Display {
  return process.stdout.isTTY ? new Screen() : new Lines()
}

class Screen implements Display {
  #drawn = 0
  readonly #pace = new Pace()

  show(snapshot: Snapshot): void {
    const { left, rate } = this.#pace.measure(snapshot)
    const width = process.stdout.columns || 80
    const lines = screenLines(snapshot, left, rate).map((line) => cut(line, width - 1))
    this.#clear()
    process.stdout.write(`${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }

  say(line: string): void {
    this.#clear()
    say(line)
  }

  end(): void {
    this.#drawn = 0
  }

  #clear(): void {
    if (this.#drawn > 0) {
      moveCursor(process.stdout, 0, -this.#drawn)
      process.stdout.cursorTo(0)
      clearScreenDown(process.stdout)
    }
    this.#drawn = 0
  }
}

/** One of several runs that are shown side by side: lines that begin with its name. */
export const openLines = (name: string): Display => new Lines(`${name} · `)

/** Not a terminal: a line when something changed, and no more than one in two seconds. */
class Lines implements Display {
  readonly #pace = new Pace()
  readonly #prefix: string
  #last = ''
  #at = 0

  constructor(prefix = '') {
    this.#prefix = prefix
  }

  show(snapshot: Snapshot): void {
    const { left, rate } = this.#pace.measure(snapshot)
    const what = [
      `${this.#prefix}round ${snapshot.round}/${snapshot.rounds}`,
      ...(snapshot.state === 'running' ? [] : [snapshot.state]),
      ...(snapshot.phases.length > 0 ? [someOf(snapshot.phases)] : []),
      ...retryLines(snapshot).slice(0, 1),
    ].join(' · ')
    if (what === this.#last || Date.now() - this.#at < 2000) return
    this.#last = what
    this.#at = Date.now()
    const scores = snapshot.per_round.filter((row) => row.finished).map((row) => share(row.score))
    say(
      [
        what,
        ...(rate === null ? [] : [`${Math.round(rate)} tokens/s`]),
        ...(left === null ? [] : [`${clock(left)} left`]),
        ...(scores.length > 0 ? [`scores ${scores.join(' ')}`] : []),
      ].join(' · '),
    )
  }

  say(line: string): void {
    say(line)
  }

  end(): void {}
}

/** What only shows over time: the speed of the last minute, and a time left that runs between two measurements. */
class Pace {
  #samples: { at: number; tokens: number }[] = []
  #left: { seconds: number; since: number } | null = null

  measure({ tokens, tokens_per_second: mean, seconds_left: left, state }: Snapshot): {
    left: number | null
    rate: number | null
  } {
    const now = Date.now() / 1000
    const last = this.#samples.at(-1)
    if (last?.tokens !== tokens) this.#samples.push({ at: now, tokens })
    while (this.#samples.length > 2 && now - this.#samples[1]!.at > 60) this.#samples.shift()
    const [first, newest] = [this.#samples[0], this.#samples.at(-1)]
    const span = first && newest ? newest.at - first.at : 0
    const rate = first && newest && span > 10 ? (newest.tokens - first.tokens) / span : mean
    if (left === null || left === 0 || state !== 'running') return { left: null, rate: rate === 0 ? null : rate }
    if (this.#left?.seconds !== left) this.#left = { seconds: left, since: now }
    return { left: Math.max(1, left - (now - this.#left.since)), rate: rate === 0 ? null : rate }
  }
}

function screenLines(snapshot: Snapshot, left: number | null, rate: number | null): string[] {
  const state =
    snapshot.state === 'paused' ? style('yellow', `paused: \`sparring resume ${snapshot.run}\``) : snapshot.state
  const times = `${clock(performance.now() / 1000)} since start${left === null ? '' : `, about ${clock(left)} left`}`
  const width = Math.max(20, ...snapshot.phases.map(({ name }) => name.length))
  const finished = snapshot.per_round.filter((row) => row.finished)
  return [
    '',
    `${style('bold', snapshot.run)} · round ${snapshot.round} of ${snapshot.rounds} · ${state} · ${times}`,
    ...snapshot.phases.map((phase) => `  ${phase.name.padEnd(width)}  ${bar(phase)}`),
    ...retryLines(snapshot).map((line) => style('yellow', `  ${line}`)),
    ...(rate === null ? [] : [`  ${Math.round(rate)} tokens/s`]),
    ...(snapshot.temporal_ui ? [`  Temporal UI: ${style('cyan', snapshot.temporal_ui)}`] : []),
    ...(finished.length > 0 ? ['', ...scoreTable(snapshot.recipe, finished)] : []),
  ]
}

function bar({ done, shards, steps }: PhaseProgress): string {
  const part = steps ? steps.done / steps.of : done / shards
  const filled = Math.round(part * 20)
  const text = steps ? `${steps.done} of ${steps.of} steps` : `${done} of ${shards} shards`
  return `${style('green', '━'.repeat(filled))}${style('dim', '─'.repeat(20 - filled))} ${text}`
}

const phaseLine = ({ name, done, shards, steps }: PhaseProgress): string =>
  steps ? `${name} ${steps.done}/${steps.of} steps` : `${name} ${done}/${shards}`

/** A lost worker's shards are tried again once, which is no news; a second failure of the same step is. */
export function retryLines({ retries }: Snapshot): string[] {
  const reasons = new Map(retries.filter(({ attempt }) => attempt > 2).map((retry) => [retry.reason, retry]))
  return [...reasons.values()].map(
    ({ step, attempt, reason }) => `${step} fails and is tried again (attempt ${attempt}): ${reason.split('\n')[0]}`,
  )
}

/** Two phases of a stage say enough in a log. */
function someOf(phases: readonly PhaseProgress[]): string {
  const more = phases.length > 2 ? [`${phases.length - 2} more`] : []
  return [...phases.slice(0, 2).map(phaseLine), ...more].join(', ')
}

function cut(line: string, width: number): string {
  return stripVTControlCharacters(line).length <= width ? line : stripVTControlCharacters(line).slice(0, width)
}

/** The numbers of each round: the columns that the recipe names, or its score. */
export function scoreTable(recipe: string, rounds: readonly RoundNumbers[]): string[] {
  const named = Object.entries(recipeOf(recipe).columns)
  const shown = named.filter(([number]) => rounds.some(({ numbers }) => typeof numbers[number] === 'number'))
  const columns: Column[] = [
    { title: 'round', align: 'right' },
    ...(shown.length === 0 ? [{ title: 'score', align: 'right' } as const] : []),
    ...shown.map(([, title]): Column => ({ title, align: 'right' })),
    { title: 'time', align: 'right' },
  ]
  return table(
    columns,
    rounds.map((row) => [
      String(row.round),
      ...(shown.length === 0 ? [share(row.score)] : []),
      ...shown.map(([number]) => share(row.numbers[number] ?? null)),
      clock(row.elapsed),
    ]),
  ).map((line) => `  ${line}`)
}
