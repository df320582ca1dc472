/**
 * Every graph that the engine ships, whole and at sizes that are split over threads: training on each kind of row, training of an
 * adapter, scoring, sampling from weights that are fed and from stored ones, a small network. Run as a program with a number of threads it prints
 * the hash of what each gave.
 */
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import {
  adamw,
  buildTrainer,
  Engine,
  initialiseLlama,
  initialiseLora,
  type LlamaConfig,
  losses,
  type HeadSpec,
  type LossSpec,
  network,
  type NetworkSpec,
  NetworkTrainer,
  StoredSampler,
  Trainer,
  type TrainingRow,
} from '../../../engine/index.ts'
import { uniforms } from '../../../engine/random/philox.ts'
import { OPTIMIZER } from './support.ts'

const model: LlamaConfig = {
  vocabulary: 300,
  width: 96,
  layers: 2,
  heads: 6,
  keyValueHeads: 2,
  hidden: 200,
  ropeTheta: 1000,
  context: 192,
  normEpsilon: 1e-5,
}
const weightsOf = (config: LlamaConfig): Float32Array =>
  initialiseLlama(config, 'determinism').map((weight) => (weight === 1 ? 1 : 5 * weight))
const weights = weightsOf(model)
const plain = { model, weights }
/** With all that a relative of Llama may have. */
const variant: LlamaConfig = { ...model, headSize: 24, untiedHead: true, attentionBias: true, queryKeyNorm: true }
const relative = { model: variant, weights: weightsOf(variant) }
const draws = uniforms('determinism', 200_000)
const tokens = (length: number, salt: number): number[] =>
  Array.from({ length }, (_, index) => Math.floor(300 * (draws[(97 * salt + index) % draws.length] ?? 0)))

/** Rows of many lengths, in several parts. */
function rowsOf(kind: TrainingRow['kind'], count: number): TrainingRow[] {
  return Array.from({ length: count }, (_, index): TrainingRow => {
    const length = 20 + ((37 * index) % 60)
    const common = { tokens: tokens(length, index), completionFrom: 5 + (index % 7), kind, advantage: (index % 3) - 1 }
    const known = Array.from({ length: length - common.completionFrom }, (_, place) => -4 - (place % 3) / 10)
    if (kind === 'supervised') return common
    if (kind === 'reinforced') return { ...common, old: known, reference: known }
    if (kind === 'regressed') return { ...common, reference: known, target: 0.5 - (index % 2) }
    const pair = { id: String(index >> 1), side: index % 2 === 0 ? 'chosen' : 'rejected' } as const
    return { ...common, reference: known, pair }
  })
}

interface Training {
  readonly loss: LossSpec
  readonly rows: TrainingRow[]
  readonly of: typeof plain
}

const trainings: Readonly<Record<string, Training>> = {
  'likelihood and policy gradient': {
    loss: [
      { term: 'nll', weight: 0.5 },
      { term: 'policy-gradient', weight: 1, ratio: 'token', clip: 0.2, klInAdvantage: 0.1 },
      { term: 'reinforce', weight: 0.2 },
      { term: 'kl', weight: 0.1 },
    ],
    rows: [...rowsOf('supervised', 24), ...rowsOf('reinforced', 24)],
    of: plain,
  },
  'regression and pairs': {
    loss: [
      { term: 'log-ratio-regression', weight: 1 },
      { term: 'pair-logistic', weight: 1, beta: 0.1 },
      { term: 'pair-squared', weight: 0.1, beta: 1 },
    ],
    rows: [...rowsOf('regressed', 24), ...rowsOf('compared', 24)],
    of: plain,
  },
  'likelihood of a relative': {
    loss: [{ term: 'nll', weight: 1 }],
    rows: rowsOf('supervised', 32),
    of: relative,
  },
}

async function train(threads: number, { loss, rows, of }: Training, sideBySide = false): Promise<Float32Array[]> {
  const plan = { loss, optimizer: OPTIMIZER, batchRows: rows.length, length: 80, stepsPerCall: 3, padToken: 0 }
  const trainer = await Trainer.create({ ...plan, ...of, threads })
  await trainer.step([rows, rows.toReversed(), rows], { sideBySide })
  const { weights: learned, m, v } = trainer.state()
  await trainer.close()
  return [learned, m, v]
}

/** Long enough for attention in two blocks. */
async function trainAdapter(threads: number, sideBySide = false): Promise<Float32Array[]> {
  const lora = { rank: 4, alpha: 8, base: weights }
  const rows = rowsOf('supervised', 32)
  const plan = { model, optimizer: OPTIMIZER, batchRows: rows.length, length: 129, stepsPerCall: 3, padToken: 0 }
  const loss: LossSpec = [{ term: 'nll', weight: 1 }]
  const initial = initialiseLora(model, lora, 'determinism')
  const trainer = await Trainer.create({ ...plan, loss, threads, weights: initial, lora })
  await trainer.step([rows, rows.toReversed(), rows], { sideBySide })
  const { weights: learned, m, v } = trainer.state()
  await trainer.close()
  return [learned, m, v]
}

async function score(threads: number): Promise<Float32Array[]> {
  const engine = new Engine({ threads })
  const rows = rowsOf('supervised', 40)
  const scores = await engine.score({ weights, model, rows, length: 80, batch: 16, padToken: 0 })
  await engine.close()
  return scores
}

const prompts = Array.from({ length: 12 }, (_, index) => tokens(3 + ((29 * index) % 70), index))
const request = {
  prompts,
  samplesPerPrompt: 3,
  maximumNewTokens: 24,
  stopTokens: [1],
  uniforms: draws.subarray(0, 36 * 24),
}

async function sample(threads: number, temperature = 1): Promise<Float32Array[]> {
  const engine = new Engine({ threads })
  const { completions } = await engine.sample({
    ...request,
    weights,
    model,
    temperature,
    padToken: 0,
    promptLength: 96,
    batch: 4,
  })
  await engine.close()
  return completions.map((completion) => Float32Array.from(completion))
}

const sampleStored =
  (precision: 'float32' | 'int8') =>
  async (threads: number): Promise<Float32Array[]> => {
    const sampler = await StoredSampler.create({
      model,
      weights,
      rows: 8,
      capacity: 192,
      temperature: 1,
      precision,
      threads,
    })
    const { completions } = await sampler.sample(request)
    await sampler.close()
    return completions.map((completion) => Float32Array.from(completion))
  }

const adapterSpec = { rank: 4, alpha: 8 }
const adapter = initialiseLora(model, adapterSpec, 'determinism').map((value, index) => value + (index % 7) / 100)

async function sampleAdapter(threads: number): Promise<Float32Array[]> {
  const options = { model, weights, rows: 8, capacity: 192, temperature: 0, lora: adapterSpec, threads }
  const sampler = await StoredSampler.create(options)
  const { completions } = await sampler.sample({ ...request, adapter })
  await sampler.close()
  return completions.map((completion) => Float32Array.from(completion))
}

async function scoreAdapter(threads: number): Promise<Float32Array[]> {
  const engine = new Engine({ threads })
  const lora = { ...adapterSpec, base: weights }
  const rows = rowsOf('supervised', 40)
  const scores = await engine.score({ weights: adapter, model, lora, rows, length: 80, batch: 16, padToken: 0 })
  await engine.close()
  return scores
}

async function trainNetwork(threads: number): Promise<Float32Array[]> {
  const net = network({ kind: 'mlp', inputs: 48, hidden: [256, 256], outputs: 8, activation: 'tanh' })
  const rows = 512
  const trainer = await buildTrainer({
    threads,
    inputs: { x: { shape: [rows, 48] }, y: { shape: [rows, 8] } },
    parameters: { net: { layout: net.layout, initial: net.initialise('determinism'), optimizer: adamw(1e-3) } },
    loss: ({ x, y }, parameters) => losses.meanSquaredError(net.forward(parameters.net, x), y),
  })
  const batch = { x: draws.subarray(0, rows * 48), y: draws.subarray(rows * 48, rows * 56) }
  await trainer.step([batch, batch, batch])
  const bytes = trainer.weights('net')
  await trainer.close()
  return [bytes]
}

/** Convolutions, and recurrence read from both ends, each with a head, an average of the weights and a run of what was learnt. */
const trainSpec =
  (spec: NetworkSpec, head: HeadSpec) =>
  async (threads: number): Promise<Float32Array[]> => {
    const { input, output, initialise } = network(spec)
    const rows = 64
    const size = (shape: readonly number[]): number => shape.reduce((product, count) => product * count, rows)
    const plan = { network: spec, head, optimizer: adamw(1e-3, { clipNorm: 1 }), batchRows: rows, averageDecay: 0.9 }
    const trainer = await NetworkTrainer.create(plan, initialise('determinism'), { threads })
    const x = uniforms('x', size(input))
    const label = Int32Array.from({ length: rows }, (_, row) => row % 3)
    const batch = head.kind === 'classification' ? { x, label } : { x, target: uniforms('y', size(output)) }
    await trainer.step([batch, batch])
    const learnt = trainer.weights()
    await trainer.close()
    const engine = new Engine({ threads })
    const found = await engine.runNetwork({ network: spec, weights: learnt, x })
    await engine.close()
    return [learnt, found]
  }

const image: NetworkSpec = {
  kind: 'sequence',
  parts: [
    {
      kind: 'convolution',
      input: [3, 17, 17],
      layers: [{ channels: 16, taps: 3, stride: 2, padding: 1 }],
      activation: 'relu',
      flatten: true,
    },
    { kind: 'mlp', inputs: 16 * 81, hidden: [64], outputs: 3, activation: 'gelu', layerNorm: true },
  ],
}
const series: NetworkSpec = { kind: 'gru', steps: 8, inputs: 24, hidden: 48, gives: 'all', backwards: true }

type Runs = Readonly<Record<string, (threads: number) => Promise<Float32Array[]>>>

const trainingsOf = (sideBySide: boolean): Runs => ({
  ...Object.fromEntries(
    Object.entries(trainings).map(([name, training]) => [
      `training: ${name}`,
      (threads: number) => train(threads, training, sideBySide),
    ]),
  ),
  'training of an adapter': (threads) => trainAdapter(threads, sideBySide),
})

const graphs: Runs = {
  ...trainingsOf(false),
  scoring: score,
  sampling: (threads) => sample(threads),
  'stored sampling, float32': sampleStored('float32'),
  'stored sampling, int8': sampleStored('int8'),
  'sampling, greedily': (threads) => sample(threads, 0),
  'stored sampling, greedily, of an adapter': sampleAdapter,
  'scoring with an adapter': scoreAdapter,
  'training of a network': trainNetwork,
  'a convolutional network': trainSpec(image, { kind: 'classification' }),
  'a recurrent network': trainSpec(series, { kind: 'regression' }),
}

/** For each graph the hash of what it gave. */
export const runAll = (threads: number): Promise<Record<string, string>> => hashesOf(graphs, threads)

/** The same of those that train language models, with the halves of each batch side by side. */
export const trainSideBySide = (): Promise<Record<string, string>> => hashesOf(trainingsOf(true), 1)

async function hashesOf(runs: Runs, threads: number): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const [name, run] of Object.entries(runs)) {
    const hash = createHash('sha256')
    for (const part of await run(threads)) hash.update(part)
    hashes[name] = hash.digest('hex')
  }
  return hashes
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await runAll(Number(process.argv[2]))))
}
