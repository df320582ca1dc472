/**
 * Decodes vocabularies of SentencePiece, whose characters outside of it are tokens of bytes such as <0xE2>. The library's stage for
 * these decodes bytes that are no characters otherwise than `tokenizers` does, and drops a byte order mark.
 */
import type { TokenizerJson } from './tokenizer-json.ts'

type Stages = Extract<TokenizerJson['decoder'], { type: 'Sequence' }>['decoders']

export function decodePieces(tokens: readonly string[], stages: Stages): string {
  return stages.reduce(applyStage, tokens).join('')
}

function applyStage(tokens: readonly string[], stage: Stages[number]): readonly string[] {
  switch (stage.type) {
    case 'Replace':
      return tokens.map((token) => token.replaceAll(stage.pattern.String, stage.content))
    case 'ByteFallback':
      return joinBytes(tokens)
    case 'Fuse':
      return [tokens.join('')]
    case 'Strip':
      return tokens.map((token) => strip(token, stage))
  }
}

/** Neighbouring bytes become the characters that they make, or, if some make none, U+FFFD each. */
function joinBytes(tokens: readonly string[]): string[] {
  const joined: string[] = []
  let bytes: number[] = []
  const flush = (): void => {
    if (bytes.length > 0) joined.push(textOf(bytes))
    bytes = []
  }
  for (const token of tokens) {
    const [, digits] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? []
    if (digits === undefined) {
      flush()
      joined.push(token)
    } else bytes.push(Number.parseInt(digits, 16))
  }
  flush()
  return joined
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: readonly number[]): string {
  try {
    return strict.decode(Uint8Array.from(bytes))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return '\ufffd'.repeat(bytes.length)
  }
}

function strip(token: string, { content, start, stop }: Extract<Stages[number], { type: 'Strip' }>): string {
  let first = 0
  while (first < start && token[first] === content) first++
  let end = token.length
  while (end > first && token.length - end < stop && token[end - 1] === content) end--
  return token.slice(first, end)
}
