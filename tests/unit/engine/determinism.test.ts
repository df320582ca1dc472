/** Same inputs, same bytes: run after run, session after session, process after process, also with two threads. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { compileAll } from './determinism-program.ts'

const program = fileURLToPath(new URL('./determinism-program.ts', import.meta.url))

async function inAnotherProcess(threads: number): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, String(threads)])
  return stdout.trim()
}

describe.each([1, 2])('with %d threads', (threads) => {
  it('the operations give the same bytes in every run, session and process', async () => {
    const hashes: string[] = []
    for (let session = 0; session < 2; session++) {
      const { run, outputs } = await compileAll(threads)
      expect(outputs).toBe(11 + 1 + 10)
      for (let time = 0; time < 8; time++) hashes.push(await run())
    }
    hashes.push(await inAnotherProcess(threads), await inAnotherProcess(threads))
    expect(new Set(hashes).size).toBe(1)
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
  })
})
