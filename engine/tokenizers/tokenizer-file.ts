/** All that turns texts into tokens and back, as one plain JSON document: what a run stores beside the weights. */
import { z } from 'zod'
import { LARGEST_VOCABULARY, type TokenizerJson, tokenizerJson } from './tokenizer-json.ts'

/** A tokenizer or a chat template that cannot be read, or messages that a template refuses. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError'
}

const LARGEST_TEMPLATE = 1 << 18
const id = z
  .number()
  .int()
  .min(0)
  .max(LARGEST_VOCABULARY - 1)

const tokenizerFile = z
  .strictObject({
    format: z.literal('sparring-tokenizer-1'),
    /** tokenizer.json of Hugging Face's `tokenizers`, or the like of it made from a GGUF file. */
    tokenizer: tokenizerJson,
    /** In Jinja; null where the model has none. */
    chatTemplate: z.string().min(1).max(LARGEST_TEMPLATE).nullable(),
    bosToken: id.nullable(),
    eosToken: id,
    /** Texts of this model begin with BOS. Chat templates write it themselves. */
    prependBos: z.boolean(),
    /** All that end what the model says: ends of text and of turn, ascending. */
    stopTokens: z.array(id).min(1).max(64),
    padToken: id,
  })
  .superRefine(({ tokenizer, bosToken, eosToken, padToken, stopTokens, prependBos }, context) => {
    const known = knownIds(tokenizer)
    for (const id of [bosToken ?? eosToken, eosToken, padToken, ...stopTokens]) {
      if (!known.has(id)) context.addIssue({ code: 'custom', message: `token ${id} is not in the vocabulary` })
    }
    if (prependBos && bosToken === null) context.addIssue({ code: 'custom', message: 'prependBos without a bosToken' })
  })

export type TokenizerFile = z.infer<typeof tokenizerFile>

/** Throws TokenizerError, which names `source` and the field. The text is what JSON.stringify makes of a TokenizerFile. */
export function parseTokenizerFile(text: string, source: string): TokenizerFile {
  return checkTokenizerFile(parseJson(text, source), source)
}

export function checkTokenizerFile(content: unknown, source: string): TokenizerFile {
  return check(tokenizerFile, content, source)
}

export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new TokenizerError(`${source} is not JSON; copy it again from where the model is published`, { cause })
  }
}

export function check<Content>(schema: z.ZodType<Content>, content: unknown, source: string): Content {
  const parsed = schema.safeParse(content)
  if (!parsed.success) throw new TokenizerError(`${source}: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/** The tokens by their ids. */
export function tokensById({ model, added_tokens: added }: TokenizerJson): Map<number, string> {
  const tokens = new Map(Object.entries(model.vocab).map(([token, id]) => [id, token]))
  for (const { id, content } of added) tokens.set(id, content)
  return tokens
}

function knownIds({ model, added_tokens: added }: TokenizerJson): ReadonlySet<number> {
  return new Set([...Object.values(model.vocab), ...added.map(({ id }) => id)])
}
