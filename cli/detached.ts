/** Runs in the background: a worker that outlives the command, and ends by itself when no run is left to play. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { readRun } from '../db/runs.ts'
import { UserError } from '../shared/errors.ts'
import { goOn, type Wish } from './launch.ts'
import {
  handleOf,
  isAlive,
  readIfThere,
  spawnDetached,
  stopProcess,
  type ProcessHandle,
  until,
} from './services/processes.ts'
import { rotateLog } from './services/home.ts'
import { type Session, uiAddress, withSession } from './session.ts'
import { say, sayJson } from './terminal.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const Handle = z.object({ pid: z.number().int().positive(), startTime: z.string() })
const pidFile = (home: string): string => path.join(home, 'worker.json')
export const detachedLog = (home: string): string => path.join(home, 'logs', 'background.log')

export async function launchDetached({ name, file, json }: { name: string; file: Wish; json: boolean }): Promise<void> {
  await withSession(`sparring run --detach`, async (session) => {
    const launch = await goOn(session, { name, file })
    const { home } = session.services
    if (launch.kind === 'finished') {
      throw new UserError(`run ${name} is finished`, `\`sparring status ${name}\` shows it; choose another --name`)
    }
    const worker = detachedWorker(home) ?? startDetached(home)
    const ui = uiAddress(session.services, name)
    const log = detachedLog(home)
    // Our use of the services ends with this command: the worker must have joined before we leave. A user's own stay up.
    const { temporalPid, postgresPid } = session.services
    if (temporalPid !== null || postgresPid !== null) await joined(home, worker)
    await registered(session, name, worker)
    if (json) return sayJson({ run: name, state: launch.kind, worker: { pid: worker.pid, log }, temporal_ui: ui })
    say(`run ${name}: ${launch.kind === 'launched' ? 'launched' : 'goes on'} in the background`)
    say(`  Worker: process ${worker.pid}, log ${log}`)
    if (ui) say(`  Temporal UI: ${ui}`)
    say(`Next: \`sparring watch ${name}\`; \`sparring services down\` stops everything, and nothing is lost`)
  })
}

/** The background worker of this home, when it is alive. */
export function detachedWorker(home: string): ProcessHandle | null {
  const text = readIfThere(pidFile(home))
  if (text === null) return null
  const handle = Handle.safeParse(JSON.parse(text))
  return handle.success && isAlive(handle.data) ? handle.data : null
}

export async function stopDetached(home: string): Promise<ProcessHandle | null> {
  const worker = detachedWorker(home)
  if (worker) {
    await stopProcess(worker, [
      ['SIGTERM', 30_000],
      ['SIGKILL', 5_000],
    ])
  }
  fs.rmSync(pidFile(home), { force: true })
  return worker
}

function startDetached(home: string): ProcessHandle {
  const log = detachedLog(home)
  rotateLog(log)
  const child = spawnDetached({
    command: process.execPath,
    args: [path.join(root, 'cli', 'sparring.mjs'), 'worker', '--until-idle'],
    cwd: root,
    logFile: log,
    env: { ...process.env, SPARRING_HOME: home },
  })
  const handle = child.pid === undefined ? null : handleOf(child.pid)
  if (!handle) throw new Error(`the background worker did not start; see ${log}`)
  fs.writeFileSync(pidFile(home), JSON.stringify(handle))
  return handle
}

/** Waits until the worker has taken the run up, so that the next command finds it. */
async function registered({ database, services }: Session, name: string, worker: ProcessHandle): Promise<void> {
  const found = await until(async () => (await readRun(database, name)) !== null || !isAlive(worker), 90_000, 200)
  if (!found || !isAlive(worker)) {
    throw new Error(`the background worker does not take run ${name} up; see ${detachedLog(services.home)}`)
  }
}

const users = z.object({ users: z.array(z.object({ what: z.string(), pid: z.number() })) })

async function joined(home: string, worker: ProcessHandle): Promise<void> {
  const isUser = (): boolean => {
    const state = users.safeParse(JSON.parse(readIfThere(path.join(home, 'services.json')) ?? 'null'))
    return state.success && state.data.users.some(({ pid }) => pid === worker.pid)
  }
  const came = await until(() => isUser() || !isAlive(worker), 60_000, 100)
  if (!came || !isAlive(worker)) throw new Error(`the background worker did not come up; see ${detachedLog(home)}`)
}
