/** `sparring model`, without a network. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { root, sparring } from './support.ts'

const fixtures = path.join(root, 'tests', 'parity', 'fixtures')
const temporary = mkdtempSync(path.join(os.tmpdir(), 'sparring-model-'))
afterAll(() => rmSync(temporary, { recursive: true }))

test('show says what a folder holds, its tokenizer and template included', async () => {
  cpSync(path.join(fixtures, 'variants', 'qwen3'), temporary, { recursive: true })
  cpSync(path.join(fixtures, 'tokenizers', 'qwen2'), temporary, { recursive: true })
  const { code, stdout } = await sparring(['model', 'show', temporary, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    source: temporary,
    architecture: 'qwen3',
    parameters: 13_448,
    layers: 2,
    width: 24,
    hidden: 40,
    heads: 4,
    keyValueHeads: 2,
    headSize: 8,
    vocabulary: 61,
    context: 160,
    tokenizer: { tokens: 647, chatTemplate: true, stopTokens: ['<|endoftext|>', '<|im_end|>'] },
  })
})

test('show reads a model without a tokenizer, and says so', async () => {
  const { code, stdout } = await sparring(['model', 'show', path.join(fixtures, 'variants', 'llama.gguf')])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^architecture +llama$/m)
  expect(stdout).toMatch(/^tokenizer +not read: .*tokenizer\.ggml\.model/m)
})

test.each([
  [['show', 'nowhere'], /nowhere.*\n.*a folder with config\.json, or a \.gguf file/],
  [['show', path.join(fixtures, 'tokenizers', 'qwen2.gguf')], /block_count/],
  [['fetch', 'smolm2-135m'], /no model smolm2-135m\n.*did you mean smollm2-135m/],
])('%j is an error that says what to change', async (args, message) => {
  const { code, stderr } = await sparring(['model', ...args])
  expect(stderr).toMatch(message)
  expect(code).toBe(2)
})
