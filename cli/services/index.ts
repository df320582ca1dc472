/**
 * The two services that training stands on, Temporal and Postgres: brought up, looked at, taken down. They belong to a home
 * folder, run detached from the command that started them, and are reused by the next one, also after `kill -9` of anything.
 */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { databaseUrl, isPostgresReady, prepareDatabase, prepareExternalDatabase } from './database.ts'
import { prepareHome, rotateLog } from './home.ts'
import { acquireLock, type Lock } from './lock.ts'
import { choosePort, fixedPort, startOn, type PortWish } from './ports.ts'
import { dataDir, findPostgres, startPostgres, stopPostgres } from './postgres.ts'
import { ownHandle, until, type ProcessHandle } from './processes.ts'
import { defaultHome, logFile, readState, writeState, type ServicesState } from './state.ts'
import { ensureTemporal } from './temporal-binary.ts'
import { isTemporalReady, useExternalTemporal } from './temporal-connection.ts'
import { findTemporal, finishStateFile, forgetTemporal, namespace, startTemporal, stopTemporal } from './temporal.ts'

export { acquireLock, type Lock } from './lock.ts'
export { defaultHome } from './state.ts'
export { ensureTemporal } from './temporal-binary.ts'
export { inspect, type ServiceStatus } from './inspect.ts'

export interface ServicesOptions {
  /** Where the state lives; by default SPARRING_HOME, else .sparring in the project. */
  home?: string
  /** What uses the services, for other commands' messages: "sparring start". */
  what?: string
  /** Leave them running when the last user leaves (`sparring services up`). */
  keep?: boolean
  env?: NodeJS.ProcessEnv
  onProgress?: (message: string) => void
}

export interface ServiceAddresses {
  temporalAddress: string
  temporalNamespace: string
  temporalUi: string | null
  databaseUrl: string
  /** null: a server of the user's own */
  temporalPid: number | null
  postgresPid: number | null
}

export interface RunningServices extends ServiceAddresses {
  home: string
  startedHere: { temporal: boolean; postgres: boolean }
  /** Leaves the services; the last user to leave stops them, unless they are kept. Returns what was stopped. */
  stop(): Promise<string[]>
}

interface Context {
  home: string
  env: NodeJS.ProcessEnv
  state: ServicesState
  onProgress: (message: string) => void
}

type TemporalPart = Omit<ServiceAddresses, 'databaseUrl' | 'postgresPid'> & { started: boolean }
type PostgresPart = Pick<ServiceAddresses, 'databaseUrl' | 'postgresPid'> & { started: boolean }

const lockPatienceMs = 45 * 60_000

/** Brings up what does not run yet, reuses what does, and returns when both answer. */
export async function bringUp(options: ServicesOptions = {}): Promise<RunningServices> {
  const onProgress = options.onProgress ?? (() => undefined)
  const env = options.env ?? process.env
  const home = prepareHome(options.home ?? defaultHome())
  if (env['TEMPORAL_ADDRESS'] && env['DATABASE_URL']) return useExternal(home, env, env['DATABASE_URL'], onProgress)
  const lock = await lockServices(home, onProgress)
  try {
    const state = readState(home, onProgress)
    const user = { id: randomUUID(), ...ownHandle(), what: options.what ?? 'sparring' }
    const context: Context = { home, env, state, onProgress }
    state.users.push(user)
    writeState(home, state)
    try {
      const { temporal, postgres } = await bringUpBoth(context)
      state.keep ||= options.keep ?? false
      writeState(home, state)
      const { started: temporalStarted, ...temporalAddresses } = temporal
      const { started: postgresStarted, ...postgresAddresses } = postgres
      return {
        ...temporalAddresses,
        ...postgresAddresses,
        home,
        startedHere: { temporal: temporalStarted, postgres: postgresStarted },
        stop: () => leave(home, user.id, onProgress),
      }
    } catch (error) {
      await leaveLocked(home, user.id, onProgress)
      throw error
    }
  } finally {
    lock.release()
  }
}

/** Nothing of ours runs, so there is nothing to lock or to write down: containers may share a home without seeing each other's pids. */
async function useExternal(
  home: string,
  env: NodeJS.ProcessEnv,
  database: string,
  onProgress: (message: string) => void,
): Promise<RunningServices> {
  const { address, namespace: name } = await useExternalTemporal(env, onProgress)
  await prepareExternalDatabase(database)
  return {
    temporalAddress: address,
    temporalNamespace: name,
    temporalUi: null,
    databaseUrl: database,
    temporalPid: null,
    postgresPid: null,
    home,
    startedHere: { temporal: false, postgres: false },
    stop: async () => [],
  }
}

function lockServices(home: string, onProgress: (message: string) => void): Promise<Lock> {
  return acquireLock(path.join(home, 'services.lock'), 'starting or stopping the services', {
    waitMs: lockPatienceMs,
    onWait: (holder) => onProgress(`waiting for another command: ${holder}`),
  })
}

/** Side by side, as each takes a second or two. When one fails we wait for the other, so that it can be stopped. */
async function bringUpBoth(context: Context): Promise<{ temporal: TemporalPart; postgres: PostgresPart }> {
  const temporal = await planTemporal(context)
  const postgres = await planPostgres(context)
  const [one, other] = await Promise.allSettled([temporal(), postgres()])
  writeState(context.home, context.state)
  if (one.status === 'rejected') throw one.reason
  if (other.status === 'rejected') throw other.reason
  return { temporal: one.value, postgres: other.value }
}

/** Everything that can be refused is refused here, before anything is started; the answer does the starting. */
async function planTemporal({ home, env, state, onProgress }: Context): Promise<() => Promise<TemporalPart>> {
  if (env['TEMPORAL_ADDRESS']) {
    const { address, namespace: name } = await useExternalTemporal(env, onProgress)
    const external = { temporalAddress: address, temporalNamespace: name, temporalUi: null, temporalPid: null }
    return async () => ({ ...external, started: false })
  }
  const part = (handle: ProcessHandle, port: number, uiPort: number, started: boolean): TemporalPart => {
    state.temporal = handle
    state.ports = { ...state.ports, temporal: port, ui: uiPort }
    return {
      temporalAddress: `127.0.0.1:${port}`,
      temporalNamespace: namespace,
      temporalUi: `http://127.0.0.1:${uiPort}`,
      temporalPid: handle.pid,
      started,
    }
  }
  const found = findTemporal(home, state.temporal)
  const wish: PortWish = {
    purpose: 'Temporal',
    variable: 'SPARRING_TEMPORAL_PORT',
    preferred: state.ports.temporal ?? 7233,
  }
  const uiWish: PortWish = {
    purpose: 'the Temporal UI',
    variable: 'SPARRING_UI_PORT',
    preferred: state.ports.ui ?? 8233,
  }
  if (found !== null) {
    if (await until(() => isTemporalReady(`127.0.0.1:${found.port}`, namespace), 10_000, 200)) {
      refuseOtherPort(found.port, wish, env)
      refuseOtherPort(found.uiPort, uiWish, env)
      finishStateFile(home)
      return async () => part(found.handle, found.port, found.uiPort, false)
    }
    onProgress(`Temporal: process ${found.handle.pid} runs but does not answer; starting it again`)
    await stopTemporal(found.handle)
  }
  const binary = await ensureTemporal({ env, onProgress })
  const choose = async (): Promise<[number, number]> => {
    const port = await choosePort(wish, [], env)
    return [port, await choosePort(uiWish, [port], env)]
  }
  const ports = await choose()
  return () =>
    startOn(ports, choose, async ([port, uiPort]) => {
      onProgress('Temporal: starting …')
      rotateLog(logFile(home, 'temporal'))
      return part(await startTemporal(home, binary, port, uiPort), port, uiPort, true)
    })
}

async function planPostgres({ home, env, state, onProgress }: Context): Promise<() => Promise<PostgresPart>> {
  const external = env['DATABASE_URL']
  if (external) {
    await prepareExternalDatabase(external)
    return async () => ({ databaseUrl: external, postgresPid: null, started: false })
  }
  const part = (handle: ProcessHandle, port: number, started: boolean): PostgresPart => {
    state.postgres = handle
    state.ports = { ...state.ports, postgres: port }
    return { databaseUrl: databaseUrl(port), postgresPid: handle.pid, started }
  }
  const found = findPostgres(home)
  const wish: PortWish = {
    purpose: 'Postgres',
    variable: 'SPARRING_POSTGRES_PORT',
    preferred: state.ports.postgres ?? 54329,
  }
  if (found !== null) {
    const url = databaseUrl(found.port, 'postgres')
    // Long, because after a crash it first replays its log, and killing it then would only make it begin again.
    if (await until(() => isPostgresReady(url, dataDir(home)), 60_000, 200)) {
      refuseOtherPort(found.port, wish, env)
      return async () => {
        await prepareDatabase(databaseUrl(found.port))
        return part(found.handle, found.port, false)
      }
    }
    onProgress(`Postgres: process ${found.handle.pid} runs but does not answer; starting it again`)
    await stopPostgres(found.handle)
  }
  const choose = (): Promise<number> => choosePort(wish, [], env)
  const chosen = await choose()
  return () =>
    startOn(chosen, choose, async (port) => {
      onProgress('Postgres: starting …')
      rotateLog(logFile(home, 'postgres'))
      return part(await startPostgres(home, port, onProgress), port, true)
    })
}

/** A server that runs already cannot move to the port that the user now asks for. */
function refuseOtherPort(running: number, wish: PortWish, env: NodeJS.ProcessEnv): void {
  const fixed = fixedPort(wish, env)
  if (fixed === null || fixed === running) return
  throw new UserError(
    `${wish.variable}=${fixed}, but ${wish.purpose} already runs for this home on port ${running}.`,
    `Run \`npx sparring services down\` first, or unset ${wish.variable}.`,
  )
}

async function leave(home: string, id: string, onProgress: (message: string) => void): Promise<string[]> {
  if (!fs.existsSync(home)) return []
  const lock = await lockServices(home, onProgress)
  try {
    return await leaveLocked(home, id, onProgress)
  } finally {
    lock.release()
  }
}

async function leaveLocked(home: string, id: string, onProgress: (message: string) => void): Promise<string[]> {
  const state = readState(home, onProgress)
  state.users = state.users.filter((user) => user.id !== id)
  writeState(home, state)
  return state.keep || state.users.length > 0 ? [] : stopAll(home, state)
}

/** Stops what runs for this home, whoever uses it. Returns what was stopped, for people. */
export async function takeDown(options: ServicesOptions = {}): Promise<string[]> {
  const home = options.home ?? defaultHome()
  const onProgress = options.onProgress ?? (() => undefined)
  if (!fs.existsSync(home)) return []
  const real = fs.realpathSync(home)
  const lock = await lockServices(real, onProgress)
  try {
    return await stopAll(real, readState(real, onProgress))
  } finally {
    lock.release()
  }
}

async function stopAll(home: string, state: ServicesState): Promise<string[]> {
  const temporal = findTemporal(home, state.temporal)
  const postgres = findPostgres(home)
  await Promise.all([
    temporal === null ? null : stopTemporal(temporal.handle),
    postgres === null ? null : stopPostgres(postgres.handle),
  ])
  forgetTemporal(home)
  writeState(home, { ...state, temporal: null, postgres: null, keep: false })
  return [
    ...(temporal === null ? [] : [`Temporal (process ${temporal.handle.pid}, port ${temporal.port})`]),
    ...(postgres === null ? [] : [`Postgres (process ${postgres.handle.pid}, port ${postgres.port})`]),
  ]
}
