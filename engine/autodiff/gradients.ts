/** Reverse-mode differentiation over the tape of a graph: adds the nodes of the backward pass to the same graph. */
import { add } from '../graph/operations/elementwise.ts'
import type { Graph, Value } from '../graph/graph.ts'
import type { Operation, OperationName, OperationOf } from '../graph/operation.ts'
import { GraphError } from '../graph/types.ts'
import { vectorJacobianProducts } from './rules.ts'

/**
 * d loss / d parameter for each parameter, in order; null where the loss does not depend on one.
 * `loss` is a float32 scalar; its cotangent is 1.
 */
export function gradients(loss: Value, parameters: readonly Value[]): (Value | null)[] {
  if (loss.dtype !== 'float32' || loss.shape.length !== 0) {
    throw new GraphError(`gradients need a float32 scalar, got ${loss.toString()}`)
  }
  const tape = wholeTape(loss.graph)
  const dependent = dependentValues(tape, parameters)
  const cotangents = new Map<Value, Value>([[loss, loss.graph.scalar(1)]])
  for (const operation of tape.toReversed()) {
    if (!operation.inputs.some((input) => dependent.has(input))) continue
    const outgoing = applyRule(operation, cotangents, (input) => dependent.has(input))
    for (const [index, input] of operation.inputs.entries()) {
      const cotangent = outgoing[index]
      if (cotangent === undefined || cotangent === null || !dependent.has(input)) continue
      const before = cotangents.get(input)
      cotangents.set(input, before === undefined ? cotangent : add(before, cotangent))
    }
  }
  return parameters.map((parameter) => cotangents.get(parameter) ?? null)
}

/** Cotangents of the inputs; none where the loss does not depend on the results. */
function applyRule<Name extends OperationName>(
  operation: OperationOf<Name>,
  known: ReadonlyMap<Value, Value>,
  needed: (input: Value) => boolean,
): readonly (Value | null)[] {
  const { op, inputs, outputs } = operation
  const cotangents = outputs.map((output) => known.get(output) ?? null)
  const [y] = outputs
  const dy = cotangents.find((cotangent) => cotangent !== null)
  if (y === undefined || dy === undefined || dy === null) return []
  try {
    return vectorJacobianProducts[op](operation, { y, dy, cotangents, needed })
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    throw new GraphError(`gradient of ${op}(${inputs.join(', ')}): ${error.message}`)
  }
}

/** Outer graphs come first: they never depend on an inner one. */
function wholeTape(graph: Graph): Operation[] {
  return graph.parent === null ? [...graph.tape] : [...wholeTape(graph.parent), ...graph.tape]
}

function dependentValues(tape: readonly Operation[], parameters: readonly Value[]): Set<Value> {
  const dependent = new Set<Value>(parameters)
  for (const { op, inputs, outputs } of tape) {
    if (op === 'stopGradient' || !inputs.some((input) => dependent.has(input))) continue
    for (const output of outputs) dependent.add(output)
  }
  return dependent
}
