/**
 * Before the tests: a Temporal and a Postgres of this test session's own, in a temporary home and on free ports, plus the
 * time-skipping server's path. After them, also when tests failed or were interrupted, they are stopped and the home is removed.
 */
import fs from 'node:fs'
import type { TestProject } from 'vitest/node'
import { bringUp } from '../../cli/services/index.ts'
import { freePort } from '../../cli/services/ports.ts'
import { hasCode } from '../../cli/services/processes.ts'
import { embeddedEnv, makeTestHome, removeTestHome, sweepTestHomes } from './test-home.ts'
import { timeSkippingServer } from './time-skipping.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The session's database server; a suite that needs a database to itself creates one there (see `freshDatabase`). */
    databaseUrl: string
    temporalAddress: string
    temporalNamespace: string
    /** The program for `createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`; null: skip. */
    timeSkippingServer: string | null
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (message: string): void => console.log(`tests: ${message}`)
  for (const home of await sweepTestHomes()) say(`cleaned up after a killed test run: ${home}`)
  const home = makeTestHome()
  const skipping = await timeSkippingServer(say)
  const ports = [await freePort()]
  while (ports.length < 3) ports.push(await freePort(ports))
  const [temporal, ui, postgres] = ports.map(String)
  const env = embeddedEnv({ SPARRING_TEMPORAL_PORT: temporal, SPARRING_UI_PORT: ui, SPARRING_POSTGRES_PORT: postgres })
  const services = await bringUp({ home, env, what: 'tests', onProgress: say })

  // Vitest tears down on Ctrl-C; on other signals, and on a second Ctrl-C, only these last words are spoken.
  const exitOn = (signal: NodeJS.Signals): void => void process.once(signal, () => process.exit(1))
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) exitOn(signal)
  const lastWords = (): void => {
    if (services.temporalPid !== null) endNow(services.temporalPid, 'SIGKILL')
    if (services.postgresPid !== null) endNow(services.postgresPid, 'SIGQUIT') // ends its children with it, and at once
    fs.rmSync(home, { recursive: true, force: true })
  }
  process.once('exit', lastWords)

  project.provide('databaseUrl', services.databaseUrl)
  project.provide('temporalAddress', services.temporalAddress)
  project.provide('temporalNamespace', services.temporalNamespace)
  project.provide('timeSkippingServer', skipping)

  return async () => {
    process.removeListener('exit', lastWords)
    await removeTestHome(home)
  }
}

function endNow(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
