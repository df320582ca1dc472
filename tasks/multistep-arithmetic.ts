import { z } from 'zod'
import type { Draws } from '../shared/random.ts'
import {
  apply,
  type Expression,
  firstFlat,
  firstOperation,
  type Flat,
  inFirstFlat,
  numberOf,
  operationAt,
  type Operator,
  operators,
  parse,
  replaceOperation,
  spell,
  valueOf,
  workedOut,
  write,
} from './expressions.ts'
import { readChain } from './sentences.ts'
import type { Corruption, ErrorType, Task } from './task.ts'

/**
 * Chains of equalities over signed numbers with brackets, in the form of BIG-Bench's multistep arithmetic: the problem
 * `4+-6-5*-5`, its one step `4+-6--25=-2--25=23`. A step is a whole chain, one operation at each `=`, and it is right when it
 * arrives at the problem's value: a chain that loses a sign and finds it again is no mistake by what it claims.
 */
const operandCount = z.int().min(2).max(4)
export const multistepArithmeticConfig = z
  .strictObject({
    name: z.literal('multistep-arithmetic'),
    /** [fewest, most] operands of a bracket. */
    operands: z
      .tuple([operandCount, operandCount])
      .refine(([fewest, most]) => fewest <= most, 'must be [fewest, most]')
      .default([2, 4]),
    largestOperand: z.int().min(1).max(99).default(9),
    /** The share of problems that are two to four brackets of two operands each, inside others. */
    nested: z.number().min(0).max(1).default(0.15),
    /** The share of problems that put two to four values of such brackets together, as the last step of a solution does. */
    totals: z.number().min(0).max(1).default(0.3),
  })
  .refine(({ nested, totals }) => nested + totals <= 1, { message: 'nested and totals are shares of a whole' })
export type MultistepArithmeticConfig = z.infer<typeof multistepArithmeticConfig>

/** Tokens of a problem and of a chain at most; problems that need more are not made. */
const LONGEST_PROBLEM = 36
const LONGEST_STEP = 128
/** Six digits: a sign and two groups of digits with the mark between them. */
const LARGEST = 999_999
const LONGEST_NUMBER = 4

const tokensOf = (text: string): number => text.match(/\d+|./g)?.length ?? 0

const signs = (count: number, draws: Draws): Operator[] => Array.from({ length: count }, () => draws.pick(operators))

function bracket(count: number, config: MultistepArithmeticConfig, draws: Draws): Flat {
  const terms = Array.from({ length: count }, () => draws.between(-config.largestOperand, config.largestOperand))
  return { terms, operators: signs(count - 1, draws) }
}

/** `a o b`, `(a o b) o c` or `(a o b) o (c o d)`. */
function joined(parts: readonly (number | Expression)[], draws: Draws): Expression {
  const two = (terms: readonly (number | Expression)[]): Expression => ({ terms, operators: signs(1, draws) })
  const [a, b, c, d] = parts
  if (a === undefined || b === undefined) throw new RangeError('two to four parts are joined')
  if (c === undefined) return two([a, b])
  return d === undefined ? two([two([a, b]), c]) : two([two([a, b]), two([c, d])])
}

function randomExpression(config: MultistepArithmeticConfig, draws: Draws): Expression {
  const kind = draws.uniform()
  const parts = draws.between(2, 4)
  const brackets = (sizeOf: () => number): Flat[] =>
    Array.from({ length: parts }, () => bracket(sizeOf(), config, draws))
  const anySize = (): number => draws.between(config.operands[0], config.operands[1])
  if (kind < config.nested)
    return joined(
      brackets(() => 2),
      draws,
    )
  if (kind < config.nested + config.totals) return joined(brackets(anySize).map(valueOf), draws)
  return bracket(anySize(), config, draws)
}

/** The chain of a problem; null where it is longer, or its numbers larger, than a step may be. */
function chainOf(sides: readonly Expression[]): string | null {
  const text = sides.map(write).join('=')
  const largest = Math.max(...sides.flatMap(numbersIn).map(Math.abs))
  return largest <= LARGEST && tokensOf(text) <= LONGEST_STEP ? text : null
}

const numbersIn = ({ terms }: Expression): number[] =>
  terms.flatMap((term) => (typeof term === 'number' ? [term] : numbersIn(term)))

function readSides(step: string): Expression[] | null {
  const sides = step.split('=').map(parse)
  return sides.every((side) => side !== null) ? sides : null
}

/** What a step arrives at; null unless it is a chain that ends in a number. */
function claimOf(step: string): number | null {
  const last = readSides(step)?.at(-1)
  return last ? numberOf(last) : null
}

interface Slip {
  readonly flat: Flat
  readonly from: string
  readonly to: string
}
type Slipping = (flat: Flat, draws: Draws) => Slip | null

/** One way to go wrong in an operation for each of the paper's error types. What follows is worked out rightly. */
const slips: Record<ErrorType, Slipping> = {
  /** A near miss, a lost carry or a lost sign: the result alone is wrong. */
  calculation(flat, draws) {
    const index = firstOperation(flat)
    const { result } = operationAt(flat, index)
    const wrong = result + draws.pick([-10, -2, -1, 1, 2, 10])
    const value = result !== 0 && draws.uniform() < 0.3 ? -result : wrong
    return { flat: replaceOperation(flat, index, value), from: spell(result), to: spell(value) }
  },
  /** The wrong operation, worked out rightly. */
  logic(flat, draws) {
    const index = firstOperation(flat)
    const { left, operator, right } = operationAt(flat, index)
    const other = draws.pick(operators.filter((sign) => sign !== operator))
    return { flat: replaceOperation(flat, index, apply(left, other, right)), from: operator, to: other }
  },
  /** A given misread: a sign of an operand lost or found, or its neighbour read. */
  condition(flat, draws) {
    const index = firstOperation(flat)
    const { left, operator, right } = operationAt(flat, index)
    const isLeft = draws.uniform() < 0.5
    const value = isLeft ? left : right
    const misread = draws.uniform() < 0.7 ? -value : value + draws.pick([-1, 1])
    const result = isLeft ? apply(misread, operator, right) : apply(left, operator, misread)
    return { flat: replaceOperation(flat, index, result), from: spell(value), to: spell(misread) }
  },
  /** An operation done before its turn: a sum before a product, or a later sum before the first. */
  rule(flat, draws) {
    const first = firstOperation(flat)
    const early = flat.operators.map((_, index) => index).filter((index) => index !== first)
    if (early.length === 0) return null
    const index = draws.pick(early)
    const { result } = operationAt(flat, index)
    return {
      flat: replaceOperation(flat, index, result),
      from: flat.operators[first] ?? '',
      to: flat.operators[index] ?? '',
    }
  },
  /** A term left out. */
  approach(flat, draws) {
    if (flat.terms.length < 3) return null
    const at = draws.between(1, flat.terms.length - 1)
    const left = spell(flat.terms[at] ?? 0)
    return {
      flat: { terms: flat.terms.toSpliced(at, 1), operators: flat.operators.toSpliced(at - 1, 1) },
      from: left,
      to: flat.operators[at - 1] ?? '',
    }
  },
}

/** The chain with one slip at a random place, and the rest worked out from it. */
function slipped(problem: Expression, type: ErrorType, draws: Draws): (Corruption & { value: number }) | null {
  const right = [problem, ...workedOut(problem)]
  const place = draws.between(0, right.length - 2)
  const before = right[place]
  const slip = before && slips[type](firstFlat(before), draws)
  if (!before || !slip) return null
  const changed = inFirstFlat(before, () => slip.flat)
  const sides = [...right.slice(1, place + 1), changed, ...workedOut(changed)]
  const step = chainOf(sides)
  const isShort = tokensOf(slip.from) <= LONGEST_NUMBER && tokensOf(slip.to) <= LONGEST_NUMBER
  return step !== null && isShort
    ? { step, from: slip.from, to: slip.to, value: valueOf(sides.at(-1) ?? changed) }
    : null
}

export function multistepArithmetic(config: MultistepArithmeticConfig): Task {
  const solve = (problem: string): string[] => {
    const expression = parse(problem)
    const chain = expression && chainOf(workedOut(expression))
    if (!chain) throw new Error(`not a problem of the multistep-arithmetic task: ${problem}`)
    return [chain]
  }
  const isRight = (problem: string, step: string): boolean => {
    const expression = parse(problem)
    const claim = claimOf(step)
    return expression !== null && claim !== null && claim === valueOf(expression)
  }
  return {
    name: 'multistep-arithmetic',
    longest: { problem: LONGEST_PROBLEM, steps: 1, step: LONGEST_STEP, replaced: LONGEST_NUMBER },
    problem(draws) {
      for (let attempt = 0; attempt < 1000; attempt++) {
        const expression = randomExpression(config, draws)
        const fits = tokensOf(write(expression)) <= LONGEST_PROBLEM && chainOf([expression]) !== null
        if (fits && chainOf(workedOut(expression)) !== null) return write(expression)
      }
      throw new Error('no problem is short enough in 1000 attempts: the difficulty settings leave no room')
    },
    solve,
    render: (text) => text.replaceAll('*', '×').replaceAll('-', '−').replaceAll("'", ''),
    isStep: (text) => claimOf(text) !== null && tokensOf(text) <= LONGEST_STEP,
    answer: (_problem, steps) => claimOf(steps.at(-1) ?? '')?.toString() ?? null,
    grade: (problem, steps) => isRight(problem, steps.at(-1) ?? ''),
    check: (problem, done, step) => done.length === 0 && isRight(problem, step),
    next: (problem, done) => (done.length === 0 ? (solve(problem)[0] ?? null) : null),
    corrupt(problem, _done, _step, type, draws) {
      const expression = parse(problem)
      const corruption = expression && slipped(expression, type, draws)
      if (!corruption || corruption.value === valueOf(expression)) return null
      const { value: _value, ...told } = corruption
      return told
    },
    readSentence: (text) => readChain(text, { problem: LONGEST_PROBLEM, step: LONGEST_STEP }, tokensOf),
    vocabulary: [...Array.from({ length: 1000 }, (_, value) => String(value)), ...operators, "'", '(', ')', '=', ';'],
  }
}
