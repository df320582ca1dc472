/**
 * Where the Temporal server comes from: PATH, our cache, the SDK's own download, or a build with Go. The first that works wins,
 * and what was downloaded or built stays in the cache, outside the checkout.
 */
import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, UserError } from '../../shared/errors.ts'
import { acquireLock } from './lock.ts'
import { hasCode, tailOf } from './processes.ts'

/** The newest version of the command line tool that `go install` can build. */
const version = '1.5.1'
const goPackage = `github.com/temporalio/cli/cmd/temporal@v${version}`
/** Updates, worker versioning and our search attributes need a server at least this new. */
const oldestServer = [1, 28]
const buildPatienceMs = 30 * 60_000

export interface BinaryOptions {
  onProgress?: (message: string) => void
  env?: NodeJS.ProcessEnv
}

export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'sparring')
}

/** The path of a working `temporal` program; finds, downloads or builds it. */
export async function ensureTemporal({
  onProgress = () => undefined,
  env = process.env,
}: BinaryOptions): Promise<string> {
  const installed = onPath('temporal', env)
  if (installed !== null) {
    const problem = problemWith(installed)
    if (problem === null) return installed
    onProgress(`Temporal: ${installed} is on PATH but ${problem}; looking further`)
  }
  const folder = path.join(cacheFolder(env), `temporal-${version}`)
  const cached = path.join(folder, 'temporal')
  if (isUsable(cached)) return cached

  makeFolder(folder)
  const lock = await acquireLock(`${folder}.lock`, 'fetching the Temporal server', {
    waitMs: buildPatienceMs,
    onWait: (holder) => onProgress(`Temporal: waiting for ${holder}`),
  })
  try {
    if (isUsable(cached)) return cached // the one we waited for made it
    const missing = (await download(folder, cached, onProgress, env))
      ? null
      : await build(folder, cached, onProgress, env)
    if (missing === null && isUsable(cached)) return cached
    throw new UserError(
      missing ?? `The Temporal server was fetched to ${cached}, but ${problemWith(cached) ?? 'cannot be used'}.`,
      'Install Go (https://go.dev/dl) or the Temporal CLI (https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS to a server of your own; then start again.',
    )
  } finally {
    lock.release()
  }
}

function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true })
    fs.accessSync(folder, fs.constants.W_OK)
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOSPC')) throw error
    throw new UserError(
      `The cache folder ${folder} cannot be written: ${messageOf(error)}`,
      'Mend its owner or permissions, free disk space, or set XDG_CACHE_HOME to another folder.',
    )
  }
}

function isUsable(file: string): boolean {
  return fs.existsSync(file) && problemWith(file) === null
}

/** Why a binary cannot be used, or null. */
function problemWith(file: string): string | null {
  const run = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 20_000 })
  if (run.status !== 0) return `does not run (${run.error?.message ?? run.signal ?? `exit code ${run.status}`})`
  const server = /Server (\d+)\.(\d+)/.exec(run.stdout)
  if (server === null) return `does not say its server's version (${run.stdout.trim()})`
  const [major, minor] = [Number(server[1]), Number(server[2])]
  const [needMajor = 0, needMinor = 0] = oldestServer
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return null
  return `its server is ${major}.${minor}, older than ${oldestServer.join('.')}`
}

/** The first executable of this name on PATH. */
export function onPath(name: string, env: NodeJS.ProcessEnv): string | null {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter).filter(Boolean)) {
    const file = path.join(folder, name)
    try {
      fs.accessSync(file, fs.constants.X_OK)
      if (fs.statSync(file).isFile()) return file
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) throw error
    }
  }
  return null
}

/** The SDK can only download by starting a server, and may hang without a network: so in a process that we can bound. */
async function download(
  folder: string,
  target: string,
  onProgress: (message: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const draft = path.join(folder, `download-${randomUUID()}`)
  const log = path.join(folder, 'download.log')
  fs.mkdirSync(draft)
  onProgress('Temporal: downloading the server …')
  try {
    const script = fileURLToPath(new URL('./temporal-download.mjs', import.meta.url))
    const ended = await runLogged(process.execPath, [script, draft], log, env, (elapsed) => {
      if (elapsed > 240_000 || (elapsed > 30_000 && fs.readdirSync(draft).length === 0)) return 'stop'
      onProgress(`Temporal: downloading the server … ${clock(elapsed)}`)
      return 'wait'
    })
    const [file] = fs.readdirSync(draft).filter((name) => isUsable(path.join(draft, name)))
    if (ended === null && file !== undefined) {
      fs.renameSync(path.join(draft, file), target)
      return true
    }
    onProgress(`Temporal: no download (${tailOf(log, 1).slice(0, 160)})`)
    return false
  } finally {
    fs.rmSync(draft, { recursive: true, force: true })
  }
}

/** Builds with Go; null, or what stood in the way. */
async function build(
  folder: string,
  target: string,
  onProgress: (message: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<string | null> {
  const go = onPath('go', env)
  if (go === null)
    return 'The Temporal server is not here: no `temporal` on PATH, no download, and no Go tool chain to build it.'
  const draft = path.join(folder, `build-${randomUUID()}`)
  const log = path.join(folder, 'build.log')
  fs.mkdirSync(draft)
  onProgress('Temporal: building the server with Go (3 to 7 minutes, once) …')
  try {
    const ended = await runLogged(go, ['install', goPackage], log, { ...env, GOBIN: draft }, (elapsed) => {
      if (elapsed > buildPatienceMs) return 'stop'
      onProgress(`Temporal: building the server with Go … ${clock(elapsed)}`)
      return 'wait'
    })
    if (ended !== null) {
      return `The Temporal server could not be built: go install ${goPackage} (${ended}). The end of its log, ${log}:\n${tailOf(log)}`
    }
    fs.renameSync(path.join(draft, 'temporal'), target)
    return null
  } finally {
    fs.rmSync(draft, { recursive: true, force: true })
  }
}

/** Runs a program with its output in a log, asking every ten seconds whether to go on; null, or how it failed. */
async function runLogged(
  command: string,
  args: string[],
  log: string,
  env: NodeJS.ProcessEnv,
  tick: (elapsedMs: number) => 'wait' | 'stop',
): Promise<string | null> {
  const out = fs.openSync(log, 'w')
  const started = Date.now()
  const child = spawn(command, args, { env, stdio: ['ignore', out, out] })
  const timer = setInterval(() => {
    if (tick(Date.now() - started) === 'stop') child.kill('SIGKILL')
  }, 10_000)
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code}`)))
    })
  } finally {
    clearInterval(timer)
    fs.closeSync(out)
  }
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
