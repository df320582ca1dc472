/** Where results are kept and shown: files of results/, which say what made them, and marks in the pages of docs/. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

export const resultsFile = (name: string): string => path.join(root, 'results', `${name}.json`)

export function machine(): string {
  const [first] = cpus()
  return `${first?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`
}

export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'not a git checkout'
  }
}

/** The pages of docs/. */
export const pages = (): string[] => {
  const folder = path.join(root, 'docs')
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join(folder, file))
}

/** Puts a table between its marks in a docs page; says whether the page has such marks. */
export function fillMarks(page: string, name: string, table: string): boolean {
  const text = fs.readFileSync(page, 'utf8')
  const [open, close] = [`<!-- results:${name} -->`, '<!-- /results -->']
  const from = text.indexOf(open)
  const to = text.indexOf(close, from)
  if (from < 0 || to < 0) return false
  fs.writeFileSync(page, `${text.slice(0, from + open.length)}\n\n${table}\n\n${text.slice(to)}`)
  return true
}
