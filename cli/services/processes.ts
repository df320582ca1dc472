/**
 * Processes that outlive the command that started them. A pid alone proves nothing, because the system hands old pids to new
 * processes; a pid with its start time names one process for ever.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'

export interface ProcessHandle {
  pid: number
  startTime: string
}

const linux = process.platform === 'linux'

/** When the process with this pid was started, in a form unique over reboots; null when no such process lives (zombies do not). */
export function startTimeOf(pid: number): string | null {
  return linux ? startTimeFromProc(pid) : startTimeFromPs(pid)
}

function startTimeFromProc(pid: number): string | null {
  const stat = readIfThere(`/proc/${pid}/stat`)
  if (stat === null) return null
  // pid (name) state ppid …: the name may hold spaces and brackets, so fields count from the last bracket; start time is the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[19]]
  if (state === 'Z' || state === 'X' || startTicks === undefined) return null
  return `${bootId()}:${startTicks}`
}

function startTimeFromPs(pid: number): string | null {
  const line = psColumn(pid, 'stat=,lstart=')
  if (line === null || line.startsWith('Z')) return null
  return line.replace(/^\S+\s+/, '')
}

function psColumn(pid: number, columns: string): string | null {
  try {
    return execFileSync('ps', ['-p', String(pid), '-o', columns], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 1) return null // ps found no such process
    throw error
  }
}

let cachedBootId: string | undefined
function bootId(): string {
  cachedBootId ??= (readIfThere('/proc/sys/kernel/random/boot_id') ?? 'unknown').trim()
  return cachedBootId
}

/** A file's text, or null when it is not there (or, under /proc, when its process ended while we read). */
export function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'ENOTDIR')) return null
    throw error
  }
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

export function handleOf(pid: number): ProcessHandle | null {
  const startTime = startTimeOf(pid)
  return startTime === null ? null : { pid, startTime }
}

export function ownHandle(): ProcessHandle {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? 'unknown' }
}

export function isAlive(handle: ProcessHandle | null | undefined): handle is ProcessHandle {
  return handle !== null && handle !== undefined && startTimeOf(handle.pid) === handle.startTime
}

/** The command line of a process as one string; null when it is gone. */
export function commandLineOf(pid: number): string | null {
  if (!linux) return psColumn(pid, 'command=')
  const line = readIfThere(`/proc/${pid}/cmdline`)
  return line === null || line === '' ? null : line.replaceAll('\0', ' ').trim()
}

export interface SpawnOptions {
  command: string
  args: string[]
  cwd: string
  logFile: string
  env?: NodeJS.ProcessEnv
  uid?: number
  gid?: number
}

/** Starts a process in a session of its own, so that neither Ctrl-C here nor our end reaches it; its output goes to the log file. */
export function spawnDetached(options: SpawnOptions): ChildProcess {
  const log = fs.openSync(options.logFile, 'a')
  try {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['ignore', log, log],
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    })
    child.unref()
    return child
  } finally {
    fs.closeSync(log)
  }
}

/** Asks with the given signals, one after the other, until the process has ended. Never signals a pid that was handed on. */
export async function stopProcess(
  handle: ProcessHandle,
  steps: readonly (readonly [NodeJS.Signals, number])[],
): Promise<void> {
  for (const [signal, patienceMs] of steps) {
    if (!isAlive(handle)) return
    try {
      process.kill(handle.pid, signal)
    } catch (error) {
      if (hasCode(error, 'ESRCH')) return
      throw error
    }
    if (await until(() => !isAlive(handle), patienceMs)) return
  }
  throw new Error(`process ${handle.pid} did not end after ${steps.map(([signal]) => signal).join(', ')}`)
}

/** Polls a condition; false when it did not hold within the time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  everyMs = 50,
): Promise<boolean> {
  const deadline = Date.now() + withinMs
  for (;;) {
    if (await condition()) return true
    if (Date.now() >= deadline) return false
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** The last lines of a log, for an error message. */
export function tailOf(file: string, lines = 12): string {
  const text = readIfThere(file)
  return text === null ? '(no log)' : text.trimEnd().split('\n').slice(-lines).join('\n')
}
