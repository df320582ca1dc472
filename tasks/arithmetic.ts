import { z } from 'zod'
import type { Draws } from '../shared/random.ts'
import { readEqualities } from './equalities.ts'
import type { Corruption, ErrorType, Task } from './task.ts'

/**
 * Procedural arithmetic chains: the problem `37+48-9*3`, its solution `9*3=27;37+48=85;85-27=58`. Each step is an
 * equation that replaces one operation of the expression by its value. Every value stays in 0..largest, so that each
 * number is one token and a step is always five (research: number tokens are what lets a tiny model compare two steps).
 */
const operandCount = z.int().min(2).max(8)
export const arithmeticConfig = z.strictObject({
  /** The task that a run file without a task's name has. */
  name: z.literal('arithmetic').default('arithmetic'),
  /** [fewest, most] operands of a problem. */
  operands: z
    .tuple([operandCount, operandCount])
    .refine(([fewest, most]) => fewest <= most, 'must be [fewest, most]')
    .default([3, 4]),
  largestOperand: z.int().min(2).max(99).default(60),
  largestFactor: z.int().min(2).max(12).default(9),
  multiplications: z.int().min(0).max(2).default(1),
})
export type ArithmeticConfig = z.infer<typeof arithmeticConfig>

type Operator = '+' | '-' | '*'
interface Expression {
  values: number[]
  operators: Operator[]
}
interface Equation {
  left: number
  operator: Operator
  right: number
  result: number
}

const LARGEST = 99
const operators: readonly Operator[] = ['+', '-', '*']

const isOperator = (text: string | undefined): text is Operator => text === '+' || text === '-' || text === '*'

function apply(left: number, operator: Operator, right: number): number {
  return operator === '+' ? left + right : operator === '-' ? left - right : left * right
}

/** Reads `37+48-9*3`; null when the text is not an expression. */
function parseExpression(text: string): Expression | null {
  if (!/^\d+([+*-]\d+)*$/.test(text)) return null
  const operatorsFound = [...(text.match(/[+*-]/g) ?? [])].filter(isOperator)
  return { values: (text.match(/\d+/g) ?? []).map(Number), operators: operatorsFound }
}

/** Reads `9*3=27`; null when the text is not one equation of two operands. */
function parseEquation(text: string): Equation | null {
  const match = /^(\d+)([+*-])(\d+)=(\d+)$/.exec(text)
  if (!match || !isOperator(match[2])) return null
  return { left: Number(match[1]), operator: match[2], right: Number(match[3]), result: Number(match[4]) }
}

function write(equation: Equation): string {
  return `${equation.left}${equation.operator}${equation.right}=${equation.result}`
}

/** Replaces operation `index` of the expression by `value`. */
function replace(expression: Expression, index: number, value: number): Expression {
  return {
    values: [...expression.values.slice(0, index), value, ...expression.values.slice(index + 2)],
    operators: [...expression.operators.slice(0, index), ...expression.operators.slice(index + 1)],
  }
}

/** The operation that comes first: multiplications before sums, then left to right. -1 when nothing is left. */
function firstOperation(expression: Expression): number {
  const product = expression.operators.indexOf('*')
  return product >= 0 ? product : expression.operators.length > 0 ? 0 : -1
}

function evaluate(expression: Expression): number {
  let rest = expression
  for (let index = firstOperation(rest); index >= 0; index = firstOperation(rest)) {
    rest = replace(rest, index, apply(rest.values[index]!, rest.operators[index]!, rest.values[index + 1]!))
  }
  return rest.values[0]!
}

function equationAt(expression: Expression, index: number): Equation {
  const left = expression.values[index]!
  const right = expression.values[index + 1]!
  const operator = expression.operators[index]!
  return { left, operator, right, result: apply(left, operator, right) }
}

/**
 * The expression after a right step, or null when the step is wrong: its equation must hold, its operation must stand in
 * the expression, and doing it there must leave the expression's value unchanged (`3+2` is no step of `10-3+2`).
 */
function advance(expression: Expression, step: string): Expression | null {
  const equation = parseEquation(step)
  if (!equation || apply(equation.left, equation.operator, equation.right) !== equation.result) return null
  const value = evaluate(expression)
  for (let index = 0; index < expression.operators.length; index++) {
    const here = equationAt(expression, index)
    if (here.left !== equation.left || here.right !== equation.right || here.operator !== equation.operator) continue
    const after = replace(expression, index, equation.result)
    if (evaluate(after) === value) return after
  }
  return null
}

function expressionAfter(problem: string, done: readonly string[]): Expression | null {
  let expression = parseExpression(problem)
  for (const step of done) expression = expression && advance(expression, step)
  return expression
}

const inRange = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= LARGEST

function randomExpression(config: ArithmeticConfig, draws: Draws): Expression {
  const count = draws.between(config.operands[0], config.operands[1])
  const signs = Array.from({ length: count - 1 }, (): Operator => (draws.uniform() < 0.5 ? '+' : '-'))
  for (let product = 0; product < config.multiplications; product++) {
    if (draws.uniform() < 0.6) signs[draws.between(0, signs.length - 1)] = '*'
  }
  const values = Array.from({ length: count }, (_, index) =>
    signs[index] === '*' || signs[index - 1] === '*'
      ? draws.between(2, config.largestFactor)
      : draws.between(2, config.largestOperand),
  )
  return { values, operators: signs }
}

/** The steps of the reference solution, or null when a value leaves 0..99 on the way. */
function referenceSteps(expression: Expression): string[] | null {
  const steps: string[] = []
  let rest = expression
  for (let index = firstOperation(rest); index >= 0; index = firstOperation(rest)) {
    const equation = equationAt(rest, index)
    if (!inRange(equation.result)) return null
    steps.push(write(equation))
    rest = replace(rest, index, equation.result)
  }
  return steps
}

const other = (value: number, candidates: readonly number[], draws: Draws): number | null => {
  const choices = candidates.filter((candidate) => candidate !== value && inRange(candidate))
  return choices.length > 0 ? draws.pick(choices) : null
}

/** One way to go wrong for each of the paper's error types; every one but `calculation` leaves an equation that holds. */
const corruptions: Record<ErrorType, (expression: Expression, step: Equation, draws: Draws) => Corruption | null> = {
  /** A near miss, a lost carry or two digits swapped: the result alone is wrong. */
  calculation(_expression, step, draws) {
    const swapped = Number(String(step.result).padStart(2, '0').split('').toReversed().join(''))
    const kind = draws.uniform()
    const near = [step.result - 2, step.result - 1, step.result + 1, step.result + 2]
    const carry = [step.result - 10, step.result + 10]
    const result =
      kind < 0.6
        ? other(step.result, near, draws)
        : kind < 0.9
          ? other(step.result, carry, draws)
          : other(step.result, [swapped], draws)
    if (result === null) return null
    return { step: write({ ...step, result }), from: String(step.result), to: String(result) }
  },
  /** The wrong operation, worked out rightly. */
  logic(_expression, step, draws) {
    const choices = operators.filter(
      (operator) => operator !== step.operator && inRange(apply(step.left, operator, step.right)),
    )
    if (choices.length === 0) return null
    const operator = draws.pick(choices)
    const result = apply(step.left, operator, step.right)
    return { step: write({ ...step, operator, result }), from: step.operator, to: operator }
  },
  /** A given misread: one operand changed, the rest worked out from it. */
  condition(_expression, step, draws) {
    const side = draws.uniform() < 0.5 ? 'left' : 'right'
    const value = step[side]
    const changed = other(value, [value - 10, value - 2, value - 1, value + 1, value + 2, value + 10], draws)
    if (changed === null) return null
    const misread = { ...step, [side]: changed }
    const result = apply(misread.left, misread.operator, misread.right)
    return inRange(result) ? { step: write({ ...misread, result }), from: String(value), to: String(changed) } : null
  },
  /** An operation done before its turn: precedence, or the order from left to right. */
  rule(expression, step, draws) {
    const early = expression.operators
      .map((_, index) => equationAt(expression, index))
      .filter((equation) => inRange(equation.result) && advance(expression, write(equation)) === null)
    if (early.length === 0) return null
    const chosen = draws.pick(early)
    return { step: write(chosen), from: step.operator, to: chosen.operator }
  },
  /** A term left out: two operands that are not neighbours are put together. */
  approach(expression, step, draws) {
    const skipping: Equation[] = []
    for (let index = 0; index + 2 < expression.values.length; index++) {
      const left = expression.values[index]!
      const right = expression.values[index + 2]!
      const operator = expression.operators[index + 1]!
      const result = apply(left, operator, right)
      if (inRange(result)) skipping.push({ left, operator, right, result })
    }
    if (skipping.length === 0) return null
    const chosen = draws.pick(skipping)
    return { step: write(chosen), from: String(step.right), to: String(chosen.right) }
  },
}

export function arithmetic(config: ArithmeticConfig): Task {
  return {
    name: 'arithmetic',
    // n operands with the operators between them; each of n - 1 steps is `a+b=c`.
    longest: { problem: 2 * config.operands[1] - 1, steps: config.operands[1] - 1, step: 5, replaced: 1 },
    problem(draws) {
      for (let attempt = 0; attempt < 1000; attempt++) {
        const expression = randomExpression(config, draws)
        if (referenceSteps(expression)) {
          return expression.values.map((value, index) => `${value}${expression.operators[index] ?? ''}`).join('')
        }
      }
      throw new Error('no problem within 0..99 in 1000 attempts: the difficulty settings leave no room')
    },
    solve(problem) {
      const expression = parseExpression(problem)
      const steps = expression && referenceSteps(expression)
      if (!steps) throw new Error(`not a problem of the arithmetic task: ${problem}`)
      return steps
    },
    render: (text) =>
      /^[\d+*\-= ]+$/.test(text)
        ? text.replace(/\s*([+*\-=])\s*/g, (_, sign: string) => ` ${{ '*': '×', '-': '−' }[sign] ?? sign} `).trim()
        : text,
    isStep: (text) => parseEquation(text) !== null,
    answer: (_problem, steps) => parseEquation(steps.at(-1) ?? '')?.result.toString() ?? null,
    grade(problem, steps) {
      const expression = parseExpression(problem)
      return expression !== null && this.answer(problem, steps) === String(evaluate(expression))
    },
    check(problem, done, step) {
      const expression = expressionAfter(problem, done)
      return expression !== null && advance(expression, step) !== null
    },
    next(problem, done) {
      const expression = expressionAfter(problem, done)
      if (!expression) return null
      const index = firstOperation(expression)
      return index < 0 ? null : write(equationAt(expression, index))
    },
    corrupt(problem, done, step, type, draws) {
      const expression = expressionAfter(problem, done)
      const equation = parseEquation(step)
      if (!expression || !equation) return null
      const corruption = corruptions[type](expression, equation, draws)
      return corruption && advance(expression, corruption.step) === null ? corruption : null
    },
    readSentence: readEqualities,
    vocabulary: [...Array.from({ length: LARGEST + 1 }, (_, value) => String(value)), ...operators, '=', ';'],
  }
}
