/** What can stand in the way of a start, and the one clear message about each. */
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { Connection } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { prepareHome } from '../../cli/services/home.ts'
import { bringUp, ensureTemporal, inspect } from '../../cli/services/index.ts'
import { freePort } from '../../cli/services/ports.ts'
import { freshDatabase } from './fresh-database.ts'
import { embeddedEnv, makeTestHome, removeTestHome } from './test-home.ts'

let home: string
let occupants: net.Server[] = []
beforeEach(() => void (home = makeTestHome()))
afterEach(async () => {
  await Promise.all(occupants.map((server) => new Promise((resolve) => server.close(resolve))))
  occupants = []
  await removeTestHome(home)
})

/** Without a host, as that binds before it returns. */
async function occupy(port: number): Promise<void> {
  const taken = net.createServer((socket) => socket.destroy())
  occupants.push(taken)
  await new Promise<void>((resolve, reject) => taken.once('error', reject).listen(port, resolve))
}

test.each(['SPARRING_TEMPORAL_PORT', 'SPARRING_UI_PORT', 'SPARRING_POSTGRES_PORT'])(
  'a busy port that %s fixed: named, with who holds it, and nothing is started',
  async (variable) => {
    const port = await freePort()
    await occupy(port)
    await expect(bringUp({ home, env: embeddedEnv({ [variable]: String(port) }) })).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(
        new RegExp(`Port ${port}, set for .* by ${variable}, is in use by process ${process.pid}`),
      ),
      remedy: expect.stringContaining(variable),
    })
    expect(await inspect({ home, env: embeddedEnv() })).toMatchObject({
      temporal: { mode: 'stopped' },
      postgres: { mode: 'stopped' },
      users: [],
    })
  },
)

test('a preferred port that is busy gives way to another, which stays', async () => {
  const [temporal, ui, postgres] = [await freePort(), await freePort(), await freePort()]
  const ports = { temporal, ui, postgres }
  const state = { version: 1, ports, temporal: null, postgres: null, keep: false, users: [] }
  fs.writeFileSync(path.join(home, 'services.json'), JSON.stringify(state))
  await occupy(postgres)
  const env = embeddedEnv({ SPARRING_TEMPORAL_PORT: '', SPARRING_UI_PORT: '', SPARRING_POSTGRES_PORT: '' })
  const first = await bringUp({ home, env })
  expect(first.temporalAddress).toBe(`127.0.0.1:${temporal}`)
  const chosen = Number(new URL(first.databaseUrl).port)
  expect(chosen).not.toBe(postgres)
  await first.stop()
  const second = await bringUp({ home, env })
  expect(Number(new URL(second.databaseUrl).port)).toBe(chosen)
})

test('ports that something else takes while the servers start: they start on others', async () => {
  const ports = { temporal: await freePort(), ui: await freePort(), postgres: await freePort() }
  const state = { version: 1, ports, temporal: null, postgres: null, keep: false, users: [] }
  fs.writeFileSync(path.join(home, 'services.json'), JSON.stringify(state))
  const env = embeddedEnv({ SPARRING_TEMPORAL_PORT: '', SPARRING_UI_PORT: '', SPARRING_POSTGRES_PORT: '' })
  const said: string[] = []
  const services = await bringUp({
    home,
    env,
    onProgress: (message) => {
      said.push(message)
      // The ports are chosen by now, and the server is about to be started.
      if (message === 'Temporal: starting …' && !said.slice(0, -1).includes(message)) void occupy(ports.temporal)
      if (message === 'Postgres: starting …' && !said.slice(0, -1).includes(message)) void occupy(ports.postgres)
    },
  })
  const chosen = Number(services.temporalAddress.split(':')[1])
  expect(chosen).not.toBe(ports.temporal)
  expect(Number(new URL(services.databaseUrl).port)).not.toBe(ports.postgres)
  expect(said.filter((message) => message.endsWith('starting …')).length).toBe(4)
})

test('a port that is no port', async () => {
  await expect(bringUp({ home, env: embeddedEnv({ SPARRING_UI_PORT: '80000' }) })).rejects.toMatchObject({
    message: 'SPARRING_UI_PORT=80000 is not a port number.',
  })
})

test('no temporal, no download, no Go: one message with the remedy, nothing started', async () => {
  const bin = path.join(home, 'bin')
  fs.mkdirSync(bin)
  // No network for the download either: a proxy that nobody answers.
  const env = embeddedEnv({ PATH: bin, XDG_CACHE_HOME: path.join(home, 'cache'), HTTPS_PROXY: 'http://127.0.0.1:9' })
  await expect(bringUp({ home, env })).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining('no Go tool chain'),
    remedy: expect.stringMatching(/Install Go .* Temporal CLI .* TEMPORAL_ADDRESS/),
  })
  expect((await inspect({ home, env })).postgres.mode).toBe('stopped')
})

test('a temporal on PATH that is too old is passed over, and a build that fails shows the end of its log', async () => {
  const bin = path.join(home, 'bin')
  fs.mkdirSync(bin)
  const script = (name: string, text: string): void =>
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  script('temporal', 'echo "temporal version 0.9.0 (Server 1.20.0, UI 2.0.0)"')
  script('go', 'echo "go: cannot reach the module proxy" >&2; exit 1')
  const env = embeddedEnv({ PATH: bin, XDG_CACHE_HOME: path.join(home, 'cache'), HTTPS_PROXY: 'http://127.0.0.1:9' })
  const said: string[] = []
  await expect(ensureTemporal({ env, onProgress: (message) => said.push(message) })).rejects.toMatchObject({
    message: expect.stringContaining('go: cannot reach the module proxy'),
  })
  expect(said.join('\n')).toContain('its server is 1.20, older than 1.28')
})

test('a build that succeeds is cached and found the next time', async () => {
  const bin = path.join(home, 'bin')
  fs.mkdirSync(bin)
  const fake = `#!/bin/sh\necho "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"\n`
  fs.writeFileSync(path.join(home, 'fake'), fake, { mode: 0o755 })
  const install = `[ "$1" = install ] && /bin/cp "${home}/fake" "$GOBIN/temporal" && echo built >> "${home}/builds"`
  fs.writeFileSync(path.join(bin, 'go'), `#!/bin/sh\n${install}\n`, { mode: 0o755 })
  const env = embeddedEnv({ PATH: bin, XDG_CACHE_HOME: path.join(home, 'cache'), HTTPS_PROXY: 'http://127.0.0.1:9' })
  // Two at once: the second waits for the first one's build.
  const [one, other] = await Promise.all([ensureTemporal({ env }), ensureTemporal({ env })])
  expect(one).toBe(path.join(home, 'cache', 'sparring', 'temporal-1.5.1', 'temporal'))
  expect(other).toBe(one)
  expect(await ensureTemporal({ env })).toBe(one)
  expect(fs.readFileSync(path.join(home, 'builds'), 'utf8')).toBe('built\n')
})

test('DATABASE_URL and TEMPORAL_ADDRESS: used as they are, prepared, and nothing is started', async () => {
  const database = await freshDatabase(inject('databaseUrl'))
  await database.drop() // bringUp creates it
  const env = embeddedEnv({ TEMPORAL_ADDRESS: inject('temporalAddress'), DATABASE_URL: database.url })
  const services = await bringUp({ home, env })
  expect(services).toMatchObject({
    temporalAddress: inject('temporalAddress'),
    temporalNamespace: 'default',
    databaseUrl: database.url,
    temporalPid: null,
    postgresPid: null,
    startedHere: { temporal: false, postgres: false },
  })
  const connection = await Connection.connect({ address: services.temporalAddress })
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' })
  await connection.close()
  expect(Object.keys(customAttributes)).toEqual(
    expect.arrayContaining(['SparringRecipe', 'SparringRound', 'SparringScore', 'SparringState']),
  )
  expect(await services.stop()).toEqual([])
  await database.drop()
})

test('search attributes that an external server lacks are registered', async () => {
  const connection = await Connection.connect({ address: inject('temporalAddress') })
  const namespace = `ns-${process.pid}`
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  })
  const env = embeddedEnv({
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
    DATABASE_URL: inject('databaseUrl'),
  })
  await expect
    .poll(() => bringUp({ home, env }).then((services) => services.temporalNamespace, String), { timeout: 30_000 })
    .toBe(namespace)
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
  await connection.close()
  expect(customAttributes['SparringScore']).toBeDefined()
})

test('servers that do not answer: the variable is named', async () => {
  const port = await freePort()
  const temporal = embeddedEnv({ TEMPORAL_ADDRESS: `127.0.0.1:${port}`, DATABASE_URL: inject('databaseUrl') })
  await expect(bringUp({ home, env: temporal })).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining(`TEMPORAL_ADDRESS=127.0.0.1:${port}`),
  })
  const url = `postgresql://me:secret@127.0.0.1:${port}/x`
  const database = embeddedEnv({ TEMPORAL_ADDRESS: inject('temporalAddress'), DATABASE_URL: url })
  const failure = await bringUp({ home, env: database }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ name: 'UserError', message: expect.stringContaining('DATABASE_URL') })
  expect(String(failure)).not.toContain('secret')
})

test('a full disk is said before anything is started', () => {
  expect(() => prepareHome(home, Number.MAX_SAFE_INTEGER)).toThrow(/MB free; Sparring needs/)
})

test('a home that cannot be made is named', () => {
  const file = path.join(home, 'a file')
  fs.writeFileSync(file, '')
  expect(() => prepareHome(path.join(file, 'home'))).toThrow(/where Sparring keeps its state, cannot be written/)
})

test('a server that ends at its start shows the end of its log', async () => {
  fs.writeFileSync(
    path.join(home, 'temporal.db'),
    'this is not a database, but it is long enough to be looked at as one',
  )
  await expect(bringUp({ home, env: embeddedEnv() })).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringMatching(/Temporal did not start[^]*temporal\.log[^]*not a database/),
  })
  expect((await inspect({ home, env: embeddedEnv() })).postgres.mode).toBe('stopped')
})
