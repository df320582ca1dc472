/** Values that are kept: the latest, and each is ended when it goes. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Latest } from '../../../engine/runtime/latest.ts'

it('keeps the latest values of a sequence of uses, and drops each other one once', async () => {
  const uses = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 40 })
  const property = fc.asyncProperty(uses, fc.integer({ min: 1, max: 4 }), async (keys, capacity) => {
    const [made, dropped]: [number[], number[]] = [[], []]
    const latest = new Latest<{ readonly key: number }>(capacity, async ({ key }) => void dropped.push(key))
    /** From the one used longest ago on. */
    let kept: number[] = []
    for (const key of keys) {
      const isKept = kept.includes(key)
      const count = made.length
      const value = await latest.get(String(key), () => {
        made.push(key)
        return { key }
      })
      expect(value.key).toBe(key)
      expect(made.length).toBe(isKept ? count : count + 1)
      kept = [...kept.filter((other) => other !== key), key].slice(-capacity)
      expect(made.length - dropped.length).toBe(kept.length)
    }
    const before = dropped.length
    await latest.clear()
    expect(dropped.slice(before)).toEqual(kept)
  })
  await fc.assert(property, { numRuns: 200 })
})

it('keeps nothing of a value that could not be made', async () => {
  const latest = new Latest<object>(1)
  const failing = latest.get('a', () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(await latest.get('a', () => ({ made: true }))).toEqual({ made: true })
})
