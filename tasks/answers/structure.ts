/** What an answer is made of: a value, an equation, a list, a tuple or interval, a union, a matrix. */
export type Answer =
  | { kind: 'value'; text: string; percent: boolean }
  | { kind: 'equation'; left: string; right: Answer; text: string }
  /** Values in any order: `3, 5, 7`, a set, or both cases of ±. */
  | { kind: 'list'; items: Answer[] }
  /** Values in their order, with the brackets that tell a point from an interval, and an open end from a closed one. */
  | { kind: 'tuple'; open: string; close: string; items: Answer[] }
  | { kind: 'union'; items: Answer[] }
  | { kind: 'matrix'; rows: Answer[][] }

/** The structure of an answer in its normal form. */
export function readAnswer(text: string): Answer {
  const bare = text.trim().replace(/^[a-zA-Z]\s*\\in(?![a-zA-Z])/, '')
  const items = split(bare, ',')
  if (items.length > 1) return { kind: 'list', items: items.flatMap(members) }
  const parts = split(bare, '\\cup')
  if (parts.length > 1) return { kind: 'union', items: parts.map(readAnswer) }
  return equation(bare) ?? set(bare) ?? tuple(bare) ?? matrix(bare) ?? plusMinus(bare) ?? value(bare)
}

/** A list within a list is no other list. */
function members(text: string): Answer[] {
  const answer = readAnswer(text)
  return answer.kind === 'list' ? answer.items : [answer]
}

function equation(text: string): Answer | null {
  const [left = '', right = '', ...more] = split(text, '=')
  if (left.trim() === '' || right.trim() === '' || more.length > 0) return null
  return { kind: 'equation', left, right: readAnswer(right), text }
}

function set(text: string): Answer | null {
  if (!text.startsWith('\\{') || !text.endsWith('\\}')) return null
  const items = split(text.slice(2, -2), ',').flatMap(members)
  return items.length === 1 && items[0] ? items[0] : { kind: 'list', items }
}

function tuple(text: string): Answer | null {
  const [open, close] = [text.at(0) ?? '', text.at(-1) ?? '']
  if (!'(['.includes(open) || !')]'.includes(close) || text.length < 2) return null
  const items = split(text.slice(1, -1), ',')
  return items.length < 2 ? null : { kind: 'tuple', open, close, items: items.map(readAnswer) }
}

function matrix(text: string): Answer | null {
  const pattern = /^\\begin\{([pbvBV]?matrix|array)\}(?:\{[^{}]*\})?(.*)\\end\{\1\}$/s
  const inside = pattern.exec(text)?.[2]
  if (inside === undefined) return null
  const rows = inside.split('¦').filter((row) => row.trim() !== '')
  return { kind: 'matrix', rows: rows.map((row) => row.split('&').map(readAnswer)) }
}

function plusMinus(text: string): Answer | null {
  const sides = text.split(/\\pm(?![a-zA-Z])/)
  return sides.length === 2 ? { kind: 'list', items: [value(sides.join('+')), value(sides.join('-'))] } : null
}

function value(text: string): Answer {
  const percent = text.endsWith('%')
  const bare = (percent ? text.slice(0, -1) : text).trim().replace(/^\+/, '')
  // A choice is the same with and without brackets: (C) and C. A measured angle has degrees for its unit, and units go;
  // only within a function do they say how to evaluate it.
  const choice = /^\(([a-zA-Z])\)$/.exec(bare)?.[1] ?? bare
  const measured = /\\(?:sin|cos|tan|cot|sec|csc)/.test(choice) ? choice : choice.replace(/°$/, '')
  return { kind: 'value', text: measured, percent }
}

/** A text cut at a separator wherever no bracket, brace or environment is open. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let [depth, from] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    if (depth === 0 && text.startsWith(separator, at)) {
      parts.push(text.slice(from, at))
      from = at + separator.length
      at = from - 1
    } else if (text.startsWith('\\begin', at)) depth++
    else if (text.startsWith('\\end', at)) depth--
    else if ('([{'.includes(text[at]!)) depth++
    else if (')]}'.includes(text[at]!)) depth--
  }
  return [...parts, text.slice(from)]
}
