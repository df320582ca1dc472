/** The machine's peak in float32 operations per second, as a candidate of its own, so that it is measured in the same minute. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../shared/errors.ts'
import { Candidate } from './candidate.ts'

export const PEAK = 'peak'

/** Starts the multiply-add test with that many threads. Its `ready.flopPerRepeat` says how many operations a repetition makes. */
export async function startPeak(threads: number): Promise<Candidate> {
  return Candidate.start(PEAK, build(), [String(threads)])
}

let built: string | undefined

function build(): string {
  if (built !== undefined) return built
  const source = fileURLToPath(new URL('./peers/peak.c', import.meta.url))
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-bench-'))
  process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
  const program = path.join(folder, 'peak')
  try {
    execFileSync('cc', ['-O3', '-march=native', '-pthread', '-o', program, source], { stdio: 'pipe' })
  } catch {
    throw new UserError('there is no C compiler to build the test of peak speed', 'apt-get install gcc libc6-dev')
  }
  return (built = program)
}
