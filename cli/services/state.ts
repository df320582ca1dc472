/** What runs for one home: ports, processes and who uses them, in <home>/services.json. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { isAlive, readIfThere } from './processes.ts'

const Handle = z.object({ pid: z.number().int().positive(), startTime: z.string() })
const State = z.object({
  version: z.literal(1),
  ports: z.object({ temporal: z.number().int(), ui: z.number().int(), postgres: z.number().int() }).partial(),
  temporal: Handle.nullable(),
  postgres: Handle.nullable(),
  /** Brought up by `sparring services up`: stays when the last user leaves. */
  keep: z.boolean(),
  /** The commands that use the services now. The last one to leave stops them. */
  users: z.array(Handle.extend({ id: z.string(), what: z.string() })),
})
export type ServicesState = z.infer<typeof State>

const empty = (): ServicesState => ({ version: 1, ports: {}, temporal: null, postgres: null, keep: false, users: [] })

/** The folder in which Sparring keeps its state: SPARRING_HOME, else .sparring in the project. */
export function defaultHome(): string {
  const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
  return path.resolve(process.env['SPARRING_HOME'] || path.join(project, '.sparring'))
}

export const stateFile = (home: string): string => path.join(home, 'services.json')
export const logFile = (home: string, service: 'temporal' | 'postgres'): string =>
  path.join(home, 'logs', `${service}.log`)

/**
 * Reads the state and forgets the users that died. A file that cannot be read as a state costs nothing, because the
 * services are found again by their own pid files: it is set aside, and said so.
 */
export function readState(home: string, onProgress: (message: string) => void): ServicesState {
  const file = stateFile(home)
  const text = readIfThere(file)
  if (text === null) return empty()
  try {
    const state = State.parse(JSON.parse(text))
    return { ...state, users: state.users.filter((user) => isAlive(user)) }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error
    fs.renameSync(file, `${file}.unreadable`)
    onProgress(`${file} could not be read; set aside as services.json.unreadable`)
    return empty()
  }
}

/** Written whole or not at all: temporary file, fsync, rename. */
export function writeState(home: string, state: ServicesState): void {
  const file = stateFile(home)
  const draft = `${file}.${process.pid}`
  const descriptor = fs.openSync(draft, 'w')
  try {
    fs.writeSync(descriptor, `${JSON.stringify(state, null, 2)}\n`)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
  fs.renameSync(draft, file)
}
