/**
 * Which operators of the graphs that we ship a device runs itself, and which fall back to the CPU: small forms of every graph are
 * run on the device with the runtime's profile on, and beside it on the CPU. As a program it prints the reports of a device as
 * JSON, for a driver that does not fit may end the process:
 *
 *   node --import tsx engine/examine.ts webgpu
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Engine } from './engine.ts'
import { initialiseLlama, type LlamaConfig } from './models/llama.ts'
import { network, type NetworkSpec } from './models/network.ts'
import { adamw } from './optimizers/schedule.ts'
import { uniforms } from './random/philox.ts'
import { type Device, DeviceError, isDevice } from './runtime/device.ts'
import type { SessionOptions } from './runtime/session.ts'
import { NetworkTrainer } from './training/network-trainer.ts'
import type { TrainingRow } from './training/rows.ts'
import { Trainer } from './training/trainer.ts'

export interface DeviceReport {
  /** What the graph does. */
  readonly graph: string
  /** Nodes that ran, without copies between device and host. */
  readonly nodes: number
  /** How many of them ran on the CPU, by operator. */
  readonly fallback: Readonly<Record<string, number>>
  /** Nodes that copy between device and host. */
  readonly copies: number
  /** The largest difference of an output from the CPU's, over the largest output. */
  readonly difference: number
}

const model: LlamaConfig = {
  vocabulary: 32,
  width: 32,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  hidden: 48,
  ropeTheta: 1000,
  context: 32,
  normEpsilon: 1e-5,
}
const weights = initialiseLlama(model, 'examine')
const tokens = Array.from({ length: 12 }, (_, index) => (7 * index + 3) % 32)
const image: NetworkSpec = {
  kind: 'sequence',
  parts: [
    {
      kind: 'convolution',
      input: [1, 9, 9],
      layers: [{ channels: 4, taps: 3, stride: 2, padding: 1 }],
      activation: 'relu',
      flatten: true,
    },
    { kind: 'mlp', inputs: 100, hidden: [16], outputs: 3, activation: 'gelu', layerNorm: true },
  ],
}
const series: NetworkSpec = { kind: 'gru', steps: 4, inputs: 3, hidden: 5, gives: 'last' }

type Numbers = ArrayLike<number>

async function trainModel(options: SessionOptions): Promise<Numbers> {
  const old = Array.from({ length: 8 }, () => -3)
  const common = { tokens, completionFrom: 4, advantage: 0.5, old, reference: old } as const
  const rows: TrainingRow[] = [
    { ...common, kind: 'supervised' },
    { ...common, kind: 'reinforced' },
  ]
  const trainer = await Trainer.create({
    ...options,
    model,
    weights,
    loss: [
      { term: 'nll', weight: 1 },
      { term: 'policy-gradient', weight: 1, ratio: 'token', clip: 0.2, klInAdvantage: 0 },
      { term: 'kl', weight: 0.1 },
    ],
    optimizer: adamw(1e-3, { clipNorm: 1, weightDecay: 0.1 }),
    length: 12,
  })
  // Not the weights: Adam makes full steps of gradients that are nothing but rounding.
  const steps = await trainer.step([rows, rows])
  await trainer.close()
  return steps.flatMap(({ loss, gradientNorm }) => [loss, gradientNorm])
}

const sampleModel = (temperature: number) =>
  withEngine(async (engine) => {
    const shape = { promptLength: 8, batch: 2, samplesPerPrompt: 2, maximumNewTokens: 6 }
    const prompts = [tokens.slice(0, 8), tokens.slice(3, 6)]
    const chance = { temperature, uniforms: uniforms('examine', 24), stopTokens: [], padToken: 0 }
    return (await engine.sample({ model, weights, prompts, ...shape, ...chance })).completions.flat()
  })

const scoreModel = withEngine(async (engine) => {
  const rows = [{ tokens, completionFrom: 1 }]
  const [scores] = await engine.score({ model, weights, rows, length: 12, batch: 1, padToken: 0 })
  return scores ?? []
})

async function trainNetwork(spec: NetworkSpec, options: SessionOptions): Promise<Numbers> {
  const { input, output, initialise } = network(spec)
  const size = (shape: readonly number[]): number => shape.reduce((product, count) => product * count, 4)
  const plan = { network: spec, head: { kind: 'regression' }, optimizer: adamw(1e-3), batchRows: 4 } as const
  const trainer = await NetworkTrainer.create({ ...plan, averageDecay: 0.9 }, initialise('examine'), options)
  const batch = { x: uniforms('x', size(input)), target: uniforms('y', size(output)) }
  await trainer.step([batch, batch])
  await trainer.close()
  return trainer.weights()
}

const runNetwork = withEngine((engine) =>
  engine.runNetwork({ network: image, weights: network(image).initialise('examine'), x: uniforms('x', 4 * 81) }),
)

const EXERCISES: Readonly<Record<string, (options: SessionOptions) => Promise<Numbers>>> = {
  'train a language model': trainModel,
  'sample from it': sampleModel(1),
  'sample greedily': sampleModel(0),
  'score with it': scoreModel,
  'train a convolutional network': (options) => trainNetwork(image, options),
  'train a recurrent network': (options) => trainNetwork(series, options),
  'run a network': runNetwork,
}

/** Throws DeviceError where the device cannot be used at all. */
export async function examineDevice(device: Device): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  for (const [graph, exercise] of Object.entries(EXERCISES)) {
    const profile = mkdtempSync(join(tmpdir(), 'sparring-examine-'))
    try {
      const actual = await exercise({ device, profile })
      const difference = largestDifference(actual, await exercise({ device: 'cpu' }))
      reports.push({ graph, ...placement(profile), difference })
    } finally {
      rmSync(profile, { recursive: true, force: true })
    }
  }
  return reports
}

function withEngine(work: (engine: Engine) => Promise<Numbers>): (options: SessionOptions) => Promise<Numbers> {
  return async (options) => {
    const engine = new Engine(options)
    const result = await work(engine)
    await engine.close()
    return result
  }
}

function largestDifference(actual: Numbers, expected: Numbers): number {
  const sizes = Array.from(expected, Math.abs)
  const differences = Array.from(actual, (value, index) => Math.abs(value - (expected[index] ?? Number.NaN)))
  return Math.max(...differences) / Math.max(...sizes)
}

/** Where the nodes of all profiles in a folder ran. A node counts once, however often a loop runs it. */
function placement(folder: string): Pick<DeviceReport, 'nodes' | 'fallback' | 'copies'> {
  const nodes = new Map<string, { op: string; provider: string }>()
  for (const file of readdirSync(folder)) {
    const events: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    if (!Array.isArray(events)) continue
    for (const event of events) {
      if (isNode(event)) nodes.set(event.name, { op: event.args.op_name, provider: event.args.provider })
    }
  }
  const all = [...nodes.values()]
  const computing = all.filter(({ op }) => !op.startsWith('Memcpy'))
  const onCpu = computing.filter(({ provider }) => provider === 'CPUExecutionProvider')
  const fallback: Record<string, number> = {}
  for (const { op } of onCpu) fallback[op] = (fallback[op] ?? 0) + 1
  return { nodes: computing.length, fallback, copies: all.length - computing.length }
}

interface NodeEvent {
  readonly name: string
  readonly args: { readonly op_name: string; readonly provider: string }
}

function isNode(event: unknown): event is NodeEvent {
  if (typeof event !== 'object' || event === null || !('name' in event) || !('args' in event)) return false
  const { args } = event
  return typeof args === 'object' && args !== null && 'op_name' in args && 'provider' in args
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const device = process.argv[2] ?? 'cpu'
  try {
    if (!isDevice(device)) throw new DeviceError(`there is no device ${device}: cpu, cuda, cuda:1 or webgpu`)
    console.log(JSON.stringify({ reports: await examineDevice(device) }))
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error
    console.log(JSON.stringify({ unusable: error.message }))
  }
}
