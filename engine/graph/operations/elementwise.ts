/** Element-wise operations with NumPy broadcasting. Numbers stand for float32 scalars. */
import { emitOne, record, Value } from '../graph.ts'
import { broadcastShapes, DATA_TYPE_CODES, type DataType, GraphError } from '../types.ts'

export type Operand = Value | number

type Binary = 'add' | 'sub' | 'mul' | 'div' | 'minimum' | 'maximum'
type Unary = 'neg' | 'exp' | 'log' | 'sqrt' | 'sigmoid' | 'softplus'

export function add(left: Operand, right: Operand): Value {
  return binary('add', 'Add', left, right)
}

export function sub(left: Operand, right: Operand): Value {
  return binary('sub', 'Sub', left, right)
}

export function mul(left: Operand, right: Operand): Value {
  return binary('mul', 'Mul', left, right)
}

export function div(left: Operand, right: Operand): Value {
  return binary('div', 'Div', left, right)
}

export function minimum(left: Operand, right: Operand): Value {
  return binary('minimum', 'Min', left, right)
}

export function maximum(left: Operand, right: Operand): Value {
  return binary('maximum', 'Max', left, right)
}

/** min(max(x, low), high). */
export function clip(x: Value, low: number, high: number): Value {
  return minimum(maximum(x, low), high)
}

export function neg(x: Value): Value {
  return unary('neg', 'Neg', x)
}

export function exp(x: Value): Value {
  return unary('exp', 'Exp', x)
}

export function log(x: Value): Value {
  return unary('log', 'Log', x)
}

export function sqrt(x: Value): Value {
  return unary('sqrt', 'Sqrt', x)
}

export function sigmoid(x: Value): Value {
  return unary('sigmoid', 'Sigmoid', x)
}

/** log(1 + exp(x)), without overflow. */
export function softplus(x: Value): Value {
  return unary('softplus', 'Softplus', x)
}

export function square(x: Value): Value {
  return mul(x, x)
}

/** x · sigmoid(x), the gate of SwiGLU. */
export function silu(x: Value): Value {
  requireFloat('silu', x)
  const result = emitOne('QuickGelu', [x], x.dtype, x.shape, { alpha: { float: 1 } }, 'com.microsoft')
  record({ op: 'silu', inputs: [x], outputs: [result], attributes: {} })
  return result
}

/** x, through which no gradient flows. */
export function stopGradient(x: Value): Value {
  const result = emitOne('Identity', [x], x.dtype, x.shape)
  record({ op: 'stopGradient', inputs: [x], outputs: [result], attributes: {} })
  return result
}

/** Comparisons give bool values; no gradient flows through them. */
export function equal(left: Value, right: Value): Value {
  return compare('Equal', left, right)
}

export function lessOrEqual(left: Value, right: Value): Value {
  return compare('LessOrEqual', left, right)
}

export function greater(left: Value, right: Value): Value {
  return compare('Greater', left, right)
}

export function or(left: Value, right: Value): Value {
  return emitOne('Or', [left, right], 'bool', broadcastShapes('or', left.shape, right.shape))
}

export function not(x: Value): Value {
  return emitOne('Not', [x], 'bool', x.shape)
}

/** condition ? left : right. No gradient flows through it. */
export function where(condition: Value, left: Value, right: Value): Value {
  if (left.dtype !== right.dtype)
    throw new GraphError(`where: ${left.toString()} and ${right.toString()} differ in type`)
  const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', left.shape, right.shape))
  return emitOne('Where', [condition, left, right], left.dtype, shape)
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

/** The operand as a value; a number becomes a constant of the partner's type. */
export function asValue(op: string, operand: Operand, partner: Operand): Value {
  if (operand instanceof Value) return operand
  if (!(partner instanceof Value)) throw new GraphError(`${op}: at least one operand must belong to a graph`)
  return partner.graph.scalar(operand, partner.dtype)
}

function binary(name: Binary, op: string, left: Operand, right: Operand): Value {
  const a = asValue(name, left, right)
  const b = asValue(name, right, left)
  if (a.dtype !== b.dtype) throw new GraphError(`${name}: ${a.toString()} and ${b.toString()} differ in type`)
  const result = emitOne(op, [a, b], a.dtype, broadcastShapes(name, a.shape, b.shape))
  if (a.dtype === 'float32') recordFloat(name, [a, b], result)
  return result
}

function unary(name: Unary, op: string, x: Value): Value {
  requireFloat(name, x)
  const result = emitOne(op, [x], x.dtype, x.shape)
  recordFloat(name, [x], result)
  return result
}

function recordFloat(name: Binary | Unary, inputs: readonly Value[], result: Value): void {
  record({ op: name, inputs, outputs: [result], attributes: {} })
}

function compare(op: string, left: Value, right: Value): Value {
  if (left.dtype !== right.dtype)
    throw new GraphError(`${op}: ${left.toString()} and ${right.toString()} differ in type`)
  return emitOne(op, [left, right], 'bool', broadcastShapes(op, left.shape, right.shape))
}
