/** Element-wise operations with NumPy broadcasting. Numbers stand for scalars of the other operand's type. */
import { emitOne, record, Value } from '../graph.ts'
import { type Attribute, broadcast, DATA_TYPE_CODES, type DataType, GraphError } from '../types.ts'

export type Operand = Value | number
export type UnaryOperation = (x: Value) => Value
export type BinaryOperation = (left: Operand, right: Operand) => Value

type UnaryName =
  | ('neg' | 'abs' | 'exp' | 'log' | 'sqrt' | 'sin' | 'cos' | 'erf')
  | ('tanh' | 'sigmoid' | 'softplus' | 'relu' | 'gelu' | 'silu' | 'softmax' | 'logSoftmax')
type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'minimum' | 'maximum'
type Comparison = (left: Value, right: Value) => Value

export const add: BinaryOperation = binary('add', 'Add')
export const sub: BinaryOperation = binary('sub', 'Sub')
export const mul: BinaryOperation = binary('mul', 'Mul')
export const div: BinaryOperation = binary('div', 'Div')
/** The smaller one; of equal operands the first takes the whole gradient. */
export const minimum: BinaryOperation = binary('minimum', 'Min')
/** The larger one; of equal operands the first takes the whole gradient. */
export const maximum: BinaryOperation = binary('maximum', 'Max')

export const neg: UnaryOperation = unary('neg', 'Neg')
export const abs: UnaryOperation = unary('abs', 'Abs')
export const exp: UnaryOperation = unary('exp', 'Exp')
export const log: UnaryOperation = unary('log', 'Log')
/** √x. Its gradient at 0 is infinite: write sqrt(add(x, 1e-6)) where 0 can occur. */
export const sqrt: UnaryOperation = unary('sqrt', 'Sqrt')
export const sin: UnaryOperation = unary('sin', 'Sin')
export const cos: UnaryOperation = unary('cos', 'Cos')
/** 2 / √π · ∫₀ˣ exp(-t²) dt. */
export const erf: UnaryOperation = unary('erf', 'Erf')
export const tanh: UnaryOperation = unary('tanh', 'Tanh')
export const sigmoid: UnaryOperation = unary('sigmoid', 'Sigmoid')
/** log(1 + exp(x)), without overflow. */
export const softplus: UnaryOperation = unary('softplus', 'Softplus')
/** max(x, 0); the gradient at 0 is 0. */
export const relu: UnaryOperation = unary('relu', 'Relu')
/** x · Φ(x) with the normal distribution function Φ (Hendrycks & Gimpel 2016). */
export const gelu: UnaryOperation = unary('gelu', 'Gelu')
/** x · sigmoid(x), the gate of SwiGLU. */
export const silu: UnaryOperation = unary('silu', 'QuickGelu', { alpha: { float: 1 } }, 'com.microsoft')
/** Over the last axis. */
export const softmax: UnaryOperation = unary('softmax', 'Softmax', { axis: { int: -1 } })
export const logSoftmax: UnaryOperation = unary('logSoftmax', 'LogSoftmax', { axis: { int: -1 } })

/** min(max(x, low), high); no gradient flows where x lies outside. */
export function clip(x: Value, low: number, high: number): Value {
  return minimum(maximum(x, low), high)
}

export function square(x: Value): Value {
  return mul(x, x)
}

/** x, through which no gradient flows. */
export function stopGradient(x: Value): Value {
  const result = emitOne('Identity', [x], x.dtype, x.shape)
  return record(result, { op: 'stopGradient', inputs: [x], attributes: {} })
}

/**
 * condition ? left : right. The side not taken gets gradient 0, but 0 · ∞ is NaN: give it operands at which its own gradient is
 * finite.
 */
export function where(condition: Value, left: Operand, right: Operand): Value {
  if (condition.dtype !== 'bool') throw new GraphError(`where: condition ${condition.toString()} is not bool`)
  const [a, b] = sameType('where', left, right)
  const result = emitOne('Where', [condition, a, b], a.dtype, broadcast('where', condition, a, b))
  return a.dtype === 'float32' ? record(result, { op: 'where', inputs: [condition, a, b], attributes: {} }) : result
}

/** -1, 0 or 1. No gradient flows through it, nor through comparisons. */
export function sign(x: Value): Value {
  requireNumbers('sign', x)
  return emitOne('Sign', [x], x.dtype, x.shape)
}

export const equal: Comparison = comparison('equal', 'Equal')
export const lessOrEqual: Comparison = comparison('lessOrEqual', 'LessOrEqual')
export const greater: Comparison = comparison('greater', 'Greater')

export function and(left: Value, right: Value): Value {
  requireTruth('and', left, right)
  return emitOne('And', [left, right], 'bool', broadcast('and', left, right))
}

export function or(left: Value, right: Value): Value {
  requireTruth('or', left, right)
  return emitOne('Or', [left, right], 'bool', broadcast('or', left, right))
}

export function not(x: Value): Value {
  requireTruth('not', x)
  return emitOne('Not', [x], 'bool', x.shape)
}

/** Conversion between types; no gradient flows through it. */
export function cast(x: Value, dtype: DataType): Value {
  if (x.dtype === dtype) return x
  return emitOne('Cast', [x], dtype, x.shape, { to: { int: DATA_TYPE_CODES[dtype] } })
}

export function requireFloat(op: string, ...values: readonly Value[]): void {
  for (const value of values) {
    if (value.dtype !== 'float32') throw new GraphError(`${op} needs float32 operands, got ${value.toString()}`)
  }
}

/** Truth values and 8-bit codes are no numbers to compute with. */
export function requireNumbers(op: string, ...values: readonly Value[]): void {
  for (const value of values) {
    if (value.dtype === 'bool' || value.dtype === 'uint8') {
      throw new GraphError(`${op} needs float32, int32 or int64 operands, got ${value.toString()}`)
    }
  }
}

function requireTruth(op: string, ...values: readonly Value[]): void {
  for (const value of values) {
    if (value.dtype !== 'bool') throw new GraphError(`${op} needs bool operands, got ${value.toString()}`)
  }
}

function sameType(op: string, left: Operand, right: Operand): [Value, Value] {
  const asValue = (operand: Operand, partner: Operand): Value => {
    if (operand instanceof Value) return operand
    if (!(partner instanceof Value)) throw new GraphError(`${op}: at least one operand must belong to a graph`)
    return partner.graph.scalar(operand, partner.dtype)
  }
  const [a, b] = [asValue(left, right), asValue(right, left)]
  if (a.dtype !== b.dtype) throw new GraphError(`${op}: ${a.toString()} and ${b.toString()} differ in type`)
  return [a, b]
}

function binary(name: BinaryName, op: string): BinaryOperation {
  return (left, right) => {
    const [a, b] = sameType(name, left, right)
    requireNumbers(name, a, b)
    const result = emitOne(op, [a, b], a.dtype, broadcast(name, a, b))
    return a.dtype === 'float32' ? record(result, { op: name, inputs: [a, b], attributes: {} }) : result
  }
}

function unary(
  name: UnaryName,
  op: string,
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): UnaryOperation {
  return (x) => {
    requireFloat(name, x)
    const result = emitOne(op, [x], x.dtype, x.shape, attributes, domain)
    return record(result, { op: name, inputs: [x], attributes: {} })
  }
}

function comparison(name: string, op: string): Comparison {
  return (left, right) => {
    const [a, b] = sameType(name, left, right)
    requireNumbers(name, a, b)
    return emitOne(op, [a, b], 'bool', broadcast(name, a, b))
  }
}
