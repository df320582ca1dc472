/** Content-addressed files: written whole or not at all, named by their hash, verified whenever they are read. */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface WeightsReference {
  readonly path: string
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

export interface StoredFile extends WeightsReference {
  readonly bytes: number
}

/** A file whose bytes are not those that its reference names. */
export class CorruptWeightsError extends Error {
  override readonly name = 'CorruptWeightsError'
}

/** A file that is not there. */
export class MissingWeightsError extends Error {
  override readonly name = 'MissingWeightsError'
}

/** Stores bytes as <directory>/<sha256>.safetensors. */
export function storeWeights(directory: string, bytes: Uint8Array): Promise<StoredFile> {
  return storeFile(directory, bytes, 'safetensors')
}

/**
 * Stores bytes as <directory>/<sha256>.<extension>. Temporary file, fsync, rename, fsync of the directory: after a crash at any
 * instant the name either does not exist or holds all the bytes.
 */
export async function storeFile(directory: string, bytes: Uint8Array, extension: string): Promise<StoredFile> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const path = join(directory, `${sha256}.${extension}`)
  await mkdir(directory, { recursive: true })
  const temporary = join(directory, `.${sha256}.${randomUUID()}.partial`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(directory)
  return { path, sha256, bytes: bytes.length }
}

/** The bytes of a stored file. Throws MissingWeightsError or CorruptWeightsError, both naming the file. */
export async function readStoredWeights({ path, sha256 }: WeightsReference): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw missing(error, path)
  }
  requireHash(createHash('sha256').update(bytes).digest('hex'), { path, sha256 })
  return bytes
}

/** Checks a stored file too large to be read at once. Throws MissingWeightsError or CorruptWeightsError, both naming the file. */
export async function verifyStoredWeights({ path, sha256 }: WeightsReference): Promise<void> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk)
  } catch (error) {
    throw missing(error, path)
  }
  requireHash(hash.digest('hex'), { path, sha256 })
}

function missing(error: unknown, path: string): unknown {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
  return isMissing ? new MissingWeightsError(`there is no weights file ${path}`) : error
}

function requireHash(actual: string, { path, sha256 }: WeightsReference): void {
  if (actual !== sha256) throw new CorruptWeightsError(`${path} has sha256 ${actual}, expected ${sha256}`)
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory; its rename is durable without.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
