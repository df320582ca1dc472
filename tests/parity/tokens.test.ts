/** Token ids, decoded texts and chats beside transformers (scripts/parity/tokens.py). */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type ChatMessage, createTokenizer, parseTokenizerFile, readTokenizer } from '../../engine/index.ts'

interface Expected {
  /** Of all texts. */
  readonly tokens: number
  /** Eight digits of a hash for each text. */
  readonly encoded: string
  readonly decoded: string
  readonly chats?: readonly { readonly messages: ChatMessage[]; readonly tokens: number[] }[]
  readonly stop?: number[]
}

const folder = fileURLToPath(new URL('./fixtures/tokenizers', import.meta.url))
const texts: string[] = JSON.parse(readFileSync(path.join(folder, 'texts.json'), 'utf8'))
const expected: Record<string, Expected> = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8'))

const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'sparring', 'models')
const smollm2 = process.env['SPARRING_SMOLLM2'] ?? path.join(cache, 'SmolLM2-135M-Instruct.Q4_1.gguf')
if (!existsSync(smollm2))
  console.warn(`skipped: SmolLM2's own tokens, as there is no ${smollm2} (sparring model fetch)`)

const SOURCES = [
  ...['llama3', 'qwen2', 'smollm2', 'llama2'].flatMap((name) => [
    { name, file: name },
    { name, file: `${name}.gguf` },
  ]),
  { name: 'default', file: 'default.gguf' },
].map(({ name, file }) => ({ name, source: path.join(folder, file) }))
if (existsSync(smollm2)) SOURCES.push({ name: 'SmolLM2-135M-Instruct', source: smollm2 })

const hash = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex').slice(0, 8)
const hashes = (joined = ''): string[] => joined.match(/.{8}/g) ?? []
const bytesOf = (ids: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(ids).buffer)

describe.each(await Promise.all(SOURCES.map(async (one) => ({ ...one, file: await readTokenizer(one.source) }))))(
  '$source',
  ({ name, file, source }) => {
    const known = expected[name]
    const tokenizer = createTokenizer(parseTokenizerFile(JSON.stringify(file), source))
    const ids = texts.map((text) => tokenizer.encode(text))

    it('encodes 1,000 texts as transformers does', () => {
      const wrong = hashes(known?.encoded).flatMap((one, index) =>
        hash(bytesOf(ids[index] ?? [])) === one ? [] : [texts[index]],
      )
      expect(wrong).toEqual([])
      expect(ids.flat()).toHaveLength(known?.tokens ?? 0)
    })

    it('decodes every second token of each, whole characters or not, as transformers does', () => {
      const found = ids.map((row) => tokenizer.decode(row.filter((_, index) => index % 2 === 0)))
      const wrong = hashes(known?.decoded).flatMap((one, index) =>
        hash(found[index] ?? '') === one ? [] : [found[index]],
      )
      expect(wrong).toEqual([])
    })

    it.each(known?.chats ?? [])('has the prompt of transformers for $messages', ({ messages, tokens }) => {
      expect(tokenizer.chat(messages)).toEqual(tokens)
    })

    it('stops where the model does', () => {
      expect(tokenizer.stopTokens).toEqual(expect.arrayContaining(known?.stop ?? []))
    })
  },
)
