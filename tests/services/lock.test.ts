import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acquireLock } from '../../cli/services/lock.ts'
import { makeTestHome, removeTestHome } from './test-home.ts'

let home: string
beforeAll(() => void (home = makeTestHome()))
afterAll(() => removeTestHome(home))

test('a live holder is named, with what it does and how to end it', async () => {
  const file = path.join(home, 'live.lock')
  const lock = await acquireLock(file, 'sparring start')
  await expect(acquireLock(file, 'another')).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining(`sparring start (process ${process.pid}`),
    remedy: expect.stringContaining(`kill ${process.pid}`),
  })
  lock.release()
  expect(fs.existsSync(file)).toBe(false)
})

test.each([
  ['its process is gone', { id: 'x', pid: 2 ** 22 + 1, startTime: 'long ago', what: 'a dead start', since: '' }],
  [
    'its pid was handed to another process',
    { id: 'x', pid: process.pid, startTime: 'long ago', what: 'a dead start', since: '' },
  ],
  ['it is not readable', 'not a lock'],
])('a stale lock is taken over: %s', async (_, left) => {
  const file = path.join(home, 'stale.lock')
  fs.writeFileSync(file, JSON.stringify(left))
  const lock = await acquireLock(file, 'sparring start')
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid, what: 'sparring start' })
  lock.release()
})

test('of many that want it at once, exactly one has it at a time', async () => {
  const file = path.join(home, 'busy.lock')
  fs.writeFileSync(file, JSON.stringify({ id: 'x', pid: process.pid, startTime: 'long ago', what: 'dead', since: '' }))
  let inside = 0
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const lock = await acquireLock(file, `taker ${index}`, { waitMs: 20_000 })
      inside += 1
      await new Promise((resolve) => setImmediate(resolve))
      expect(inside).toBe(1)
      inside -= 1
      lock.release()
    }),
  )
})

test('releasing a lock that someone else took meanwhile leaves it alone', async () => {
  const file = path.join(home, 'lost.lock')
  const lock = await acquireLock(file, 'first')
  fs.rmSync(file)
  const other = await acquireLock(file, 'second')
  lock.release()
  expect(fs.existsSync(file)).toBe(true)
  other.release()
})
