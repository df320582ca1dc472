import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sha256 } from '../../../shared/sha256.ts'

it('hashes as node:crypto does, whatever the length and the characters', () => {
  const theirs = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')
  for (let length = 0; length < 200; length++) expect(sha256('x'.repeat(length))).toBe(theirs('x'.repeat(length)))
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      expect(sha256(text)).toBe(theirs(text))
    }),
  )
})
