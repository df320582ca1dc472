/** The embedded Temporal of one home: the real server in one process, on 127.0.0.1, its state in <home>/temporal.db. */
import fs from 'node:fs'
import path from 'node:path'
import { UserError } from '../../shared/errors.ts'
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
import { isTemporalReady, searchAttributes } from './temporal-connection.ts'

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
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ]
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
  if (ready && ended === null && handle !== null) return handle
  if (handle !== null) await stopTemporal(handle)
  const said = tailOf(log)
  throw new UserError(
    `Temporal did not start (${ended ?? 'no answer within 60 s'}). The end of its log, ${log}:\n${said}`,
    remedyFor(said, home),
  )
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
