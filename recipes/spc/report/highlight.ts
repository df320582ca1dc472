import { html, type Html } from '../../../report/html.ts'
import type { Task } from '../../../tasks/task.ts'

/** The part of `after` that is not in `before`, with what stands around it. Numbers are compared as wholes. */
export function changedPart(before: string, after: string): { start: string; changed: string; end: string } {
  const [old, now] = [tokens(before), tokens(after)]
  let start = 0
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start++
  let end = 0
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++
  const part = (from: number, to: number): string => now.slice(from, to).join('')
  return {
    start: part(0, start),
    changed: part(start, now.length - end),
    end: part(now.length - end, now.length),
  }
}

const tokens = (text: string): string[] => text.match(/\d+|\D/g) ?? []

/** How the task writes its texts for people. */
export type Typeset = Task['render']

/** The wrong step with what was changed marked. */
export function highlighted(typeset: Typeset, before: string, after: string): Html {
  const { start, changed, end } = changedPart(before, after)
  // A mark in the middle must not lose the blanks that typesetting puts around signs.
  const [whole, head, tail] = [typeset(start + changed + end), typeset(start), typeset(end)]
  const middle = whole.slice(head.length, whole.length - tail.length)
  const [, before1 = '', inner = '', after1 = ''] = /^(\s*)(.*?)(\s*)$/.exec(middle) ?? []
  return html`${head}${before1}<mark>${inner}</mark>${after1}${tail}`
}
