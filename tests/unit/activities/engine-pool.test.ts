/** The pool of engines: who gets a place, and what becomes of one that was borrowed. */
import { expect, it } from 'vitest'
import { EnginePool } from '../../../activities/dependencies.ts'
import { Times } from '../../../activities/times.ts'
import { EngineProcess } from '../../../engine/index.ts'

const attempt = () => ({ signal: new AbortController().signal, times: new Times() })

/** Takes a place until it is told to let go. */
function worker(pool: EnginePool, begun: string[], name: string) {
  let letGo: () => void = () => undefined
  const held = new Promise<void>((resolve) => (letGo = resolve))
  const ended = pool.use(attempt(), async () => {
    begun.push(name)
    await held
  })
  return { ended, letGo }
}

it('lends an idle place, and gives it to who waits as soon as it comes back', async () => {
  const pool = new EnginePool(2, () => new EngineProcess())
  const begun: string[] = []
  const first = worker(pool, begun, 'first')
  const borrowed = pool.borrow()
  expect(borrowed).not.toBeNull()
  expect(pool.borrow()).toBeNull()
  const second = worker(pool, begun, 'second')
  expect(begun).toEqual(['first'])
  borrowed?.giveBack()
  second.letGo()
  await second.ended
  expect(begun).toEqual(['first', 'second'])
  first.letGo()
  await first.ended
  expect([pool.borrow(), pool.borrow(), pool.borrow()].map((place) => place !== null)).toEqual([true, true, false])
})
