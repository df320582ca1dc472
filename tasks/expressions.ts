/**
 * Expressions of signed whole numbers with `+ - *` and brackets, as texts in one normal form, and how they are worked out one
 * operation at a time: the first innermost bracket first, in it products before sums, then from left to right.
 *
 * A negative number has a sign of its own (`¯17208`), so that it is never mistaken for a difference. Nothing else stands between two
 * marks: no spaces, no leading zeros, no brackets around one number or around the whole.
 */
export const operators = ['+', '-', '*'] as const
export type Operator = (typeof operators)[number]

/** Terms and what stands between them; one operator fewer than terms. */
export interface Expression {
  readonly terms: readonly (number | Expression)[]
  readonly operators: readonly Operator[]
}

/** An expression without brackets. */
export interface Flat {
  readonly terms: readonly number[]
  readonly operators: readonly Operator[]
}

/** The sign of a negative number, as in APL. */
const NEGATIVE = '¯'

export function apply(left: number, operator: Operator, right: number): number {
  // Nothing times a negative number is 0, not JavaScript's -0.
  return operator === '+' ? left + right : operator === '-' ? left - right : left * right + 0
}

export const spell = (value: number): string => (value < 0 ? `${NEGATIVE}${-value}` : String(value))

export function write(expression: Expression): string {
  const { terms, operators: signs } = expression
  return terms
    .map((term, index) => `${typeof term === 'number' ? spell(term) : `(${write(term)})`}${signs[index] ?? ''}`)
    .join('')
}

/** Reads an expression, in normal form or as people write it (`(-5) * (3 + 4)`); null for any other text. */
export function parse(text: string): Expression | null {
  const marks = text.match(/\d+|\S/g) ?? []
  let at = 0
  const number = (): number | null => {
    const negative = (marks[at] === '-' || marks[at] === NEGATIVE) && /^\d/.test(marks[at + 1] ?? '')
    const digits = marks[negative ? at + 1 : at] ?? ''
    if (!/^\d/.test(digits)) return null
    at += negative ? 2 : 1
    const value = Number(digits)
    return Number.isSafeInteger(value) ? (negative ? -value : value) : null
  }
  const term = (): number | Expression | null => {
    if (marks[at] !== '(') return number()
    at++
    const inner = expression()
    return inner && marks[at++] === ')' ? unwrapped(inner) : null
  }
  const expression = (): Expression | null => {
    const first = term()
    if (first === null) return null
    const terms = [first]
    const signs: Operator[] = []
    for (let sign = operatorAt(marks[at]); sign; sign = operatorAt(marks[at])) {
      at++
      const next = term()
      if (next === null) return null
      signs.push(sign)
      terms.push(next)
    }
    return { terms, operators: signs }
  }
  const found = expression()
  if (!found || at !== marks.length) return null
  const whole = unwrapped(found)
  return typeof whole === 'number' ? { terms: [whole], operators: [] } : whole
}

const operatorAt = (mark: string | undefined): Operator | undefined => operators.find((operator) => operator === mark)

/** What a bracket around one term says. */
function unwrapped(expression: Expression): number | Expression {
  const [only, ...others] = expression.terms
  return only !== undefined && others.length === 0 ? only : expression
}

/** The number that is left when nothing else is; null for an expression with operations. */
export function numberOf({ terms, operators: signs }: Expression): number | null {
  const [only] = terms
  return signs.length === 0 && typeof only === 'number' ? only : null
}

/** The first innermost bracket, or the whole. */
export function firstFlat({ terms, operators: signs }: Expression): Flat {
  const numbers: number[] = []
  for (const term of terms) {
    if (typeof term !== 'number') return firstFlat(term)
    numbers.push(term)
  }
  return { terms: numbers, operators: signs }
}

/** The expression with its first innermost bracket changed. */
export function inFirstFlat(expression: Expression, change: (flat: Flat) => Expression): Expression {
  const at = expression.terms.findIndex((term) => typeof term !== 'number')
  const inner = expression.terms[at]
  if (inner === undefined || typeof inner === 'number') return change(firstFlat(expression))
  const changed = unwrapped(inFirstFlat(inner, change))
  const whole = { ...expression, terms: expression.terms.with(at, changed) }
  return whole.terms.length === 1 && typeof changed !== 'number' ? changed : whole
}

/** The operation of a bracket that comes first. */
export const firstOperation = ({ operators: signs }: Flat): number => Math.max(0, signs.indexOf('*'))

/** Puts `value` where operation `index` and its two numbers stood. */
export function replaceOperation({ terms, operators: signs }: Flat, index: number, value: number): Flat {
  return { terms: terms.toSpliced(index, 2, value), operators: signs.toSpliced(index, 1) }
}

/** `left operator right = result`, be that right or wrong. */
export interface Operation {
  readonly left: number
  readonly operator: Operator
  readonly right: number
  readonly result: number
}

export function operationAt({ terms, operators: signs }: Flat, index: number): Operation {
  const [left, operator, right] = [terms[index], signs[index], terms[index + 1]]
  if (left === undefined || operator === undefined || right === undefined)
    throw new RangeError(`there is no operation ${index} in ${write({ terms, operators: signs })}`)
  return { left, operator, right, result: apply(left, operator, right) }
}

/** An operation of a working, and the expressions before and behind it. */
export interface Move {
  readonly before: Expression
  readonly operation: Operation
  readonly behind: Expression
}

/** An expression worked out, down to a number. */
export function workedOut(expression: Expression): Move[] {
  const moves: Move[] = []
  for (let rest = expression; numberOf(rest) === null;) {
    const before = inFirstFlat(rest, (flat) => takenApart(flat) ?? flat)
    const flat = firstFlat(before)
    const index = firstOperation(flat)
    const operation = operationAt(flat, index)
    rest = inFirstFlat(before, () => replaceOperation(flat, index, operation.result))
    moves.push({ before, operation, behind: rest })
  }
  return moves
}

/**
 * A product that comes first, of two numbers that both have several digits before their zeros, as a sum of easier ones, by the leading
 * digit of the second: `11*¯48` is `11*¯40+11*¯8`. Null where there is nothing to take apart.
 */
function takenApart({ terms, operators: signs }: Flat): Expression | null {
  const index = firstOperation({ terms, operators: signs })
  const { left, operator, right } = operationAt({ terms, operators: signs }, index)
  const rest = right % 10 ** (String(Math.abs(right)).length - 1)
  if (operator !== '*' || rest === 0 || /^¯?\d0*$/.test(spell(left))) return null
  const sum: Expression = { terms: [left, right - rest, left, rest], operators: ['*', '+', '*'] }
  if (signs.length === 1) return sum
  return { terms: [...terms.slice(0, index), sum, ...terms.slice(index + 2)], operators: signs.toSpliced(index, 1) }
}

export function valueOf(expression: Expression): number {
  const value = numberOf(workedOut(expression).at(-1)?.behind ?? expression)
  if (value === null) throw new Error(`${write(expression)} has no value`)
  return value
}
