/** How commands speak: lines for people, one JSON value for programs, errors with a remedy and an exit code. */
import { inspect, styleText } from 'node:util'
import { messageOf, UserError } from '../shared/errors.ts'

type Style = Parameters<typeof styleText>[0]

/** Colour is for people who look at a terminal: never in pipes, files or where NO_COLOR asks for none. */
export function style(format: Style, text: string): string {
  const wanted = process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
  return wanted ? styleText(format, text) : text
}

export const say = (line = ''): void => void process.stdout.write(`${line}\n`)

/** Progress of a command that answers something else: on the error stream, so that the answer can be piped. */
export function note(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`)
}

export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2))

/** Says why a command ended, and returns its exit code: 2 where the person can mend it, 1 for everything else. */
export function sayError(error: unknown, json: boolean): number {
  const message = messageOf(error) || String(error)
  const remedy =
    error instanceof UserError
      ? error.remedy
      : /ENOSPC|no space left/i.test(message)
        ? 'free some disk space and run the same command again: it goes on where it was'
        : 'look at the logs in the home folder (`sparring doctor` names it); SPARRING_DEBUG=1 shows where it happened'
  if (json) sayJson({ error: message, remedy })
  else process.stderr.write(`sparring: ${message}\n  → ${remedy}\n`)
  if (process.env['SPARRING_DEBUG']) process.stderr.write(`${inspect(error)}\n`)
  return error instanceof UserError ? 2 : 1
}

export interface Column {
  title: string
  align?: 'left' | 'right'
}

/** A table in plain text: columns as wide as their longest cell. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align = 'left' }, index) => {
        const cell = cells[index] ?? ''
        return align === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)
      })
      .join('  ')
      .trimEnd()
  return [style('bold', line(columns.map(({ title }) => title))), ...rows.map(line)]
}

export const share = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(3)

/** 75 → 1:15, 4000 → 1:06:40. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

/** The names nearest to one that was not found, by the number of changed letters. */
export function closeNames(wanted: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, distance: name.includes(wanted) || wanted.includes(name) ? 1 : distance(wanted, name) }))
    .filter((found) => found.distance <= Math.max(1, Math.floor(wanted.length / 3)))
    .sort((one, other) => one.distance - other.distance || (one.name < other.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name)
}

/** Levenshtein's distance. */
function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const change = one[row - 1] === other[column - 1] ? 0 : 1
      const [left, up, corner] = [current[column - 1] ?? 0, previous[column] ?? 0, previous[column - 1] ?? 0]
      current.push(Math.min(left + 1, up + 1, corner + change))
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}
