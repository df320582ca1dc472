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
  type Operation,
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
 * Expressions of signed numbers with brackets, in the form of BIG-Bench's multistep arithmetic: the problem `4+¯6-5*¯5`. Its one
 * step is its working, operation by operation: `5*¯5=¯25,4+¯6=¯2,¯2-¯25=23`. A step is right when it arrives at the problem's
 * value, and a number alone is one too: a working that loses a sign and finds it again is no mistake by what it claims.
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
    /** The share of problems that are two brackets, or three or four of two operands each, inside others. */
    nested: z.number().min(0).max(1).default(0.35),
    /** The share of problems that put two to four values of brackets together, as the last step of a solution does. */
    totals: z.number().min(0).max(1).default(0.35),
    /** Of those with three or four values, the share without brackets, `336*74+52`. */
    flat: z.number().min(0).max(1).default(0),
  })
  .refine(({ nested, totals }) => nested + totals <= 1, { message: 'nested and totals are shares of a whole' })
export type MultistepArithmeticConfig = z.infer<typeof multistepArithmeticConfig>

/** Tokens of a problem and of a working at most; problems that need more are not made. */
const LONGEST_PROBLEM = 36
const LONGEST_STEP = 120
/** Six digits, and a sign. */
const LARGEST = 999_999
const DIGITS = 6
const LONGEST_NUMBER = 1 + DIGITS

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
  const anySize = (): number => draws.between(config.operands[0], config.operands[1])
  const brackets = (count: number, sizeOf: () => number): Flat[] =>
    Array.from({ length: count }, () => bracket(sizeOf(), config, draws))
  if (kind < config.nested) {
    const count = draws.pick([2, 2, 3, 4])
    return joined(brackets(count, count === 2 ? anySize : () => 2), draws)
  }
  if (kind < config.nested + config.totals)
    return total(brackets(draws.between(2, 4), anySize).map(valueOf), config, draws)
  return bracket(anySize(), config, draws)
}

function total(values: readonly number[], config: MultistepArithmeticConfig, draws: Draws): Expression {
  // Without flat ones nothing is drawn for them, so that the problems of a run that was begun before there were any stay what they are.
  const isFlat = config.flat > 0 && values.length > 2 && draws.uniform() < config.flat
  return isFlat ? { terms: values, operators: signs(values.length - 1, draws) } : joined(values, draws)
}

/** What working out comes to; null where it is longer, or its numbers larger, than a step may be. */
function written(working: readonly Operation[]): string | null {
  const text = working.map(equation).join(',')
  const largest = Math.max(...working.flatMap(({ left, right, result }) => [left, right, result].map(Math.abs)))
  return largest <= LARGEST && text.length <= LONGEST_STEP ? text : null
}

const equation = ({ left, operator, right, result }: Operation): string =>
  `${spell(left)}${operator}${spell(right)}=${spell(result)}`

/** What a step arrives at; null unless it is a number or equations that each say what one operation makes. */
function valueClaimed(step: string): number | null {
  const equations = step.split(',').map((text) => text.split('=').map(parse))
  const [only, ...others] = equations
  if (only?.length === 1 && others.length === 0) return only[0] ? numberOf(only[0]) : null
  const results = equations.map(([left, right, ...more]) =>
    left &&
    right &&
    more.length === 0 &&
    left.operators.length === 1 &&
    left.terms.every((term) => typeof term === 'number')
      ? numberOf(right)
      : null,
  )
  return results.includes(null) ? null : (results.at(-1) ?? null)
}

/** What stands in an expression's first bracket in the place of an operation, and how it is written; null where none is. */
interface Slip {
  readonly flat: Flat
  readonly operation: Operation | null
  readonly from: string
  readonly to: string
}
type Slipping = (flat: Flat, draws: Draws) => Slip | null

/** An operation that is not the one that should come. */
const instead = (flat: Flat, index: number, operation: Operation): Pick<Slip, 'flat' | 'operation'> => ({
  flat: replaceOperation(flat, index, operation.result),
  operation,
})

/** One way to go wrong in an operation for each of the paper's error types. What follows is worked out rightly. */
const slips: Record<ErrorType, Slipping> = {
  /** A near miss, a lost carry or a lost sign: the result alone is wrong. */
  calculation(flat, draws) {
    const index = firstOperation(flat)
    const operation = operationAt(flat, index)
    const { result } = operation
    const wrong = result + draws.pick([-10, -2, -1, 1, 2, 10])
    const value = result !== 0 && draws.uniform() < 0.3 ? -result : wrong
    return { ...instead(flat, index, { ...operation, result: value }), from: spell(result), to: spell(value) }
  },
  /** The wrong operation, worked out rightly. */
  logic(flat, draws) {
    const index = firstOperation(flat)
    const { left, operator, right } = operationAt(flat, index)
    const other = draws.pick(operators.filter((sign) => sign !== operator))
    const done = { left, operator: other, right, result: apply(left, other, right) }
    return { ...instead(flat, index, done), from: operator, to: other }
  },
  /** A given misread: a sign of an operand lost or found, or its neighbour read. */
  condition(flat, draws) {
    const index = firstOperation(flat)
    const { left, operator, right } = operationAt(flat, index)
    const isLeft = draws.uniform() < 0.5
    const value = isLeft ? left : right
    const misread = draws.uniform() < 0.7 ? -value : value + draws.pick([-1, 1])
    const read = isLeft ? { left: misread, right } : { left, right: misread }
    const done = { ...read, operator, result: apply(read.left, operator, read.right) }
    return { ...instead(flat, index, done), from: spell(value), to: spell(misread) }
  },
  /** An operation done before its turn: a sum before a product, or a later sum before the first. */
  rule(flat, draws) {
    const first = firstOperation(flat)
    const early = flat.operators.map((_, index) => index).filter((index) => index !== first)
    if (early.length === 0) return null
    const index = draws.pick(early)
    return {
      ...instead(flat, index, operationAt(flat, index)),
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
      operation: null,
      from: left,
      to: flat.operators[at - 1] ?? '',
    }
  },
}

/** The working with one slip at a random place, and the rest worked out from it. */
function slipped(problem: Expression, type: ErrorType, draws: Draws): (Corruption & { value: number }) | null {
  const moves = workedOut(problem)
  const place = draws.between(0, moves.length - 1)
  const before = moves[place]?.before
  const slip = before && slips[type](firstFlat(before), draws)
  if (!before || !slip) return null
  const changed = inFirstFlat(before, () => slip.flat)
  const step = written([
    ...moves.slice(0, place).map(({ operation }) => operation),
    ...(slip.operation ? [slip.operation] : []),
    ...workedOut(changed).map(({ operation }) => operation),
  ])
  const isShort = slip.from.length <= LONGEST_NUMBER && slip.to.length <= LONGEST_NUMBER
  return step !== null && isShort ? { step, from: slip.from, to: slip.to, value: valueOf(changed) } : null
}

export function multistepArithmetic(config: MultistepArithmeticConfig): Task {
  const working = (expression: Expression): string | null =>
    written(workedOut(expression).map(({ operation }) => operation))
  const solve = (problem: string): string[] => {
    const expression = parse(problem)
    const step = expression && working(expression)
    if (!step) throw new Error(`not a problem of the multistep-arithmetic task: ${problem}`)
    return [step]
  }
  const isRight = (problem: string, step: string): boolean => {
    const expression = parse(problem)
    const claimed = valueClaimed(step)
    return expression !== null && claimed !== null && claimed === valueOf(expression)
  }
  return {
    name: 'multistep-arithmetic',
    longest: { problem: LONGEST_PROBLEM, steps: 1, step: LONGEST_STEP, replaced: LONGEST_NUMBER },
    problem(draws) {
      for (let attempt = 0; attempt < 1000; attempt++) {
        const expression = randomExpression(config, draws)
        if (write(expression).length <= LONGEST_PROBLEM && working(expression) !== null) return write(expression)
      }
      throw new Error('no problem is short enough in 1000 attempts: the difficulty settings leave no room')
    },
    solve,
    render: (text) => text.replaceAll('*', '×').replaceAll(/[-¯]/g, '−').replaceAll(',', ', '),
    isStep: (text) => valueClaimed(text) !== null && text.length <= LONGEST_STEP,
    claimOf(step) {
      const claimed = valueClaimed(step)
      return claimed === null ? step : spell(claimed)
    },
    alignedClaimOf(step) {
      const claimed = valueClaimed(step)
      if (claimed === null) return step
      return `${claimed < 0 ? '¯' : '+'}${String(Math.abs(claimed)).padStart(DIGITS, '0')}`
    },
    answer: (_problem, steps) => valueClaimed(steps.at(-1) ?? '')?.toString() ?? null,
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
    readSentence: (text) =>
      readChain(text, ({ problem, step }) => {
        const expression = parse(problem)
        const isShort = problem.length <= LONGEST_PROBLEM && step.length <= LONGEST_NUMBER
        return isShort && expression !== null && working(expression) !== null
      }),
    vocabulary: [...'0123456789¯'.split(''), ...operators, '(', ')', '=', ',', ';'],
    numbers: 'by digits',
  }
}
