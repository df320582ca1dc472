/** The embedded Temporal of one home: the real server in one process, on 127.0.0.1, its state in <home>/temporal.db. */
import fs from 'node:fs'
import path from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { searchAttributes } from '../../shared/search-attributes.ts'
import { PortTaken } from './ports.ts'
import {
  commandLineOf,
  handleOf,
  isAlive,
  readIfThere,
  spawnDetached,
  stopProcess,
  tailOf,
  until,
  type ProcessHandle,
} from './processes.ts'
import { logFile } from './state.ts'
import { isTemporalReady } from './temporal-connection.ts'

export const namespace = 'default'
const database = (home: string): string => path.join(home, 'temporal.db')
const pidFile = (home: string): string => path.join(home, 'temporal.pid')

/** The server that runs on this home's state, whoever started it; null when none does. */
export function findTemporal(
  home: string,
  recorded: ProcessHandle | null,
): { handle: ProcessHandle; port: number; uiPort: number } | null {
  const pid = readIfThere(pidFile(home))
  const handle = pid === null ? (isAlive(recorded) ? recorded : null) : handleOf(Number(pid))
  const command = handle === null ? null : commandLineOf(handle.pid)
  // The pid may have been handed to another process: ours names this home's state file.
  if (handle === null || command === null || !command.includes(` ${database(home)} `)) return null
  const [port, uiPort] = [/ --port (\d+)/.exec(command)?.[1], / --ui-port (\d+)/.exec(command)?.[1]]
  return port === undefined || uiPort === undefined ? null : { handle, port: Number(port), uiPort: Number(uiPort) }
}

/** There while the state file is being made for the first time. */
const unfinishedMark = (home: string): string => path.join(home, 'temporal.db.unfinished')

/**
 * The server makes its tables when it first starts, and cannot go on with half of them. As nobody uses it before it answers,
 * a state file whose making was interrupted holds nothing, and is made again.
 */
function beginStateFile(home: string): void {
  if (fs.existsSync(unfinishedMark(home)))
    for (const suffix of ['', '-wal', '-shm', '-journal']) fs.rmSync(`${database(home)}${suffix}`, { force: true })
  if (!fs.existsSync(database(home))) fs.writeFileSync(unfinishedMark(home), '')
}

/** Called when the server answers, before anything uses it. The mark must not come back after a power cut: hence the fsync. */
export function finishStateFile(home: string): void {
  if (!fs.existsSync(unfinishedMark(home))) return
  fs.rmSync(unfinishedMark(home))
  const folder = fs.openSync(home, 'r')
  try {
    fs.fsyncSync(folder)
  } finally {
    fs.closeSync(folder)
  }
}

/**
 * A queue of the default four partitions lets a step wait a second or two for a free worker that polls another partition
 * (temporalio/temporal issue 7982); one partition hands over hundreds of steps a second, many more than a machine computes.
 */
const onePartition = ['Read', 'Write'].map((kind) => `matching.numTaskqueue${kind}Partitions=1`)

/** Starts the server and returns when it answers. */
export async function startTemporal(
  home: string,
  binary: string,
  port: number,
  uiPort: number,
): Promise<ProcessHandle> {
  const log = logFile(home, 'temporal')
  const flags = {
    'db-filename': database(home),
    ip: '127.0.0.1',
    namespace,
    port: String(port),
    'ui-port': String(uiPort),
    'log-level': 'warn',
  }
  const args = [
    'server',
    'start-dev',
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ...onePartition.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ]
  beginStateFile(home)
  const since = fs.statSync(log, { throwIfNoEntry: false })?.size ?? 0
  // The shell notes the pid before it becomes the server: killed at any instant, we leave no server that cannot be found again.
  const child = spawnDetached({
    command: '/bin/sh',
    args: ['-c', 'echo $$ > "$0" && exec "$@"', pidFile(home), binary, ...args],
    cwd: home,
    logFile: log,
  })
  let ended: string | null = null
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => (ended = signal === null ? `exit code ${code}` : `signal ${signal}`))
  const address = `127.0.0.1:${port}`
  const ready = await until(async () => ended !== null || (await isTemporalReady(address, namespace)), 60_000, 100)
  const handle = child.pid === undefined ? null : handleOf(child.pid)
  if (ready && ended === null && handle !== null) {
    finishStateFile(home)
    return handle
  }
  if (handle !== null) await stopTemporal(handle)
  const logged = fs.readFileSync(log, 'utf8').slice(since)
  const said = crashIn(logged) ?? tailOf(log)
  // It says so in a line, and then crashes for want of the listener.
  const Failure = /address already in use/.test(logged) ? PortTaken : UserError
  throw new Failure(
    `Temporal did not start (${ended ?? 'no answer within 60 s'}). The end of its log, ${log}:\n${said}`,
    remedyFor(said, home),
  )
}

/** A Go program that crashes says why in one line, and then fills the log with the stacks of all its routines. */
function crashIn(said: string): string | null {
  const start = said.search(/^(panic|fatal error): /m)
  return start === -1 ? null : said.slice(start).split('\n').slice(0, 12).join('\n')
}

function remedyFor(said: string, home: string): string {
  if (/disk is full|no space left/i.test(said)) return 'Free some disk space, then start again.'
  if (/malformed|not a database/i.test(said))
    return `The state file is damaged. Move ${database(home)} away and start again: Temporal begins anew, the games and policies in Postgres stay.`
  return 'Mend what the log says and start again, or set TEMPORAL_ADDRESS to a server of your own.'
}

export async function stopTemporal(handle: ProcessHandle): Promise<void> {
  await stopProcess(handle, [
    ['SIGTERM', 8_000],
    ['SIGKILL', 5_000],
  ])
}

export function forgetTemporal(home: string): void {
  fs.rmSync(pidFile(home), { force: true })
}
