/** `npm run bench -- devices`: a training step and decoding on several devices of one machine, and whether they repeat themselves. */
import { execFileSync } from 'node:child_process'
import { z } from 'zod'
import { type Device, initialiseLlama, StoredSampler } from '../engine/index.ts'
import { UserError } from '../shared/errors.ts'
import { median } from './compare.ts'
import { provenance } from './results.ts'
import { LONGEST, promptLengths, prompts } from './sample.ts'
import { trainingShapes, type TrainingShape } from './shapes.ts'
import { openTraining } from './training.ts'

/** Of one call; the state comes back to JavaScript at its end. */
const STEPS = 4
const NEW_TOKENS = 64

export const deviceRow = z.object({
  shape: z.string(),
  work: z.enum(['training', 'sampling']),
  device: z.string(),
  threads: z.number(),
  /** Of the batch, or decoded together. */
  batchRows: z.number(),
  /** Tokens per second, medians of the rounds: of training all that are read, of sampling all that are made. */
  tokensPerSecond: z.number(),
  /** Whether a second session made the same bytes from the same start. */
  repeats: z.boolean(),
  /** What the driver calls the device; of the CPU its name. */
  card: z.string(),
  commit: z.string(),
  machine: z.string(),
})
export type DeviceRow = z.infer<typeof deviceRow>

export const deviceKey = ({ shape, work, device, batchRows, card }: DeviceRow): string =>
  JSON.stringify([shape, work, batchRows, card, device])

export interface DevicesOptions {
  readonly devices: readonly Device[]
  readonly shapes: readonly string[]
  readonly batch: readonly number[]
  /** Of the CPU, also beside another device. */
  readonly threads: number
  readonly rounds: number
  readonly say: (line: string) => void
}

interface Plan {
  readonly device: Device
  readonly threads: number
  readonly rounds: number
}

/** What one session made, and the seconds of each round after the first. */
interface Session {
  readonly made: ArrayLike<number>
  readonly seconds: readonly number[]
}

export async function benchDevices(options: DevicesOptions): Promise<DeviceRow[]> {
  const rows: DeviceRow[] = []
  for (const name of options.shapes) {
    const shape = trainingShapes[name]
    if (shape === undefined) {
      throw new UserError(`there is no shape '${name}'`, `choose from ${Object.keys(trainingShapes).join(', ')}`)
    }
    for (const device of options.devices) {
      const plan: Plan = { ...options, device }
      const common = { shape: name, device, threads: options.threads, card: cardOf(device), ...provenance() }
      const add = async (
        work: DeviceRow['work'],
        batchRows: number,
        tokens: number,
        session: () => Promise<Session>,
      ): Promise<void> => {
        const [one, other] = [await session(), await session()]
        const tokensPerSecond = tokens / median([...one.seconds, ...other.seconds])
        const repeats = sameNumbers(one.made, other.made)
        const row = { ...common, work, batchRows, tokensPerSecond, repeats }
        options.say(
          `${name}, ${work} × ${batchRows} on ${device}: ${tokensPerSecond.toFixed(0)} tokens/s, ${said(repeats)}`,
        )
        rows.push(row)
      }
      await add('training', shape.batchRows, STEPS * shape.batchRows * (shape.length - 1), () => train(shape, plan))
      for (const batchRows of options.batch) {
        await add('sampling', batchRows, batchRows * NEW_TOKENS, () => sample(shape, batchRows, plan))
      }
    }
  }
  return rows
}

async function train(shape: TrainingShape, { device, threads, rounds }: Plan): Promise<Session> {
  const training = await openTraining({ ...shape, device, threads, stepsPerCall: STEPS })
  const seconds = await timed(rounds, () => training.steps(STEPS))
  const made = training.weights()
  await training.close()
  return { made, seconds }
}

async function sample(
  { model }: TrainingShape,
  batchRows: number,
  { device, threads, rounds }: Plan,
): Promise<Session> {
  const weights = initialiseLlama(model, 'bench')
  const sampler = await StoredSampler.create({
    model,
    weights,
    rows: batchRows,
    capacity: LONGEST + NEW_TOKENS,
    temperature: 0,
    device,
    threads,
  })
  const next = prompts(batchRows, model.vocabulary)
  const request = { samplesPerPrompt: 1, stopTokens: [], uniforms: new Float32Array(), maximumNewTokens: NEW_TOKENS }
  const made: number[] = []
  const seconds = await timed(rounds, async () => {
    const { completions } = await sampler.sample({ ...request, prompts: next() })
    made.push(...completions.flat(2))
  })
  await sampler.close()
  return { made, seconds }
}

/** Seconds of each round; the first one, which warms up, does not count. */
async function timed(rounds: number, work: () => Promise<unknown>): Promise<number[]> {
  const seconds: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now()
    await work()
    seconds.push((performance.now() - began) / 1000)
  }
  return seconds.slice(1)
}

function sameNumbers(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  return one.length === other.length && Array.from(one).every((value, index) => Object.is(value, other[index]))
}

/** The card's name where NVIDIA's tool is there to say it. */
function cardOf(device: Device): string {
  if (device === 'cpu') return 'CPU'
  const index = device.split(':')[1] ?? '0'
  try {
    const query = ['--query-gpu=name', '--format=csv,noheader', `--id=${index}`]
    return execFileSync('nvidia-smi', query, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown card'
  }
}

const said = (repeats: boolean): string => (repeats ? 'repeats itself' : 'does NOT repeat itself')

/** The table that docs/performance.md shows. */
export function devicesTable(rows: readonly DeviceRow[]): string {
  const header = ['shape', 'work', 'rows', 'device', 'tokens/s', 'of the CPU', 'same bytes again']
  const lines = rows.map((row) => {
    const cpu = rows.find(
      ({ device, shape, work, batchRows, machine }) =>
        device === 'cpu' &&
        shape === row.shape &&
        work === row.work &&
        batchRows === row.batchRows &&
        machine === row.machine,
    )
    return [
      row.shape,
      row.work,
      row.batchRows,
      row.device,
      Math.round(row.tokensPerSecond),
      cpu === undefined ? '–' : `${Number((row.tokensPerSecond / cpu.tokensPerSecond).toPrecision(2))} ×`,
      row.repeats ? 'yes' : 'no',
    ]
  })
  const table = [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const cards = [...new Set(rows.filter(({ device }) => device !== 'cpu').map(({ card }) => card))]
  const threads = [...new Set(rows.map((row) => row.threads))].join(', ')
  return `${table}

Medians of rounds in two sessions each, one device after the other. Training: tokens read by forward, backward and AdamW, float32, ${STEPS} steps a call. Sampling: new tokens over the whole time, prompts of ${promptLengths(8)[0] ?? 0} to ${LONGEST} tokens included, greedy, ${NEW_TOKENS} tokens each. The CPU works with ${threads} threads. Cards: ${cards.join('; ') || 'none'}. Commit ${[...new Set(rows.map((row) => row.commit))].join(', ')}, ${[...new Set(rows.map((row) => row.machine))].join('; ')}.`
}
