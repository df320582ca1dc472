/**
 * Whether two answers mean the same. As the graders of the field do: the same text in normal form, or the same value where
 * both sides evaluate; tuples, matrices and unions item by item; lists and sets in any order; `x = 5` and `5` alike.
 */
import { type Expression, parseExpression, places } from './expression.ts'
import { longestAnswer, normalise } from './normal-form.ts'
import { type Answer, readAnswer } from './structure.ts'

export function sameAnswer(one: string, other: string): boolean {
  const [left, right] = [normalise(one), normalise(other)]
  if (left === right) return true
  if (Math.max(left.length, right.length) > longestAnswer) return false
  return same(readAnswer(left), readAnswer(right))
}

function same(one: Answer, other: Answer): boolean {
  if (one.kind === 'equation' && other.kind === 'equation') return sameEquation(one, other)
  if (one.kind === 'equation') return isName(one.left) && same(one.right, other)
  if (other.kind === 'equation') return isName(other.left) && same(one, other.right)
  if (one.kind === 'value' && other.kind === 'value') return sameValue(one, other)
  if (one.kind === 'tuple' && other.kind === 'tuple') {
    return one.open === other.open && one.close === other.close && inOrder(one.items, other.items, same)
  }
  if (one.kind === 'matrix' && other.kind === 'matrix') {
    return inOrder(one.rows, other.rows, (row, opposite) => inOrder(row, opposite, same))
  }
  if (one.kind === 'list' && other.kind === 'list') return inAnyOrder(one.items, other.items)
  if (one.kind === 'union' && other.kind === 'union') return inAnyOrder(one.items, other.items)
  return false
}

function inOrder<T>(one: readonly T[], other: readonly T[], equal: (a: T, b: T) => boolean): boolean {
  return one.length === other.length && one.every((item, index) => equal(item, other[index]!))
}

function inAnyOrder(one: readonly Answer[], other: readonly Answer[]): boolean {
  const left = [...other]
  for (const item of one) {
    const found = left.findIndex((candidate) => same(item, candidate))
    if (found < 0) return false
    left.splice(found, 1)
  }
  return left.length === 0
}

/** What an answer may be the value of: `x`, `x_1`, `f(x)`, `f^{-1}(x)`, a word. */
const isName = (text: string): boolean => /^\s*[a-zA-Z]+\s*(?:_\w|_\{\w+\}|\^\{-1\})?\s*(?:\([a-z]\))?\s*$/.test(text)

type Equation = Extract<Answer, { kind: 'equation' }>

/** The same right sides of the same left side, or one equation a multiple of the other. */
function sameEquation(one: Equation, other: Equation): boolean {
  if (spaceless(one.left) === spaceless(other.left) && same(one.right, other.right)) return true
  const [left, right] = [difference(one.text), difference(other.text)]
  if (!left || !right) return spaceless(one.text) === spaceless(other.text)
  const ratios = places.map((place) => left(place) / right(place)).filter((ratio) => Number.isFinite(ratio))
  const [first] = ratios
  return (
    ratios.length >= leastPlaces && first !== undefined && first !== 0 && ratios.every((ratio) => near(ratio, first))
  )
}

function difference(equation: string): Expression | null {
  const [left = '', right = ''] = equation.split('=')
  const [one, other] = [parseExpression(left), parseExpression(right)]
  return one && other && ((place) => one(place) - other(place))
}

type Value = Extract<Answer, { kind: 'value' }>

function sameValue(one: Value, other: Value): boolean {
  if (sameText(one.text, other.text)) return true
  const [left, right] = [evaluable(one.text), evaluable(other.text)]
  if (left === null || right === null) return false
  if (one.percent === other.percent) return sameExpression(left, right)
  // The sign is left out as often as not where an answer is a percentage; where it is meant, 25 % is also 0.25.
  const [percentage, plain] = one.percent ? [left, right] : [right, left]
  return sameExpression(percentage, plain) || sameExpression((place) => percentage(place) / 100, plain)
}

const spaceless = (text: string): string => text.replaceAll(/\s/g, '')

/** Whole words are the same in either case; a letter is a name, and x is not X. */
function sameText(one: string, other: string): boolean {
  const [left, right] = [spaceless(one), spaceless(other)]
  const isWords = /^[^\\^_={}]*[a-zA-Z]{2}[^\\^_={}]*$/
  return left === right || (isWords.test(left) && left.toLowerCase() === right.toLowerCase())
}

function evaluable(text: string): Expression | null {
  const scientific = /^[-+]?\d+(?:\.\d+)?[eE][-+]?\d+$/.test(text) ? Number(text) : null
  if (scientific !== null) return () => scientific
  // Whole numbers too large for a double are exact as texts, and as texts they differ.
  return /^-?\d{16,}$/.test(text) ? null : parseExpression(text)
}

/** Where only few places have a value (square roots of negative numbers), there is nothing to go by. */
const leastPlaces = 2

function sameExpression(one: Expression, other: Expression): boolean {
  let compared = 0
  for (const place of places) {
    const [left, right] = [one(place), other(place)]
    if (Number.isNaN(left) && Number.isNaN(right)) continue
    if (!near(left, right)) return false
    compared++
  }
  return compared >= leastPlaces
}

/**
 * Whole numbers are equal when they are the same; other values when they agree to five digits, and to five behind the
 * point: 0.33333 is a third, 9.33 is not 28/3.
 */
function near(one: number, other: number): boolean {
  if (one === other) return true
  if (!Number.isFinite(one) || !Number.isFinite(other)) return false
  if (Number.isInteger(one) && Number.isInteger(other)) return false
  const size = Math.max(Math.abs(one), Math.abs(other))
  return Math.abs(one - other) <= Math.max(5e-6 * Math.min(1, size), 1e-12 * size)
}
