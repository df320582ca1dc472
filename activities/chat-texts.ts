import type { Tokenizer } from '../engine/index.ts'
import { type Message, readChat } from '../shared/chat.ts'
import type { Texts } from '../shared/texts.ts'

/**
 * Texts in the language of a chat model. A prompt is a conversation (shared/chat.ts), put into the model's own form by its
 * template; the stop mark stands for the model's end of a turn.
 */
export function chatTexts(tokenizer: Tokenizer, stop: string): Texts {
  const [end] = tokenizer.stopTokens
  const stops = new Set(tokenizer.stopTokens)
  return {
    size: tokenizer.size,
    padToken: tokenizer.padToken,
    stopTokens: tokenizer.stopTokens,
    prompt: (text) => promptOf(tokenizer, readChat(text)),
    completion(text) {
      if (!text.endsWith(stop) || end === undefined) return tokenizer.encode(text)
      return [...tokenizer.encode(text.slice(0, -stop.length)), end]
    },
    decode(tokens) {
      const last = tokens.at(-1)
      if (last === undefined || !stops.has(last)) return tokenizer.decode(tokens)
      return tokenizer.decode(tokens.slice(0, -1)) + stop
    },
  }
}

/**
 * A message that the assistant has begun is divided into tokens as it would be with more behind it. Some tokenizers write a blank line
 * in one way within a text and in another at its end, where the model has never seen it.
 */
function promptOf(tokenizer: Tokenizer, messages: readonly Message[]): number[] {
  const last = messages.at(-1)
  if (last?.role === 'assistant' && /\s$/.test(last.content)) {
    const longer = tokenizer.chat([...messages.slice(0, -1), { ...last, content: last.content + MORE }])
    const before = longer.slice(0, -1)
    if (tokenizer.decode(before) + MORE === tokenizer.decode(longer)) return before
  }
  return tokenizer.chat(messages)
}

/** What may come next: a token of its own behind a line break, whatever the tokenizer. */
const MORE = 'a'
