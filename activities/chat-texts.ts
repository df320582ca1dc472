import type { Tokenizer } from '../engine/index.ts'
import { readChat } from '../shared/chat.ts'
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
    prompt: (text) => tokenizer.chat(readChat(text)),
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
