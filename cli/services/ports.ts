/** Ports: the ones people expect when they are free, others when not, and the same ones again at the next start. */
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import { UserError } from '../../shared/errors.ts'
import { commandLineOf, hasCode, readIfThere } from './processes.ts'

export interface PortWish {
  /** What the port is for, in error messages: "Temporal" */
  purpose: string
  /** The environment variable by which a user fixes it. */
  variable: string
  /** The port this home used before, else the customary one. */
  preferred: number
}

/** The port that the user fixed in the environment, checked; null when there is none. */
export function fixedPort(wish: PortWish, env: NodeJS.ProcessEnv = process.env): number | null {
  const text = env[wish.variable]
  if (text === undefined || text === '') return null
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new UserError(
      `${wish.variable}=${text} is not a port number.`,
      'Set it to a whole number from 1 to 65535, or unset it.',
    )
  return port
}

/** A port that is free now. One that the user fixed and something else holds is an error; a preferred one gives way. */
export async function choosePort(
  wish: PortWish,
  avoid: readonly number[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const fixed = fixedPort(wish, env)
  if (fixed !== null) {
    if (await isFree(fixed)) return fixed
    const holder = holderOf(fixed)
    throw new UserError(
      `Port ${fixed}, set for ${wish.purpose} by ${wish.variable}, is in use${holder === null ? '' : ` by ${holder}`}.`,
      `Stop what uses it, set ${wish.variable} to another port, or unset it to let Sparring choose one.`,
    )
  }
  if (!avoid.includes(wish.preferred) && (await isFree(wish.preferred))) return wish.preferred
  return freePort(avoid)
}

/** A server found that another program had taken its port between our look and its start. */
export class PortTaken extends UserError {}

/**
 * Starts a server on the ports chosen for it. The first starts of two homes at once want the same customary ones: who comes
 * second chooses again, and `choose` refuses a port that the user fixed.
 */
export async function startOn<P, T>(chosen: P, choose: () => Promise<P>, start: (ports: P) => Promise<T>): Promise<T> {
  for (let attempt = 1, ports = chosen; ; attempt += 1) {
    try {
      return await start(ports)
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === 3) throw error
      ports = await choose()
    }
  }
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', (error) => {
      if (hasCode(error, 'EADDRINUSE', 'EACCES')) resolve(false)
      else reject(error)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * Below the range from which systems give ports to outgoing connections and to servers that ask for any port (Temporal's inner
 * services do): such a port could be gone between our look and the start of the server that wants it.
 */
const [lowest, highest] = [20_000, 32_000]

export async function freePort(avoid: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const port = randomInt(lowest, highest)
    if (!avoid.includes(port) && (await isFree(port))) return port
  }
  throw new UserError(
    `No free port was found from ${lowest} to ${highest}.`,
    'Stop some of the servers on this machine.',
  )
}

/** Who listens on a port, as far as this user may know: "process 4711 (postgres -D …)". */
export function holderOf(port: number): string | null {
  const pid = process.platform === 'linux' ? listenerFromProc(port) : listenerFromLsof(port)
  if (pid === null) return null
  const command = commandLineOf(pid)
  return command === null
    ? `process ${pid}`
    : `process ${pid} (${command.length > 80 ? `${command.slice(0, 80)}…` : command})`
}

function listenerFromProc(port: number): number | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (readIfThere(table) ?? '').split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/)
      const [local, state, inode] = [columns[1], columns[3], columns[9]]
      if (state === '0A' && local?.endsWith(`:${hex}`) && inode !== undefined) inodes.add(`socket:[${inode}]`)
    }
  }
  if (inodes.size === 0) return null
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const holder = pids.find((pid) => descriptorsOf(pid).some((target) => inodes.has(target)))
  return holder === undefined ? null : Number(holder)
}

/** Where the open files of a process point; nothing for a process that ended meanwhile or that this user may not see. */
function descriptorsOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`
  const visible = (read: () => string[]): string[] => {
    try {
      return read()
    } catch (error) {
      if (hasCode(error, 'EACCES', 'EPERM', 'ENOENT', 'ESRCH')) return []
      throw error
    }
  }
  return visible(() => fs.readdirSync(folder)).flatMap((fd) => visible(() => [fs.readlinkSync(`${folder}/${fd}`)]))
}

function listenerFromLsof(port: number): number | null {
  try {
    const out = execFileSync('lsof', ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN'], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    return Number(out.split('\n')[0]) || null
  } catch (error) {
    // lsof exits with 1 when it found nothing, and may not be installed: the holder then stays unknown.
    if (hasCode(error, 'ENOENT') || (error instanceof Error && 'status' in error)) return null
    throw error
  }
}
