/** Same inputs, same bytes: run after run, session after session, process after process, also with two threads. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { runAll, trainSideBySide } from './determinism-graphs.ts'
import { compileAll } from './determinism-operations.ts'

async function inAnotherProcess(file: string, threads: number): Promise<string> {
  const program = fileURLToPath(new URL(file, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, String(threads)])
  return stdout.trim()
}

const [operations, graphs] = ['./determinism-operations.ts', './determinism-graphs.ts']

describe.each([1, 2])('with %d threads', (threads) => {
  it('the operations give the same bytes in every run, session and process', async () => {
    const hashes: string[] = []
    for (let session = 0; session < 2; session++) {
      const { run, outputs } = await compileAll(threads)
      expect(outputs).toBe(11 + 1 + 10)
      for (let time = 0; time < 8; time++) hashes.push(await run())
    }
    hashes.push(await inAnotherProcess(operations, threads), await inAnotherProcess(operations, threads))
    expect(new Set(hashes).size).toBe(1)
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
  })

  it('every graph of the engine gives the same bytes in two sessions and in another process', async () => {
    const first = await runAll(threads)
    expect(Object.keys(first)).toHaveLength(14)
    expect(await runAll(threads)).toEqual(first)
    expect(JSON.parse(await inAnotherProcess(graphs, threads))).toEqual(first)
  })
})

it('training gives the bytes of one thread with the halves of each batch side by side', async () => {
  const found = await trainSideBySide()
  expect(Object.keys(found)).toHaveLength(4)
  expect(await runAll(1)).toMatchObject(found)
})
