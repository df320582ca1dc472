/** Prompts of chat models as tokens. */
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { chatTexts } from '../../../activities/chat-texts.ts'
import { createTokenizer, readTokenizer } from '../../../engine/index.ts'
import { writeChat } from '../../../shared/chat.ts'

const folder = path.resolve(import.meta.dirname, '..', '..', 'parity', 'fixtures', 'tokenizers')
const question = { role: 'user', content: 'Why?' } as const
const promptOf = (content: string): string => writeChat([question, { role: 'assistant', content }])

describe.each(['smollm2', 'qwen2', 'llama3', 'llama2'])('the tokenizer of %s', async (name) => {
  const tokenizer = createTokenizer(await readTokenizer(path.join(folder, name)))
  const { prompt } = chatTexts(tokenizer, '␃')

  it.each(['One.\n\n', '2 + 3 = 5\n\n', 'One.\nTwo.\n\n\n', 'One.\n'])(
    'divides what the assistant begins with, %j, as within the whole of what it says',
    (begun) => {
      const whole = tokenizer.chat([question, { role: 'assistant', content: `${begun}So it is.` }])
      const asked = prompt(promptOf(begun))
      expect(whole.slice(0, asked.length)).toEqual(asked)
      expect(tokenizer.decode(whole.slice(asked.length))).toBe('So it is.')
    },
  )

  it.each(['One', 'One. ', 'One.'])('leaves %j as it is', (begun) => {
    const messages = [question, { role: 'assistant' as const, content: begun }]
    expect(prompt(promptOf(begun))).toEqual(tokenizer.chat(messages))
  })
})
