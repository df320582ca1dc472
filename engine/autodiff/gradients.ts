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
    if (!operation.outputs.some((output) => cotangents.has(output))) continue
    if (!operation.inputs.some((input) => dependent.has(input))) continue
    const incoming = operation.outputs.map((output) => cotangents.get(output) ?? null)
    const outgoing = applyRule(operation, incoming, (input) => dependent.has(input))
    for (const [index, input] of operation.inputs.entries()) {
      const cotangent = outgoing[index]
      if (cotangent === undefined || cotangent === null || !dependent.has(input)) continue
      const before = cotangents.get(input)
      cotangents.set(input, before === undefined ? cotangent : add(before, cotangent))
    }
  }
  return parameters.map((parameter) => cotangents.get(parameter) ?? null)
}

function applyRule<Name extends OperationName>(
  operation: OperationOf<Name>,
  cotangents: readonly (Value | null)[],
  needed: (input: Value) => boolean,
): readonly (Value | null)[] {
  try {
    return vectorJacobianProducts[operation.op](operation, cotangents, needed)
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    throw new GraphError(`gradient of ${operation.op}(${operation.inputs.join(', ')}): ${error.message}`)
  }
}

/** Outer graphs come first: they never depend on an inner one. */
function wholeTape(graph: Graph): Operation[] {
  return graph.parent === null ? [...graph.tape] : [...wholeTape(graph.parent), ...graph.tape]
}

function dependentValues(tape: readonly Operation[], parameters: readonly Value[]): Set<Value> {
  const dependent = new Set<Value>(parameters)
  for (const operation of tape) {
    if (operation.op === 'stopGradient') continue
    if (operation.inputs.some((input) => dependent.has(input))) {
      for (const output of operation.outputs) dependent.add(output)
    }
  }
  return dependent
}
