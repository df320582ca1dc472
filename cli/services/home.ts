/** The folder that holds a home's state: made, and found fit, before anything is started in it. */
import fs from 'node:fs'
import path from 'node:path'
import { messageOf, UserError } from '../../shared/errors.ts'
import { hasCode } from './processes.ts'

/** A default run writes a few hundred megabytes; Postgres and SQLite stop hard on a full disk. */
const leastFreeBytes = 1024 ** 3

/** Makes the folder and returns its real path (Postgres and /proc speak in real paths). */
export function prepareHome(home: string, needBytes = leastFreeBytes): string {
  const remedy = 'Mend its owner or permissions, free disk space, or set SPARRING_HOME to another folder.'
  try {
    fs.mkdirSync(path.join(home, 'logs'), { recursive: true })
    const probe = path.join(home, `.probe-${process.pid}`)
    fs.writeFileSync(probe, '')
    fs.rmSync(probe)
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST')) throw error
    throw new UserError(
      `The folder ${home}, where Sparring keeps its state, cannot be written: ${messageOf(error)}`,
      remedy,
    )
  }
  const { bavail, bsize } = fs.statfsSync(home)
  const free = bavail * bsize
  if (free < needBytes)
    throw new UserError(
      `The disk of ${home} has ${megabytes(free)} MB free; Sparring needs ${megabytes(needBytes)} MB to start.`,
      'Free some disk space, or set SPARRING_HOME to a folder on another disk.',
    )
  return fs.realpathSync(home)
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2)
}

const largestLog = 20 * 1024 ** 2

/** Keeps one old log beside the current one, so that logs do not grow for ever. */
export function rotateLog(file: string): void {
  if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > largestLog) fs.renameSync(file, `${file}.1`)
}
