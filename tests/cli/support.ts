/** Runs the command as a user does: a process of its own, real exit codes, real texts. */
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Started {
  child: ChildProcess
  ended: Promise<Ended>
  /** Resolves when the text has appeared on stdout. */
  said(text: string): Promise<void>
}

export function begin(args: readonly string[], env: NodeJS.ProcessEnv = {}, at = root): Started {
  const child = spawn(process.execPath, [path.join(at, 'cli', 'sparring.mjs'), ...args], {
    cwd: at,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  const listeners = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const listener of listeners) listener()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout.includes(text)) resolve()
      }
      listeners.add(look)
      look()
      void ended.then(() => reject(new Error(`it ended without saying ${JSON.stringify(text)}:\n${stdout}\n${stderr}`)))
    })
  return { child, ended, said }
}

export const sparring = (args: readonly string[], env: NodeJS.ProcessEnv = {}, at = root): Promise<Ended> =>
  begin(args, env, at).ended

/** What tells a command which services to use: a home and a database of its own, and queues that no other worker polls. */
export const servedBy = (place: { home: string; databaseUrl: string; queuePrefix: string }): NodeJS.ProcessEnv => ({
  SPARRING_HOME: place.home,
  DATABASE_URL: place.databaseUrl,
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TEMPORAL_NAMESPACE: inject('temporalNamespace'),
  SPARRING_QUEUE_PREFIX: place.queuePrefix,
})
