/** `kill -9` of anything, then bringUp again: the same data, nothing left over, nobody else's process touched. */
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { bringUp, inspect, takeDown, type RunningServices } from '../../cli/services/index.ts'
import { commandLineOf, handleOf, isAlive, until } from '../../cli/services/processes.ts'
import { freePort } from '../../cli/services/ports.ts'
import { stateFile } from '../../cli/services/state.ts'
import { embeddedEnv, makeTestHome, removeTestHome } from './test-home.ts'

let home: string
let env: NodeJS.ProcessEnv

beforeEach(async () => {
  home = makeTestHome()
  const ports = [await freePort()]
  while (ports.length < 3) ports.push(await freePort(ports))
  const [temporal, ui, postgres] = ports.map(String)
  env = embeddedEnv({ SPARRING_TEMPORAL_PORT: temporal, SPARRING_UI_PORT: ui, SPARRING_POSTGRES_PORT: postgres })
})
afterEach(() => removeTestHome(home))

const up = (): Promise<RunningServices> => bringUp({ home, env, what: 'test' })

async function query(services: RunningServices, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: services.databaseUrl })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function withTemporal<T>(services: RunningServices, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: services.temporalAddress })
  try {
    return await use(new Client({ connection, namespace: services.temporalNamespace }))
  } finally {
    await connection.close()
  }
}

/** A row in Postgres, and a workflow (with a search attribute) that waits in Temporal for a worker. */
async function leaveTraces(services: RunningServices): Promise<void> {
  await query(services, `create table trace (note text); insert into trace values ('héllo ∑ 象')`)
  await withTemporal(services, (client) =>
    client.workflow.start('waits', { taskQueue: 'nobody', workflowId: 'trace', args: [] }),
  )
}

async function expectTraces(services: RunningServices): Promise<void> {
  expect(await query(services, 'select note from trace')).toEqual([{ note: 'héllo ∑ 象' }])
  const status = await withTemporal(
    services,
    async (client) => (await client.workflow.getHandle('trace').describe()).status.name,
  )
  expect(status).toBe('RUNNING')
}

async function kill9(pid: number | null): Promise<void> {
  if (pid === null) throw new Error('nothing to kill')
  process.kill(pid, 'SIGKILL')
  expect(await until(() => handleOf(pid) === null, 10_000)).toBe(true)
}

test('both services killed: they come back with their data', async () => {
  const first = await up()
  await leaveTraces(first)
  await Promise.all([kill9(first.temporalPid), kill9(first.postgresPid)])
  const second = await up()
  expect(second.startedHere).toEqual({ temporal: true, postgres: true })
  await expectTraces(second)
})

test('one service killed: it comes back, the other is reused', async () => {
  const first = await up()
  await leaveTraces(first)
  await kill9(first.postgresPid)
  const second = await up()
  expect(second.startedHere).toEqual({ temporal: false, postgres: true })
  expect(second.temporalPid).toBe(first.temporalPid)
  await expectTraces(second)
})

function startChild(): ChildProcess {
  const script = fileURLToPath(new URL('./child.ts', import.meta.url))
  return spawn(process.execPath, ['--import', 'tsx', script, home], { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

const Ready = z.object({ temporal: z.number(), postgres: z.number() })

async function ready(child: ChildProcess): Promise<z.infer<typeof Ready>> {
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  expect(await until(() => said.includes('READY') && said.endsWith('\n'), 40_000)).toBe(true)
  return Ready.parse(JSON.parse(said.slice(said.indexOf('{'))))
}

test('the command that started them killed: its orphans are reused, and stopped by the next user that leaves', async () => {
  const child = startChild()
  const pids = await ready(child)
  child.kill('SIGKILL')
  expect(await until(() => child.signalCode === 'SIGKILL', 10_000)).toBe(true)
  const next = await up()
  expect(next.startedHere).toEqual({ temporal: false, postgres: false })
  expect([next.temporalPid, next.postgresPid]).toEqual([pids.temporal, pids.postgres])
  expect(await next.stop()).toHaveLength(2)
  expect([handleOf(pids.temporal), handleOf(pids.postgres)]).toEqual([null, null])
})

test.each([50, 400])('killed %i ms after the services begin to start: the next one goes on', async (delay) => {
  const child = startChild()
  // The services begin to start when the command has written itself down as their user.
  expect(await until(() => fs.existsSync(stateFile(home)), 30_000, 5)).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, delay))
  child.kill('SIGKILL')
  const services = await up()
  await leaveTraces(services)
  await services.stop()
  expect(await processesNaming(home)).toEqual([])
})

test('everything killed while the database is being made: the half-made one is never started', async () => {
  const child = startChild()
  const half = (): boolean =>
    fs
      .readdirSync(home)
      .some((name) => name.startsWith('postgres') && fs.existsSync(path.join(home, name, 'PG_VERSION')))
  expect(await until(half, 30_000, 1)).toBe(true)
  child.kill('SIGKILL')
  for (const pid of await processesNaming(home)) process.kill(pid, 'SIGKILL')
  expect(await until(async () => (await processesNaming(home)).length === 0, 10_000)).toBe(true)
  await leaveTraces(await up())
  expect(fs.readdirSync(home).filter((name) => name.startsWith('postgres.new'))).toEqual([])
})

test('an initdb of a killed command that still writes: its folder goes as soon as it has noticed', async () => {
  const base = path.join(home, 'postgres.new-killed', 'base')
  fs.mkdirSync(base, { recursive: true })
  // Like initdb it goes on into the emptied folder, for longer than one attempt at removing it lasts, and ends when it is gone.
  const write = `
    const fs = require('node:fs'), until = Date.now() + 8_000
    let files = 0
    while (Date.now() < until && fs.existsSync(process.argv[1]))
      try { fs.writeFileSync(process.argv[1] + '/' + files++, '') } catch { break }`
  const writer = spawn(process.execPath, ['-e', write, base], { stdio: 'ignore' })
  expect(await until(() => fs.readdirSync(base).length > 100, 10_000, 1)).toBe(true)
  await leaveTraces(await up())
  expect(fs.readdirSync(home).filter((name) => name.startsWith('postgres.new'))).toEqual([])
  expect(await until(() => writer.exitCode === 0, 20_000)).toBe(true)
})

test('everything killed while Temporal makes its state file: it is made again', async () => {
  const child = startChild()
  const begun = (): boolean => (fs.statSync(path.join(home, 'temporal.db'), { throwIfNoEntry: false })?.size ?? 0) > 0
  expect(await until(begun, 30_000, 1)).toBe(true)
  child.kill('SIGKILL')
  for (const pid of await processesNaming(home)) process.kill(pid, 'SIGKILL')
  expect(await until(async () => (await processesNaming(home)).length === 0, 10_000)).toBe(true)
  await leaveTraces(await up())
})

/** The processes whose command line names the home, our own aside. */
async function processesNaming(folder: string): Promise<number[]> {
  const pids = (await fs.promises.readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  return pids.filter((pid) => handleOf(pid) !== null && (commandLineOf(pid) ?? '').includes(folder))
}

test('everything killed, and the pids handed to other processes: those are neither trusted nor harmed', async () => {
  const first = await up()
  await leaveTraces(first)
  await Promise.all([kill9(first.temporalPid), kill9(first.postgresPid)])
  // Of the user that Postgres runs as: a stranger of another user it would know for one by itself.
  const { uid, gid } = fs.statSync(path.join(home, 'postgres'))
  // And it looks like a Temporal server, of another home.
  const disguise = ['--db-filename', '/elsewhere/temporal.db', '--port', '7233', '--ui-port', '8233', '--namespace']
  const wait = 'setInterval(() => undefined, 60_000)'
  const stranger = spawn(process.execPath, ['-e', wait, '--', ...disguise], { cwd: '/', stdio: 'ignore', uid, gid })
  const handle = handleOf(stranger.pid ?? -1)
  if (handle === null) throw new Error('the stranger did not start')
  const state = z.looseObject({}).parse(JSON.parse(fs.readFileSync(stateFile(home), 'utf8')))
  const old = { pid: handle.pid, startTime: 'another boot:1' }
  fs.writeFileSync(stateFile(home), JSON.stringify({ ...state, temporal: old, postgres: old }))
  fs.writeFileSync(path.join(home, 'temporal.pid'), `${handle.pid}\n`)
  const postmaster = path.join(home, 'postgres', 'postmaster.pid')
  fs.writeFileSync(postmaster, fs.readFileSync(postmaster, 'utf8').replace(/^\d+/, String(handle.pid)))

  expect((await inspect({ home, env })).temporal.mode).toBe('stopped')
  expect(await takeDown({ home })).toEqual([])
  const second = await up()
  await expectTraces(second)
  expect(isAlive(handle)).toBe(true)
  await second.stop()
  expect(isAlive(handle)).toBe(true)
  stranger.kill('SIGKILL')
})

test('services.json lost or damaged: the running services are found again', async () => {
  const first = await up()
  fs.writeFileSync(stateFile(home), '{"version": 1, "ports"')
  const said: string[] = []
  const second = await bringUp({ home, env, what: 'test', onProgress: (message) => said.push(message) })
  expect(second.startedHere).toEqual({ temporal: false, postgres: false })
  expect(second.temporalPid).toBe(first.temporalPid)
  expect(said.join()).toContain('services.json.unreadable')
})

test('a server that is stopped in its tracks is replaced', async () => {
  const first = await up()
  await leaveTraces(first)
  process.kill(first.temporalPid ?? -1, 'SIGSTOP')
  const second = await up()
  expect(second.startedHere).toEqual({ temporal: true, postgres: false })
  await expectTraces(second)
})

test('the last user to leave stops the services, unless they are kept', async () => {
  const first = await up()
  const second = await up()
  expect(await first.stop()).toEqual([])
  expect((await inspect({ home, env })).postgres.healthy).toBe(true)
  expect(await second.stop()).toHaveLength(2)
  expect((await inspect({ home, env })).postgres.mode).toBe('stopped')

  const kept = await bringUp({ home, env, what: 'services up', keep: true })
  expect(await kept.stop()).toEqual([])
  expect(await (await up()).stop()).toEqual([])
  expect((await inspect({ home, env })).temporal).toMatchObject({ mode: 'embedded', healthy: true })
  expect(await takeDown({ home })).toHaveLength(2)
})
