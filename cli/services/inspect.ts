/** What runs for a home, as `sparring services status` shows it. Starts and changes nothing. */
import fs from 'node:fs'
import { databaseUrl, isPostgresReady, withoutPassword } from './database.ts'
import type { ServicesOptions } from './index.ts'
import { dataDir, findPostgres } from './postgres.ts'
import { defaultHome, logFile, readState } from './state.ts'
import { isTemporalReady } from './temporal-connection.ts'
import { findTemporal, namespace } from './temporal.ts'

export interface ServiceState {
  /** embedded: ours, for this home; external: named in the environment; stopped: ours, and not running */
  mode: 'embedded' | 'external' | 'stopped'
  /** Whether it answers; null for an external service, which we do not probe here. */
  healthy: boolean | null
  address: string | null
  pid: number | null
  log: string | null
}

export interface ServiceStatus {
  home: string
  temporal: ServiceState & { namespace: string; ui: string | null }
  postgres: ServiceState
  keep: boolean
  users: { what: string; pid: number }[]
}

const stopped: ServiceState = { mode: 'stopped', healthy: null, address: null, pid: null, log: null }

export async function inspect(options: ServicesOptions = {}): Promise<ServiceStatus> {
  const env = options.env ?? process.env
  const wanted = options.home ?? defaultHome()
  const home = fs.existsSync(wanted) ? fs.realpathSync(wanted) : wanted
  const state = readState(home, options.onProgress ?? (() => undefined))
  const [temporal, postgres] = await Promise.all([temporalState(), postgresState()])
  return { home, temporal, postgres, keep: state.keep, users: state.users.map(({ what, pid }) => ({ what, pid })) }

  async function temporalState(): Promise<ServiceStatus['temporal']> {
    const address = env['TEMPORAL_ADDRESS']
    if (address)
      return { ...stopped, mode: 'external', address, namespace: env['TEMPORAL_NAMESPACE'] || namespace, ui: null }
    const found = findTemporal(home, state.temporal)
    if (found === null) return { ...stopped, namespace, ui: null }
    const own = `127.0.0.1:${found.port}`
    return {
      mode: 'embedded',
      healthy: await isTemporalReady(own, namespace),
      address: own,
      pid: found.handle.pid,
      log: logFile(home, 'temporal'),
      namespace,
      ui: `http://127.0.0.1:${found.uiPort}`,
    }
  }

  async function postgresState(): Promise<ServiceState> {
    const url = env['DATABASE_URL']
    if (url) return { ...stopped, mode: 'external', address: withoutPassword(url) }
    const found = findPostgres(home)
    if (found === null) return stopped
    return {
      mode: 'embedded',
      healthy: await isPostgresReady(databaseUrl(found.port, 'postgres'), dataDir(home)),
      address: databaseUrl(found.port),
      pid: found.handle.pid,
      log: logFile(home, 'postgres'),
    }
  }
}
