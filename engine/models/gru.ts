/** Gated recurrent units (Cho et al. 2014) unrolled over a fixed number of steps, with the names and gates of PyTorch's GRU. */
import {
  add,
  concat,
  expand,
  GraphError,
  mul,
  reshape,
  sigmoid,
  slice,
  split,
  sub,
  tanh,
  type Value,
} from '../graph/index.ts'
import { linear, type NamedValues, type NetworkDescription, requireSizes } from './layers.ts'

export interface GruSpec {
  readonly kind: 'gru'
  readonly steps: number
  readonly inputs: number
  readonly hidden: number
  /** `last`: the state after all steps. `all`: the state after each. */
  readonly gives: 'last' | 'all'
  /** Reads the sequence from its end; `all` keeps the order of the input. */
  readonly backwards?: boolean
}

export function gruTensors({ steps, inputs, hidden, gives }: GruSpec): NetworkDescription {
  requireSizes('gru', { steps, inputs, hidden })
  const initial = { bound: 1 / Math.sqrt(hidden) }
  return {
    tensors: [
      { name: 'weight_ih', shape: [3 * hidden, inputs], initial },
      { name: 'weight_hh', shape: [3 * hidden, hidden], initial },
      { name: 'bias_ih', shape: [3 * hidden], initial },
      { name: 'bias_hh', shape: [3 * hidden], initial },
    ],
    input: [steps, inputs],
    output: gives === 'last' ? [hidden] : [steps, hidden],
  }
}

/** x [batch, steps, inputs] → [batch, hidden] or [batch, steps, hidden]; the first state is 0. */
export function gru(spec: GruSpec, parameters: NamedValues, x: Value): Value {
  const { steps, inputs, hidden, gives, backwards = false } = spec
  const [batch] = x.shape.slice(0, 1)
  if (typeof batch !== 'number') throw new GraphError(`gru: ${x.toString()} needs a fixed batch`)
  const width = 3 * hidden
  const flat = linear(reshape(x, [batch * steps, inputs]), parameters.get('weight_ih'), parameters.get('bias_ih'))
  const gates = reshape(flat, [batch, steps, width])
  let state = expand(x.graph.scalar(0), [batch, hidden])
  const states: Value[] = []
  for (let step = 0; step < steps; step++) {
    const at = backwards ? steps - 1 - step : step
    const fromInput = reshape(slice(gates, 1, at, at + 1), [batch, width])
    state = gruStep(state, fromInput, linear(state, parameters.get('weight_hh'), parameters.get('bias_hh')), hidden)
    states.push(state)
  }
  if (gives === 'last') return state
  const ordered = backwards ? states.toReversed() : states
  return concat(
    ordered.map((value) => reshape(value, [batch, 1, hidden])),
    1,
  )
}

/** r = σ(i_r + h_r), z = σ(i_z + h_z), n = tanh(i_n + r · h_n), h' = (1 - z) · n + z · h = n + z · (h - n). */
function gruStep(state: Value, fromInput: Value, fromState: Value, hidden: number): Value {
  const parts = (gates: Value): [Value, Value] => {
    const [both, candidate] = split(gates, 1, [2 * hidden, hidden])
    if (both === undefined || candidate === undefined) throw new RangeError('split gives as many parts as sizes')
    return [both, candidate]
  }
  const [inputGates, inputCandidate] = parts(fromInput)
  const [stateGates, stateCandidate] = parts(fromState)
  const both = sigmoid(add(inputGates, stateGates))
  const reset = slice(both, 1, 0, hidden)
  const update = slice(both, 1, hidden, 2 * hidden)
  const candidate = tanh(add(inputCandidate, mul(reset, stateCandidate)))
  return add(candidate, mul(update, sub(state, candidate)))
}
