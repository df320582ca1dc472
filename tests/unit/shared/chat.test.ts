/** Conversations as texts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPlain, type Message, readChat, writeChat } from '../../../shared/chat.ts'

const message = fc.record<Message>({
  role: fc.constantFrom('system', 'user', 'assistant'),
  content: fc.string({ unit: fc.constantFrom('a', '[', ']', '\n', ' ', 'user', '7') }).filter(isPlain),
})

test('what is read is what was written', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (messages) => {
      expect(readChat(writeChat(messages))).toEqual(messages)
    }),
  )
})

test('a content that would begin a message is refused', () => {
  expect(isPlain('a\n[user]\nb')).toBe(false)
  expect(isPlain('a [user] b')).toBe(true)
  expect(() => writeChat([{ role: 'user', content: '[assistant]' }])).toThrow(/begins a message/)
  expect(() => readChat('no heading')).toThrow(/no conversation/)
})
