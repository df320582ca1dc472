import type { Draws } from '../shared/random.ts'
import type { Corruption, ErrorType } from './task.ts'

/**
 * Steps of worked word problems, and what of them can be checked: the equalities they state (`48/2 = 24`, `0.2 x 50 = $10`). All
 * else in them is words.
 */
export interface Equality {
  /** Where it stands in the step: [from, to). */
  from: number
  to: number
  numbers: number[]
  operators: Operator[]
  /** What the step says it comes to, and how exactly. */
  result: number
  decimals: number
}

const operators = ['+', '-', '*', '/'] as const
type Operator = (typeof operators)[number]

const number = String.raw`\$?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)`
const equality = new RegExp(
  String.raw`(?<![\w.,$])(?<![)(=+*/×-]\s?)${number}(?:\s*[-+*/x×]\s*${number})+\s*=\s*${number}(?![\d.]*\s*[-+*/x×%]\s*\$?\d|%)`,
  'g',
)

export function equalitiesOf(step: string): Equality[] {
  return [...step.matchAll(equality)].flatMap((match): Equality[] => {
    const [text] = match
    const [left = '', right = ''] = text.split('=')
    const numbers = [...left.matchAll(new RegExp(number, 'g'))].map(([one]) => valueOf(one))
    const marks = left.replaceAll(new RegExp(number, 'g'), ' ').match(/[-+*/x×]/g) ?? []
    const found = marks.map((mark): Operator => operators.find((operator) => operator === mark) ?? '*')
    if (found.length !== numbers.length - 1) return []
    const stated = right.trim()
    const decimals = /\.(\d+)$/.exec(stated)?.[1]?.length ?? 0
    return [
      {
        from: match.index,
        to: match.index + text.length,
        numbers,
        operators: found,
        result: valueOf(stated),
        decimals,
      },
    ]
  })
}

const valueOf = (text: string): number => Number(text.replaceAll(/[$,\s]/g, ''))

/** Products first, then from left to right. */
function worth({ numbers, operators: marks }: Pick<Equality, 'numbers' | 'operators'>): number {
  const terms: number[] = [numbers[0] ?? 0]
  for (const [index, mark] of marks.entries()) {
    const next = numbers[index + 1] ?? 0
    const last = terms.length - 1
    if (mark === '*') terms[last] = (terms[last] ?? 0) * next
    else if (mark === '/') terms[last] = (terms[last] ?? 0) / next
    else terms.push(mark === '-' ? -next : next)
  }
  return terms.reduce((sum, term) => sum + term, 0)
}

/** Whether all that a step claims is true, results with decimals to the last of them; null where nothing can be checked. */
export function isTrueStep(step: string): boolean | null {
  const checks = equalitiesOf(step).map((one) => {
    const difference = Math.abs(worth(one) - one.result)
    if (difference < 1e-6) return true
    // People round to whole numbers too, and it is not said whether they may.
    if (one.decimals === 0) return difference < 1 && !Number.isInteger(worth(one)) ? null : false
    return difference <= 0.51 * 10 ** -one.decimals
  })
  if (checks.includes(false)) return false
  return checks.length === 0 || checks.includes(null) ? null : true
}

/** What a step states in equalities, as it writes them. */
export const statedEqualities = (step: string): string =>
  equalitiesOf(step)
    .map(({ from, to }) => step.slice(from, to))
    .join(', ')

/**
 * A step for a problem of which only the answer is known: the one operation on two of its numbers that gives it, `14 + 29 = 43`. Null
 * where none does or several do. Seldom is it one by chance.
 */
export function soleEquality(problem: string, answer: string): string | null {
  const numbers = [...problem.matchAll(new RegExp(`(?<![\\w.,$])${number}(?!\\w)`, 'g'))].map(([one]) => valueOf(one))
  const pairs = numbers.flatMap((a, i) => numbers.flatMap((b, j) => (i === j ? [] : [{ a, b, inOrder: i < j }])))
  const found = pairs.flatMap(({ a, b, inOrder }) =>
    operators
      // Of two that may change places, one order is enough.
      .filter((operator) => inOrder || operator === '-' || operator === '/')
      .filter((operator) => Math.abs(worth({ numbers: [a, b], operators: [operator] }) - Number(answer)) < 1e-6)
      .map((operator) => `${a} ${operator} ${b} = ${Number(answer)}`),
  )
  return found.length === 1 ? (found[0] ?? null) : null
}

/** A step without what its equalities come to, there and where the step says it again: `48/2 = ? clips, and 48+? = ? in all`. */
export function withoutResults(step: string): string {
  const found = equalitiesOf(step)
  const results = new Set(found.map(({ result }) => result))
  const hide = (text: string, hidden: ReadonlySet<number>): string =>
    text.replaceAll(new RegExp(number, 'g'), (one) => (hidden.has(valueOf(one)) ? '?' : one))
  let [rest, written] = [0, '']
  const earlier = new Set<number>()
  for (const { from, to, result } of found) {
    const equality = step.slice(from, to)
    const left = equality.slice(0, equality.indexOf('='))
    // A number of the step's own that happens to be a later result stays: without it nobody could work it out.
    written += `${hide(step.slice(rest, from), results)}${hide(left, earlier)}= ?`
    earlier.add(result)
    rest = to
  }
  return written + hide(step.slice(rest), results)
}

/** A right step with one error of arithmetic: a result, a number or an operation; null where it has none to change. */
export function corruptStep(step: string, type: ErrorType, draws: Draws): Corruption | null {
  const found = equalitiesOf(step)
  if (found.length === 0 || isTrueStep(step) !== true) return null
  const chosen = draws.pick(found)
  const changed = change(chosen, type, draws)
  if (changed === null || changed.result === chosen.result) return null
  if (!Number.isFinite(changed.result) || changed.result < 0) return null
  const from = step.slice(chosen.from, chosen.to)
  const to = rewritten(from, chosen, changed)
  // What the step goes on to say of the result goes with it.
  const rest = step
    .slice(chosen.to)
    .replaceAll(new RegExp(number, 'g'), (one) => (valueOf(one) === chosen.result ? written(changed.result, one) : one))
  return { step: step.slice(0, chosen.from) + to + rest, from, to }
}

/** The equality's text with only what has changed put in its place: blanks and signs stay, or they would tell what is wrong. */
function rewritten(text: string, before: Equality, after: Sum): string {
  const [values, wanted] = [before, after].map((sum) => [...sum.numbers, sum.result])
  let [numbers, marks] = [0, 0]
  return text.replaceAll(new RegExp(`(${number})|[-+*/x×]`, 'g'), (part, isNumber: string | undefined) => {
    if (isNumber !== undefined) {
      const [value, next] = [values?.[numbers], wanted?.[numbers]]
      numbers += 1
      return next === undefined || next === value ? part : written(next, part)
    }
    const next = after.operators[marks]
    marks += 1
    return next === undefined || next === before.operators[marks - 1] ? part : next
  })
}

/** A number in the form of the one whose place it takes. */
function written(value: number, like: string): string {
  const rounded = Math.round(value * 100) / 100
  return (like.startsWith('$') ? '$' : '') + (like.includes(',') ? rounded.toLocaleString('en') : String(rounded))
}

type Sum = Pick<Equality, 'numbers' | 'operators' | 'result'>

function change({ numbers, operators: marks, result }: Equality, type: ErrorType, draws: Draws): Sum | null {
  const index = draws.between(0, numbers.length - 1)
  if (type === 'calculation') {
    const by = draws.pick([1, -1, 2, -2, 10, -10])
    return { numbers, operators: marks, result: result + by }
  }
  if (type === 'condition') {
    const other = (numbers[index] ?? 0) + draws.pick([1, -1, 2, 3])
    const changed = numbers.map((one, at) => (at === index ? other : one))
    return { numbers: changed, operators: marks, result: worth({ numbers: changed, operators: marks }) }
  }
  if (type === 'rule') {
    const at = draws.between(0, marks.length - 1)
    const mark = draws.pick(operators.filter((operator) => operator !== marks[at]))
    const changed = marks.map((one, place) => (place === at ? mark : one))
    return { numbers, operators: changed, result: worth({ numbers, operators: changed }) }
  }
  return null
}

/** The error types that corruptStep makes. */
export const arithmeticErrors: readonly ErrorType[] = ['calculation', 'condition', 'rule']
