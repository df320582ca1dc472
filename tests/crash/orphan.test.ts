/** A worker whose parent dies while it is still starting: it must not go on alone (worker.ts). */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { handleOf, until } from '../../cli/services/processes.ts'
import { openPlace } from '../support/run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Forks the worker as `sparring` does, says its pid and is gone, long before the worker has read its first line of code. */
const parent = `
  const child = require('node:child_process').fork('worker.ts', [], {
    detached: true, execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  require('node:fs').writeFileSync(process.env.PID_FILE, String(child.pid))
  process.kill(process.pid, 'SIGKILL')
`

test('a worker whose parent is gone before it is ready stops, in order', async () => {
  const place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
  const file = path.join(place.home, 'worker.log')
  const pidFile = path.join(place.home, 'worker.pid')
  const log = fs.openSync(file, 'a')
  try {
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: place.temporalAddress,
      DATABASE_URL: place.databaseUrl,
      SPARRING_HOME: place.home,
      SPARRING_QUEUE_PREFIX: place.queuePrefix,
      PID_FILE: pidFile,
    }
    const begun = spawn(process.execPath, ['-e', parent], { cwd: root, env, stdio: ['ignore', log, log] })
    expect(await until(() => begun.signalCode === 'SIGKILL', 20_000)).toBe(true)
    const pid = Number(fs.readFileSync(pidFile, 'utf8'))
    const ended = await until(() => handleOf(pid) === null, 40_000)
    if (!ended) process.kill(-pid, 'SIGKILL')
    expect(ended).toBe(true)
    const said = fs.readFileSync(file, 'utf8')
    expect(said).toContain('the process that started this worker is gone; stopping')
    expect(said).not.toContain('ERR_IPC')
  } finally {
    fs.closeSync(log)
    await place.close()
  }
}, 90_000)
