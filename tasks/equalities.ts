import { sidesOf } from './sentences.ts'
import type { Claim, Reading } from './task.ts'

type Operator = '+' | '-' | '*'
interface Flat {
  values: number[]
  operators: Operator[]
}

/** An expression of signed integers without brackets that matter; null when it needs them, or is no expression. */
function flatten(text: string): Flat | null {
  // Brackets around one number, or around the whole, say nothing.
  let bare = text.replace(/\s+/g, '')
  for (let before = ''; before !== bare;) {
    before = bare
    bare = bare.replace(/\((-?\d+)\)/g, '$1').replace(/^\(([^()]*)\)$/, '$1')
  }
  if (!/^-?\d+([+*-]-?\d+)*$/.test(bare)) return null
  const flat: Flat = { values: [], operators: [] }
  for (const [, operator, number] of bare.matchAll(/(?:(?<=\d)([+*-]))?(-?\d+)/g)) {
    if (operator === '+' || operator === '-' || operator === '*') flat.operators.push(operator)
    flat.values.push(Number(number))
  }
  return flat.operators.length === flat.values.length - 1 ? flat : null
}

const write = (flat: Flat): string =>
  flat.values.map((value, index) => `${value}${flat.operators[index] ?? ''}`).join('')
const known = (value: number): boolean => value >= 0 && value <= 99

/** The one operation in which two sides of an equality differ; null when they differ in more, or in numbers out of range. */
function singleOperation(left: Flat, right: Flat): Claim | null {
  if (right.operators.length !== left.operators.length - 1) return null
  if (![...left.values, ...right.values].every(known)) return null
  for (let index = 0; index < left.operators.length; index++) {
    const result = right.values[index]!
    const replaced: Flat = {
      values: [...left.values.slice(0, index), result, ...left.values.slice(index + 2)],
      operators: [...left.operators.slice(0, index), ...left.operators.slice(index + 1)],
    }
    if (write(replaced) === write(right)) {
      const step = `${left.values[index]}${left.operators[index]}${left.values[index + 1]}=${result}`
      return { problem: write(left), step }
    }
  }
  return null
}

/**
 * Equalities whose two sides differ by one operation on whole numbers from 0 to 99: each is a step of the arithmetic task. Sides with
 * words in them (`A + B`) claim nothing.
 */
export function readEqualities(text: string): Reading {
  const sides = sidesOf(text)
  const read: Reading = { claims: [], claimed: 0 }
  for (let index = 0; index + 1 < sides.length; index++) {
    const [left = '', right = ''] = sides.slice(index, index + 2)
    if (!isExpression(left) || !isExpression(right)) continue
    const [flatLeft, flatRight] = [flatten(left), flatten(right)]
    if (flatLeft && flatRight && write(flatLeft) === write(flatRight)) continue
    read.claimed++
    const equality = flatLeft && flatRight && singleOperation(flatLeft, flatRight)
    if (equality) read.claims.push(equality)
  }
  return read
}

const isExpression = (side: string): boolean => /\d/.test(side) && /^[\d\s+*()-]+$/.test(side)
