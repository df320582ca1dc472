/** Generating: an ONNX Loop over tokens with the sampler inside, which ends when every row has stopped. */
import {
  at,
  cast,
  div,
  equal,
  type Graph,
  largest,
  loop,
  not,
  or,
  reshape,
  type Shape,
  smallest,
  type Value,
} from '../graph/index.ts'
import { emitOne } from '../graph/graph.ts'
import { fixedDimension } from '../graph/types.ts'
import { required } from '../runtime/records.ts'
import { booleanFeed, type Feed, floatFeed, integerFeed } from '../runtime/session.ts'
import { greedyChoice, sampledChoice } from './choose.ts'

export interface Generation {
  readonly graph: Graph
  /** int64 scalar: the most tokens of a row. */
  readonly steps: Value
  /** int32 [rows], read first. */
  readonly first: Value
  readonly greedy: boolean
  /** Keys and values of generated tokens: so many tensors of the shape [..., 0, headSize], whose empty axis grows. */
  readonly cache: { readonly tensors: number; readonly shape: readonly number[] }
  /** From the last token and the keys and values up to it to logits [rows, vocabulary], and keys and values with its own. */
  readonly step: (token: Value, iteration: Value, earlier: readonly Value[]) => { logits: Value; grown: Value[] }
  /** Whether the graph also gives the logits, [made, rows, vocabulary]. */
  readonly givesLogits?: boolean
}

/**
 * Inputs: stopTokens int32 [stops]; stopped bool [rows], rows that need not run; and, unless greedy, temperature [1] and uniforms
 * [steps, rows]. Output: tokens int32 [made, rows]; what follows a stop token means nothing. Returns the keys and values.
 */
export function generate({ graph, steps, first, greedy, cache, step, givesLogits }: Generation): Value[] {
  const rows = fixedDimension(first.shape, 0)
  const stopTokens = graph.input('stopTokens', 'int32', ['stops'])
  const stopped = graph.input('stopped', 'bool', [rows])
  const choose = greedy ? greedyChoice : sampler(graph, rows)
  const empty = Array.from({ length: cache.tensors }, () => graph.constant('float32', cache.shape, []))
  const growing = (_: Value, index: number): Shape =>
    cache.shape.map((size) => (size === 0 ? `generated_${index}` : size))
  const { carried, stacked } = loop({
    tripCount: steps,
    condition: cast(graph.scalar(1), 'bool'),
    initial: [first, stopped, ...empty],
    shapes: [[rows], [rows], ...empty.map(growing)],
    stackedAxis: 'made',
    body: (iteration, [token, done, ...earlier]) => {
      const { logits, grown } = step(required(token, 'token'), iteration, earlier)
      // A row that has stopped goes on: what follows its stop token is cut off outside, and no other row sees it.
      const next = choose(logits, iteration)
      const isStop = largest(cast(equal(reshape(next, [rows, 1]), reshape(stopTokens, [1, 'stops'])), 'int32'), 1)
      const nowDone = or(required(done, 'state'), cast(isStop, 'bool'))
      const allDone = cast(smallest(cast(nowDone, 'int32'), 0), 'bool')
      const stacks = givesLogits === true ? [next, logits] : [next]
      return { condition: not(allDone), carried: [next, nowDone, ...grown], stacked: stacks }
    },
  })
  for (const [index, value] of stacked.entries()) graph.output(value, index === 0 ? 'tokens' : 'logits')
  return carried.slice(2)
}

/** What generate() is fed: for each row whether it need not run, and temperature 0 where the graph is greedy. */
export function generationFeeds(
  { stopTokens, temperature }: { readonly stopTokens: readonly number[]; readonly temperature: number },
  stopped: Uint8Array,
  uniforms: () => Float32Array,
): Record<string, Feed> {
  const stops = stopTokens.length === 0 ? [-1] : stopTokens
  const always = { stopTokens: integerFeed(Int32Array.from(stops)), stopped: booleanFeed(stopped) }
  if (temperature === 0) return always
  const rows = stopped.length
  const drawn = uniforms()
  return {
    ...always,
    temperature: floatFeed(Float32Array.of(temperature)),
    uniforms: floatFeed(drawn, [drawn.length / rows, rows]),
  }
}

function sampler(graph: Graph, rows: number): (logits: Value, iteration: Value) => Value {
  const temperature = graph.input('temperature', 'float32', [1])
  const uniforms = graph.input('uniforms', 'float32', ['steps', rows])
  return (logits, iteration) => sampledChoice(div(logits, temperature), at(uniforms, iteration))
}

/** The last axis cut in two at an int64 [1]; the parts get the names of their sizes. */
export function splitLast(x: Value, place: Value, names: readonly [Shape[number], Shape[number]]): [Value, Value] {
  const number = (value: number): Value => x.graph.constant('int64', [1], [value])
  const axis = number(x.shape.length - 1)
  const part = (start: Value, end: Value, size: Shape[number]): Value =>
    emitOne('Slice', [x, start, end, axis], x.dtype, [...x.shape.slice(0, -1), size])
  return [part(number(0), place, names[0]), part(place, number(2 ** 31 - 1), names[1])]
}

/** a · b over the last two axes, where the inner size of either goes by another name. */
export function product(a: Value, b: Value): Value {
  return emitOne('MatMul', [a, b], 'float32', [...a.shape.slice(0, -1), fixedDimension(b.shape, -1)])
}

/** The size of the last axis, int64 [1]. */
export function sizeOf(x: Value): Value {
  return emitOne('Shape', [x], 'int64', [1], { start: { int: x.shape.length - 1 } })
}
