/** Devices: every kind of graph runs where it is asked to, and where it cannot the error says what to do. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { gradients } from '../../../engine/autodiff/gradients.ts'
import * as ops from '../../../engine/graph/index.ts'
import { Graph } from '../../../engine/graph/index.ts'
import { type Device, isDevice } from '../../../engine/index.ts'
import { uniforms } from '../../../engine/random/philox.ts'
import { floatFeed, Session } from '../../../engine/runtime/session.ts'
import { forWebGpu } from '../../../engine/runtime/webgpu.ts'
import { thrownBy } from './support.ts'

interface Examined {
  readonly unusable?: string
  readonly reports?: { graph: string; nodes: number; fallback: Record<string, number>; difference: number }[]
}

/** In a process of its own: a driver that does not fit may end it. */
function examine(device: Device): Examined {
  const program = fileURLToPath(new URL('../../../engine/examine.ts', import.meta.url))
  const stdout = execFileSync(process.execPath, ['--import', 'tsx', program, device], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const examined: Examined = JSON.parse(stdout.toString().trim())
  return examined
}

describe.each<Device>(['cpu', 'webgpu', 'cuda'])('device %s', (device) => {
  const { unusable, reports = [] } = examine(device)

  it.skipIf(unusable !== undefined)('runs every kind of graph close to the CPU', () => {
    expect(reports).toHaveLength(7)
    for (const { graph, nodes, fallback, difference } of reports) {
      const elsewhere = Object.values(fallback).reduce((sum, count) => sum + count, 0)
      expect(nodes, graph).toBeGreaterThan(10)
      if (device !== 'cpu') expect(elsewhere / nodes, graph).toBeLessThan(0.2)
      expect(difference, graph).toBeLessThan(device === 'cpu' ? 1e-12 : 1e-3)
    }
  })

  it.skipIf(unusable === undefined)('is not here: the error names it and a remedy', () => {
    expect(unusable).toMatch(new RegExp(`^device ${device}: compiling the graph 'training': .*`, 's'))
    expect(unusable).toMatch(/install|driver/)
  })
})

it('names devices', () => {
  expect(['cpu', 'cuda', 'cuda:1', 'webgpu'].every(isDevice)).toBe(true)
  expect(['gpu', 'cuda:', 'cuda:x', ''].some(isDevice)).toBe(false)
})

it('says that CUDA is missing or what its driver lacks, and never falls back without a word', async () => {
  const graph = new Graph('small')
  graph.output(ops.exp(graph.input('x', 'float32', [2])))
  const error = await thrownBy(() => Session.create(graph, { device: 'cuda:97' }))
  expect(error.name).toBe('DeviceError')
  expect(error.message).toMatch(/^device cuda:97: compiling the graph 'small': /)
})

it('takes a vector apart by slices where shaders bind few buffers, with the same numbers', async () => {
  const graph = new Graph('parts')
  const x = graph.input('x', 'float32', [20])
  const sizes = [1, 2, 3, 4, 2, 1, 3, 2, 2]
  for (const [index, part] of ops.split(x, 0, sizes).entries()) graph.output(ops.exp(part), `y${index}`)
  const lowered = forWebGpu(graph)
  expect(lowered.nodes.map(({ op }) => op)).not.toContain('Split')
  expect(lowered.nodes.filter(({ op }) => op === 'Slice')).toHaveLength(sizes.length)
  const feeds = {
    x: floatFeed(
      Float32Array.from({ length: 20 }, (_, index) => index / 7),
      [20],
    ),
  }
  const [whole, sliced] = [await Session.create(graph), await Session.create(lowered)]
  const [expected, actual] = [await whole.run(feeds), await sliced.run(feeds)]
  for (const index of sizes.keys()) expect(actual.floats(`y${index}`)).toEqual(expected.floats(`y${index}`))
})

it('computes the inverse root mean square by its definition where the provider leaves it out', async () => {
  const graph = new Graph('normalised')
  const [x, weight] = [graph.input('x', 'float32', [3, 4]), graph.input('weight', 'float32', [4])]
  const [gradient] = gradients(ops.sum(ops.square(ops.rmsNorm(x, weight, 1e-2)), [0, 1]), [x])
  if (!gradient) throw new Error('the norm depends on x')
  graph.output(gradient, 'gradient')
  const lowered = forWebGpu(graph)
  expect(lowered.nodes.find(({ op }) => op === 'SimplifiedLayerNormalization')?.outputs).toHaveLength(1)
  const feeds = { x: floatFeed(uniforms('x', 12), [3, 4]), weight: floatFeed(uniforms('weight', 4), [4]) }
  const [fused, composed] = [await Session.create(graph), await Session.create(lowered)]
  const [expected, actual] = [await fused.run(feeds), await composed.run(feeds)]
  for (const [index, value] of expected.floats('gradient').entries())
    expect(actual.floats('gradient')[index]).toBeCloseTo(value, 5)
})
