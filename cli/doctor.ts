/** What a run needs from the machine, looked at without starting anything. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { z } from 'zod'
import { messageOf, UserError } from '../shared/errors.ts'
import { prepareHome } from './services/home.ts'
import { defaultHome, inspect, type ServiceStatus } from './services/index.ts'
import { fixedPort, holderOf, isFree } from './services/ports.ts'
import { cacheFolder, onPath } from './services/temporal-binary.ts'

export interface Finding {
  level: 'ok' | 'warn' | 'fail'
  what: string
  found: string
  remedy: string | null
}

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GB`
const ok = (what: string, found: string): Finding => ({ level: 'ok', what, found, remedy: null })
const warn = (what: string, found: string, remedy: string): Finding => ({ level: 'warn', what, found, remedy })
const fail = (what: string, found: string, remedy: string): Finding => ({ level: 'fail', what, found, remedy })

export async function examine(device?: string): Promise<Finding[]> {
  const status = await inspect()
  return [
    node(),
    cores(),
    memory(),
    home(),
    onnxruntime(),
    temporalProgram(),
    tool('java', 'only the time-skipping tests need it; they are skipped without it'),
    ...(await services(status)),
    await database(status),
    ...(device === undefined ? [] : deviceFindings(device)),
  ]
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 19)
    ? ok('Node', process.version)
    : fail('Node', `${process.version} is older than 20.19`, 'install Node 20.19 or newer')
}

function cores(): Finding {
  const count = os.availableParallelism()
  const found = `${count} × ${os.cpus()[0]?.model.trim() ?? 'unknown'}`
  return count >= 2 ? ok('cores', found) : warn('cores', found, 'a run takes about twice as long on one core')
}

/** What this process may use: the machine's free memory, or less where a container limits it. */
function memory(): Finding {
  const limit = process.constrainedMemory()
  const free =
    limit > 0 && limit < os.totalmem() ? Math.min(limit, process.availableMemory()) : process.availableMemory()
  const found = `${gigabytes(free)} available`
  if (free >= 4 * 1024 ** 3) return ok('memory', found)
  const remedy = 'close other programs, or lower the engines with SPARRING_ENGINES=1'
  return free >= 2 * 1024 ** 3
    ? warn('memory', `${found}; the default run uses up to 4 GB`, remedy)
    : fail('memory', found, remedy)
}

function home(): Finding {
  try {
    const folder = prepareHome(defaultHome())
    const { bavail, bsize } = fs.statfsSync(folder)
    return ok('home', `${folder}, ${gigabytes(bavail * bsize)} free`)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return fail('home', error.message, error.remedy)
  }
}

/** In a process of its own: a native library that does not fit may end the process that loads it. */
function onnxruntime(): Finding {
  const code = `import('onnxruntime-node').then((ort) => process.stdout.write(ort.env.versions.node ?? 'loaded'))`
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 60_000,
    cwd: path.resolve(import.meta.dirname, '..'),
  })
  if (run.status === 0) return ok('ONNX Runtime', run.stdout)
  const why =
    run.stderr
      .trim()
      .split('\n')
      .find((line) => line.includes('Error')) ??
    run.signal ??
    'it does not load'
  return fail('ONNX Runtime', why, 'run `node scripts/setup.mjs`; on Linux it needs glibc 2.28 or newer (not musl)')
}

const examined = z.union([
  z.object({ unusable: z.string() }),
  z.object({
    reports: z.array(
      z.object({
        graph: z.string(),
        nodes: z.number(),
        fallback: z.record(z.string(), z.number()),
        copies: z.number(),
        difference: z.number(),
      }),
    ),
  }),
])

/** What each kind of graph does on a device. In a process of its own, as a driver that does not fit may end it. */
function deviceFindings(device: string): Finding[] {
  const root = path.resolve(import.meta.dirname, '..')
  const program = path.join(root, 'engine', 'examine.ts')
  const run = spawnSync(process.execPath, ['--import', 'tsx', program, device], { encoding: 'utf8', cwd: root })
  const what = `device ${device}`
  if (run.status !== 0) {
    const why =
      run.stderr.split('\n').find((line) => /^\w*Error: /.test(line)) ?? run.signal ?? `exit code ${run.status}`
    return [fail(what, why, 'its driver or its part of ONNX Runtime does not run our graphs; take the CPU')]
  }
  const result = examined.parse(JSON.parse(run.stdout.trim().split('\n').at(-1) ?? ''))
  if ('unusable' in result) return [fail(what, result.unusable, 'then look again with the same command')]
  return result.reports.map(({ graph, nodes, fallback, copies, difference }) => {
    const close = `differs from the CPU by at most ${difference.toExponential(0)}`
    const operators = Object.entries(fallback).map(([operator, count]) => `${operator} ×${count}`)
    const elsewhere = Object.values(fallback).reduce((sum, count) => sum + count, 0)
    if (device === 'cpu' || elsewhere === 0) return ok(what, `${graph}: ${nodes} nodes; ${close}`)
    const found = `${graph}: ${elsewhere} of ${nodes} nodes fall back to the CPU (${operators.join(', ')}), ${copies} copies between; ${close}`
    return warn(what, found, 'it works; each copy costs time, which large models feel least')
  })
}

function temporalProgram(): Finding {
  if (process.env['TEMPORAL_ADDRESS']) return ok('Temporal CLI', 'not needed: TEMPORAL_ADDRESS names a server')
  const installed = onPath('temporal', process.env)
  if (installed) return ok('Temporal CLI', installed)
  const folder = cacheFolder()
  const cached = fs.existsSync(folder)
    ? fs
        .readdirSync(folder)
        .map((name) => path.join(folder, name, 'temporal'))
        .find((file) => fs.existsSync(file))
    : undefined
  if (cached) return ok('Temporal CLI', `${cached} (in the cache)`)
  const go = onPath('go', process.env)
  return go
    ? ok('Temporal CLI', `none yet; the first start downloads it, or builds it with ${go} (3 to 7 minutes)`)
    : warn(
        ...(['Temporal CLI', 'none on PATH or in the cache, and no Go to build it with'] as const),
        'the first start tries to download it; else install Go (https://go.dev/dl) or the Temporal CLI (https://docs.temporal.io/cli)',
      )
}

function tool(name: string, remedy: string): Finding {
  const file = onPath(name, process.env)
  return file ? ok(name, file) : warn(name, 'not on PATH', remedy)
}

async function services({ temporal, postgres }: ServiceStatus): Promise<Finding[]> {
  const looked = (what: string, { mode, healthy, address, log }: ServiceStatus['postgres']): Finding =>
    healthy === false
      ? fail(
          what,
          `runs at ${address} but does not answer`,
          `\`sparring services down\`, then start again; its log: ${log}`,
        )
      : ok(what, mode === 'stopped' ? 'stopped; commands start it when they need it' : `${mode}, ${address}`)
  const wishes = [
    ...(temporal.mode === 'stopped'
      ? [
          { purpose: 'Temporal', variable: 'SPARRING_TEMPORAL_PORT', preferred: 7233 },
          { purpose: 'the Temporal UI', variable: 'SPARRING_UI_PORT', preferred: 8233 },
        ]
      : []),
    ...(postgres.mode === 'stopped'
      ? [{ purpose: 'Postgres', variable: 'SPARRING_POSTGRES_PORT', preferred: 54329 }]
      : []),
  ]
  const ports: Finding[] = []
  for (const wish of wishes) {
    try {
      const fixed = fixedPort(wish)
      const port = fixed ?? wish.preferred
      if (await isFree(port)) continue
      const found = `${port} for ${wish.purpose} is used by ${holderOf(port) ?? 'another program'}`
      ports.push(
        fixed === null
          ? warn('port', found, 'Sparring takes another port')
          : fail('port', found, `stop it, or set ${wish.variable} to another port`),
      )
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      ports.push(fail('port', error.message, error.remedy))
    }
  }
  return [
    looked('Temporal', temporal),
    looked('Postgres', postgres),
    ...(ports.length > 0 ? ports : [ok('ports', 'free, or in use by Sparring')]),
  ]
}

async function database({ postgres }: ServiceStatus): Promise<Finding> {
  if (postgres.mode === 'stopped') return ok('database', 'not looked at, as Postgres is stopped')
  const url = process.env['DATABASE_URL'] || postgres.address
  const client = new pg.Client({ connectionString: url ?? '', connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; size: string }>(
      `select current_setting('server_version') as version, pg_size_pretty(pg_database_size(current_database())) as size`,
    )
    return ok('database', `reachable: Postgres ${rows[0]?.version}, ${rows[0]?.size}`)
  } catch (error) {
    const remedy = process.env['DATABASE_URL']
      ? 'check DATABASE_URL: address, user, password; or unset it to use the embedded Postgres'
      : '`sparring services down`, then start again'
    return fail('database', messageOf(error) || String(error), remedy)
  } finally {
    await client.end()
  }
}
