/**
 * tokenizer.json, the format of Hugging Face's `tokenizers` (https://huggingface.co/docs/tokenizers), as far as models of the Llama
 * family use it: byte-pair encoding with byte-level or byte-fallback vocabularies. Strict, since a stage that is not known changes
 * the tokens.
 */
import { z } from 'zod'

/** Above any vocabulary that is published; it bounds what an id in a hostile file can make us reserve. */
export const LARGEST_VOCABULARY = 1 << 20
const LARGEST_PATTERN = 4096
const MOST_STAGES = 16

const id = z
  .number()
  .int()
  .min(0)
  .max(LARGEST_VOCABULARY - 1)
/** The library hands it to String.replace, where a dollar sign would stand for something else. */
const replacement = z
  .string()
  .max(64)
  .regex(/^[^$]*$/, 'a replacement with a dollar sign is not read')
const pattern = z.union([
  z.strictObject({ String: z.string().min(1).max(LARGEST_PATTERN) }),
  z.strictObject({ Regex: z.string().min(1).max(LARGEST_PATTERN) }),
])
const replace = z.strictObject({ type: z.literal('Replace'), pattern, content: replacement })
const byteLevel = z.strictObject({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean().default(true),
  trim_offsets: z.boolean().default(true),
  use_regex: z.boolean().default(true),
})

const plainNormalizer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['NFC', 'NFD', 'NFKC', 'NFKD']) }),
  z.strictObject({ type: z.literal('Prepend'), prepend: z.string().max(64) }),
  replace,
])
const normalizer = z.discriminatedUnion('type', [
  plainNormalizer,
  z.strictObject({
    type: z.literal('Sequence'),
    normalizers: z.array(plainNormalizer).max(MOST_STAGES),
  }),
])

/** The library splits by these alone as `tokenizers` does; the other behaviours it takes for Isolated. */
const split = z
  .strictObject({
    type: z.literal('Split'),
    pattern,
    behavior: z.enum(['Isolated', 'Removed']),
    invert: z.boolean(),
  })
  .refine(({ behavior, invert }) => behavior === 'Removed' || !invert, 'an inverted Split that keeps all is not read')
const plainPreTokenizer = z.discriminatedUnion('type', [
  byteLevel,
  split,
  z.strictObject({ type: z.literal('Digits'), individual_digits: z.boolean() }),
  z.strictObject({
    type: z.literal('Metaspace'),
    replacement: z.string().length(1),
    prepend_scheme: z.enum(['always', 'never', 'first']).default('always'),
    split: z.boolean().default(true),
  }),
])
const preTokenizer = z.discriminatedUnion('type', [
  plainPreTokenizer,
  z.strictObject({
    type: z.literal('Sequence'),
    pretokenizers: z.array(plainPreTokenizer).max(MOST_STAGES),
  }),
])

const decoder = z.discriminatedUnion('type', [
  byteLevel,
  z.strictObject({
    type: z.literal('Sequence'),
    decoders: z
      .array(
        z.discriminatedUnion('type', [
          z.strictObject({
            type: z.literal('Replace'),
            pattern: z.strictObject({ String: z.string().min(1).max(64) }),
            content: replacement,
          }),
          z.strictObject({ type: z.enum(['ByteFallback', 'Fuse']) }),
          z.strictObject({
            type: z.literal('Strip'),
            content: z.string().length(1),
            start: z.number().int().min(0).max(64),
            stop: z.number().int().min(0).max(64),
          }),
        ]),
      )
      .max(MOST_STAGES),
  }),
])

/** Checked by hand: a hundred thousand entries, among them names such as __proto__. */
const vocabulary = z.custom<Readonly<Record<string, number>>>((value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const ids: unknown[] = Object.values(value)
  return ids.every((id) => isId(id)) && new Set(ids).size === ids.length
}, `not an object of tokens with different ids below ${LARGEST_VOCABULARY}`)

/** Older files write a merge as one text with a space between its parts. */
const merges = z
  .custom<readonly (string | readonly [string, string])[]>(
    (value) => Array.isArray(value) && value.length <= 4 * LARGEST_VOCABULARY && value.every((merge) => isMerge(merge)),
    'not a list of pairs of tokens',
  )
  .transform((list): readonly (readonly [string, string])[] => list.map(pairOf))

const none = z
  .literal('')
  .nullish()
  .transform(() => null)
const model = z.object({
  type: z.literal('BPE'),
  dropout: z
    .null()
    .optional()
    .transform(() => null),
  unk_token: z
    .string()
    .nullish()
    .transform((token) => token ?? null),
  continuing_subword_prefix: none,
  end_of_word_suffix: none,
  fuse_unk: z.boolean().default(false),
  byte_fallback: z.boolean().default(false),
  ignore_merges: z.boolean().default(false),
  vocab: vocabulary,
  merges,
})

const addedToken = z.object({
  id,
  content: z.string().min(1).max(1024),
  /** Whole words only, and white space that the token swallows: no model of the family uses them. */
  single_word: z.literal(false).default(false),
  lstrip: z.literal(false).default(false),
  rstrip: z.literal(false).default(false),
  normalized: z.boolean(),
  special: z.boolean(),
})

/** How texts of other lengths are cut or filled is no part of the tokens. */
const unused = z
  .unknown()
  .optional()
  .transform(() => null)

export const tokenizerJson = z
  .object({
    version: z.literal('1.0').default('1.0'),
    truncation: unused,
    padding: unused,
    added_tokens: z
      .array(addedToken)
      .max(1 << 16)
      .default([]),
    normalizer: normalizer.nullable(),
    pre_tokenizer: preTokenizer.nullable(),
    /** What it adds, which is BOS if anything, is read from elsewhere; kept, so that the file can be written again. */
    post_processor: z.record(z.string(), z.unknown()).nullable(),
    decoder,
    model,
  })
  .superRefine(({ added_tokens: added, model: { vocab, merges, unk_token: unknown } }, context) => {
    const fail = (message: string): void => context.addIssue({ code: 'custom', message })
    const tokens = new Map(Object.entries(vocab))
    const byId = new Map([...tokens].map(([token, id]) => [id, token]))
    for (const { id, content } of added) {
      if ((byId.get(id) ?? content) !== content || (tokens.get(content) ?? id) !== id) {
        fail(`added token ${JSON.stringify(content)} and another share an id or a text`)
      }
      byId.set(id, content)
      tokens.set(content, id)
    }
    if (tokens.size === 0) fail('the vocabulary is empty')
    if (unknown !== null && !tokens.has(unknown)) fail(`unk_token ${JSON.stringify(unknown)} is not in the vocabulary`)
    const lost = merges.find(([left, right]) => !tokens.has(left + right))
    if (lost !== undefined) fail(`the merge ${JSON.stringify(lost)} makes no token of the vocabulary`)
  })

export type TokenizerJson = z.infer<typeof tokenizerJson>
export type AddedToken = TokenizerJson['added_tokens'][number]
export type PreTokenizer = z.infer<typeof plainPreTokenizer>

function isId(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < LARGEST_VOCABULARY
}

function isMerge(value: unknown): boolean {
  if (typeof value === 'string') return value.indexOf(' ', 1) > 0
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}

function pairOf(merge: string | readonly [string, string]): readonly [string, string] {
  if (typeof merge !== 'string') return merge
  const space = merge.indexOf(' ', 1)
  return [merge.slice(0, space), merge.slice(space + 1)]
}
