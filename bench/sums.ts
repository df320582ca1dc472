/** A task score for `bench -- quality`: sums that a small pretrained model completes, behind a few worked ones. */
import { createTokenizer, readTokenizer, StoredSampler } from '../engine/index.ts'
import type { Precision } from '../engine/sampling/projection.ts'
import type { StoredModel } from '../engine/sampling/stored-graphs.ts'
import { Stream } from '../shared/random.ts'

const WORKED = 8
const LARGEST = 20
const ROWS = 32
/** Whatever the tokenizer does with digits, a sum and the end of its line have no more tokens. */
const ANSWER_TOKENS = 8

export interface Sum {
  readonly left: number
  readonly right: number
}

/** All sums of two numbers from 1 to LARGEST, in an order that never changes. */
export function sums(): Sum[] {
  const order = new Stream('sums').permutation(LARGEST * LARGEST)
  return order.map((place) => ({ left: 1 + Math.floor(place / LARGEST), right: 1 + (place % LARGEST) }))
}

/** What the model completes: a few worked sums, then one without its result. */
export function sumPrompt({ left, right }: Sum, worked: readonly Sum[]): string {
  const lines = worked.map((sum) => `${sum.left} + ${sum.right} = ${sum.left + sum.right}\n`)
  return `${lines.join('')}${left} + ${right} =`
}

/** The rest of the line is the sum and nothing else. */
export function isSum({ left, right }: Sum, completion: string): boolean {
  return completion.split('\n')[0]?.trim() === String(left + right)
}

/** For each sum but those worked before it: is the model's most likely text right, decoded with weights of this precision? */
export async function solvedSums(file: string, stored: StoredModel, precision: Precision): Promise<boolean[]> {
  const tokenizer = createTokenizer(await readTokenizer(file))
  const [worked, asked] = [sums().slice(0, WORKED), sums().slice(WORKED)]
  const prompts = asked.map((sum) => tokenizer.encode(sumPrompt(sum, worked)))
  const capacity = Math.max(...prompts.map(({ length }) => length)) + ANSWER_TOKENS
  const sampler = await StoredSampler.create({ ...stored, rows: ROWS, capacity, temperature: 0, precision })
  const request = { samplesPerPrompt: 1, maximumNewTokens: ANSWER_TOKENS, uniforms: new Float32Array() }
  const { completions } = await sampler.sample({ prompts, stopTokens: tokenizer.stopTokens, ...request })
  await sampler.close()
  return asked.map((sum, index) => isSum(sum, tokenizer.decode(completions[index] ?? [])))
}
