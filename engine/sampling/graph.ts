/**
 * The sampling graph: prompts are read once, then an ONNX Loop decodes all samples of all prompts token by token with the sampler
 * inside, so that one run() call generates whole completions. Keys and values of the prompts are captured from outside the loop and
 * shared by the samples of a prompt; only those of generated tokens are carried.
 */
import {
  add,
  at,
  cast,
  div,
  equal,
  expand,
  Graph,
  largest,
  lessOrEqual,
  loop,
  mul,
  not,
  or,
  reshape,
  slice,
  smallest,
  sub,
  transpose,
  type Value,
  where,
} from '../graph/index.ts'
import { causalMask, decode, logits, MASKED, rotaryTables } from '../models/llama-forward.ts'
import { headSize, type LlamaConfig, llamaLayout } from '../models/llama.ts'
import { Parameters } from '../models/parameters.ts'
import { decodeStep, type PromptCache } from './decode-step.ts'
import { greedyChoice, sampledChoice } from './choose.ts'

export interface SamplingShape {
  /** Prompts of one call. */
  readonly prompts: number
  readonly samplesPerPrompt: number
  /** Padded length of a prompt, at least 2. */
  readonly promptLength: number
  readonly maximumNewTokens: number
  readonly greedy: boolean
}

/**
 * Inputs: weights [size]; prompts int32 [prompts, promptLength], padded on the left; padding int32 [prompts], the number of pad
 * tokens; stopTokens int32 [n]; stopped bool [rows], rows that need not run; and, unless greedy,
 * temperature [1] and uniforms [maximumNewTokens, rows]. rows = prompts · samplesPerPrompt, prompt-major.
 * Output: tokens int32 [steps, rows]; what follows a stop token means nothing.
 */
export function samplingGraph(model: LlamaConfig, shape: SamplingShape): Graph {
  const { prompts, samplesPerPrompt, promptLength, maximumNewTokens, greedy } = shape
  const rows = prompts * samplesPerPrompt
  const layout = llamaLayout(model)
  const graph = new Graph('sampling')
  const parameters = new Parameters(graph.input('weights', 'float32', [layout.size]), layout)
  const tables = rotaryTables(graph, model)
  const tokens = graph.input('prompts', 'int32', [prompts, promptLength])
  const padding = graph.input('padding', 'int32', [prompts])
  const stopTokens = graph.input('stopTokens', 'int32', ['stops'])
  const stopped = graph.input('stopped', 'bool', [rows])
  const choose = greedy ? greedyChoice : sampler(graph, rows, maximumNewTokens)

  // The loop starts from the last prompt token, so that it samples in one place only; the prefill reads those before it.
  const prefix = promptLength - 1
  const columns = graph.constant('int32', [1, prefix], range(prefix))
  const perPrompt = reshape(padding, [prompts, 1])
  const isPadding = lessOrEqual(columns, sub(perPrompt, graph.scalar(1, 'int32')))
  const keyMask = reshape(mul(cast(isPadding, 'float32'), MASKED), [prompts, 1, 1, prefix])
  const { keyValues } = decode(model, parameters, tables, {
    tokens: slice(tokens, 1, 0, prefix),
    batch: prompts,
    length: prefix,
    mask: add(causalMask(graph, prefix), keyMask),
    // Positions count from the first real token. Those of pad tokens do not matter.
    positions: cast(where(isPadding, graph.scalar(0, 'int32'), sub(columns, perPrompt)), 'int64'),
  })
  const cache: PromptCache = {
    layers: keyValues.map(({ key, value }) => ({ keyTransposed: transpose(key, [0, 1, 3, 2]), value })),
    mask: keyMask,
  }
  const perRow = (x: Value): Value => reshape(expand(reshape(x, [prompts, 1]), [prompts, samplesPerPrompt]), [rows])
  const firstPosition = perRow(sub(graph.scalar(prefix, 'int32'), padding))
  const cacheShape = [prompts, model.keyValueHeads, samplesPerPrompt, 0, headSize(model)]
  const empty = keyValues.flatMap(() => {
    const none = graph.constant('float32', cacheShape, [])
    return [none, none]
  })
  const carriedShapes = empty.map((_, index) =>
    cacheShape.map((size, axis) => (axis === 3 ? `generated_${index}` : size)),
  )

  const { stacked } = loop({
    tripCount: graph.scalar(maximumNewTokens, 'int64'),
    condition: cast(graph.scalar(1), 'bool'),
    initial: [perRow(reshape(slice(tokens, 1, prefix, promptLength), [prompts])), stopped, ...empty],
    shapes: [[rows], [rows], ...carriedShapes],
    stackedAxis: 'steps',
    body: (iteration, [token, done, ...generated]) => {
      if (token === undefined || done === undefined) throw new RangeError('the loop carries token and stopped')
      const positions = cast(add(firstPosition, cast(iteration, 'int32')), 'int64')
      const step = decodeStep({ model, parameters, tables, cache, shape, token, positions, generated })
      // A row that has stopped goes on: what follows its stop token is cut off outside, and no other row sees it.
      const next = choose(logits(model, parameters, step.hidden), iteration)
      const isStop = largest(cast(equal(reshape(next, [rows, 1]), reshape(stopTokens, [1, 'stops'])), 'int32'), 1)
      const nowDone = or(done, cast(isStop, 'bool'))
      const allDone = cast(smallest(cast(nowDone, 'int32'), 0), 'bool')
      return { condition: not(allDone), carried: [next, nowDone, ...step.generated], stacked: [next] }
    },
  })
  const [result] = stacked
  if (result === undefined) throw new RangeError('the loop gives tokens')
  graph.output(result, 'tokens')
  return graph
}

function sampler(graph: Graph, rows: number, maximumNewTokens: number): (x: Value, iteration: Value) => Value {
  const temperature = graph.input('temperature', 'float32', [1])
  const uniforms = graph.input('uniforms', 'float32', [maximumNewTokens, rows])
  return (x, iteration) => sampledChoice(div(x, temperature), at(uniforms, iteration))
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
