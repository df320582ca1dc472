/** The outputs of a small network under given weights. */
import { Graph } from '../graph/index.ts'
import { network, type NetworkSpec } from '../models/network.ts'
import { Parameters } from '../models/parameters.ts'
import { type Numbers, packFeeds } from '../runtime/feeds.ts'
import type { SessionCache } from '../runtime/session-cache.ts'
import { RowError } from '../training/rows.ts'

export interface RunNetworkRequest {
  readonly network: NetworkSpec
  /** Flat parameter vector in the order of the network's layout. */
  readonly weights: Float32Array
  /** [rows, ...inputs]. */
  readonly x: Numbers
}

/** [rows, ...outputs]. Throws RowError or GraphError for numbers that do not fit. */
export async function runNetwork(request: RunNetworkRequest, sessions: SessionCache): Promise<Float32Array> {
  const { network: spec, weights, x } = request
  const { input, layout, forward } = network(spec)
  const rows = x.length / input.reduce((product, size) => product * size, 1)
  if (!Number.isInteger(rows) || rows < 1) {
    throw new RowError(`x has ${x.length} numbers, a row is [${input.join(', ')}]`)
  }
  const inputs = { weights: { shape: [layout.size] }, x: { shape: [rows, ...input] } }
  const session = await sessions.get(JSON.stringify(['network', spec, rows]), () => {
    const graph = new Graph('network')
    const parameters = new Parameters(graph.input('weights', 'float32', inputs.weights.shape), layout)
    graph.output(forward(parameters, graph.input('x', 'float32', inputs.x.shape)), 'y')
    return graph
  })
  const outputs = await session.run(packFeeds('runNetwork', inputs, [{ weights, x }], { stacked: false }))
  return outputs.floats('y')
}
