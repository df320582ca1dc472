/**
 * The operations whose result could depend on the order in which threads finish, forwards and backwards, at sizes that are split
 * over threads. Run as a program with a number of threads it prints the hash of all bytes.
 */
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { gradients } from '../../../engine/autodiff/gradients.ts'
import * as ops from '../../../engine/graph/index.ts'
import { Graph, type Value } from '../../../engine/graph/index.ts'
import { uniforms } from '../../../engine/random/philox.ts'
import { floatFeed, Session } from '../../../engine/runtime/session.ts'

const INPUTS: Readonly<Record<string, readonly number[]>> = {
  image: [16, 8, 20, 20],
  taps: [32, 8, 3, 3],
  series: [32, 16, 65],
  seriesTaps: [24, 16, 4],
  table: [5000, 24],
  rows: [6000, 24],
  norm: [24],
  shift: [24],
  left: [6, 96, 64],
  right: [6, 64, 80],
}

function build(): { graph: Graph; outputs: string[] } {
  const graph = new Graph('determinism')
  const inputs = Object.entries(INPUTS).map(([name, shape]) => graph.input(name, 'float32', shape))
  const input = (name: string): Value => {
    const value = inputs.find((candidate) => candidate.name === name)
    if (value === undefined) throw new RangeError(name)
    return value
  }
  /** Most indices repeat many times. */
  const indices = graph.constant(
    'int32',
    [6000],
    Array.from({ length: 6000 }, (_, index) => (index * index) % 97),
  )
  const spread = ops.expand(ops.reshape(indices, [6000, 1]), [6000, 24])
  const results = [
    ops.convolve(input('image'), input('taps'), { stride: 2, padding: 1 }),
    ops.convolve(input('series'), input('seriesTaps'), { stride: 3 }),
    ops.gatherRows(input('table'), indices),
    ops.scatterAdd(input('table'), spread, input('rows'), 0),
    ops.takeAlong(input('table'), ops.slice(spread, 0, 0, 400), 0),
    ops.layerNorm(input('rows'), input('norm'), input('shift'), 1e-5),
    ops.matmul(input('left'), input('right')),
    ops.sum(input('rows'), [0]),
    ops.softmax(input('left')),
    ops.largest(input('rows'), 0),
    ops.logSumExp(input('rows'), 0),
  ]
  const loss = results.map((result) => ops.mean(ops.square(result), [...result.shape.keys()])).reduce(ops.add)
  const named = [...results, loss, ...gradients(loss, inputs).flatMap((gradient) => gradient ?? [])]
  const outputs = named.map((value, index) => graph.output(value, `output${index}`))
  return { graph, outputs }
}

export interface Runner {
  /** The hash of the bytes of one run. */
  run(): Promise<string>
  outputs: number
}

export async function compileAll(threads: number): Promise<Runner> {
  const { graph, outputs } = build()
  const session = await Session.create(graph, { threads })
  const feeds = Object.entries(INPUTS).map(([name, shape]) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1)
    return [name, floatFeed(uniforms(name, size), shape)] as const
  })
  const run = async (): Promise<string> => {
    const results = await session.run(Object.fromEntries(feeds))
    const hash = createHash('sha256')
    for (const name of outputs) hash.update(results.floats(name))
    return hash.digest('hex')
  }
  return { run, outputs: outputs.length }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { run } = await compileAll(Number(process.argv[2]))
  console.log(await run())
}
