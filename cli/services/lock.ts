/**
 * A lock that is a file naming its holder. The holder's pid and start time tell a live holder from one that was killed, so a lock
 * left behind by `kill -9` or a power cut is taken over without asking anyone.
 */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import { hasCode, isAlive, ownHandle, readIfThere, until } from './processes.ts'

const Holder = z.object({
  id: z.string(),
  pid: z.number().int(),
  startTime: z.string(),
  what: z.string(),
  since: z.string(),
})
type Holder = z.infer<typeof Holder>

export interface Lock {
  path: string
  release(): void
}

export interface LockOptions {
  /** How long to wait for a live holder before giving up; by default not at all. */
  waitMs?: number
  /** Called once, when the lock is found taken and we begin to wait. */
  onWait?: (holder: string) => void
}

/**
 * Takes the lock, or throws a UserError that names the process which holds it.
 * @param what what the holder is doing, for other people's error messages: "sparring start"
 */
export async function acquireLock(file: string, what: string, options: LockOptions = {}): Promise<Lock> {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const own: Holder = { id: randomUUID(), ...ownHandle(), what, since: new Date().toISOString() }
  let waiting = false
  const taken = await until(() => {
    const holder = tryToTake(file, own)
    if (holder === null) return true
    if (!waiting && options.waitMs !== undefined) options.onWait?.(describe(holder))
    waiting = true
    return false
  }, options.waitMs ?? 0)
  if (!taken) {
    const holder = readHolder(file)
    throw new UserError(
      `${holder === null ? 'Another process' : describe(holder)} holds ${file}.`,
      holder === null ? 'Try again.' : `Wait for it to end, or end it: kill ${holder.pid}`,
    )
  }
  return {
    path: file,
    release() {
      if (readHolder(file)?.id === own.id) fs.rmSync(file, { force: true })
    },
  }
}

function describe(holder: Holder): string {
  return `${holder.what} (process ${holder.pid}, since ${holder.since})`
}

/** One attempt; null when the lock is ours now, else its live holder. */
function tryToTake(file: string, own: Holder): Holder | null {
  const draft = `${file}.${own.id}`
  fs.writeFileSync(draft, JSON.stringify(own))
  try {
    for (;;) {
      if (linkIfFree(draft, file)) return null
      const holder = readHolder(file)
      if (holder !== null && isAlive(holder)) return holder
      removeStale(file, holder)
    }
  } finally {
    fs.rmSync(draft, { force: true })
  }
}

/** A hard link appears at once and with its whole content, or fails because the name is taken. */
function linkIfFree(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/**
 * Moves a dead holder's lock out of the way. Between our look and our move another process may have done the same and taken the
 * lock; then what we moved is live, and goes back.
 */
function removeStale(file: string, seen: Holder | null): void {
  const aside = `${file}.stale-${randomUUID()}`
  try {
    fs.renameSync(file, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  if (readHolder(aside)?.id !== seen?.id) linkIfFree(aside, file)
  fs.rmSync(aside, { force: true })
}

/** Who the file names; null when there is no file, or one that no lock of ours wrote (it then counts as stale). */
export function readHolder(file: string): Holder | null {
  const text = readIfThere(file)
  if (text === null) return null
  try {
    return Holder.parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}
