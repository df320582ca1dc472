/** The tokenizer in the metadata of a GGUF file, said as tokenizer.json. Names and meanings are those of llama.cpp's converter. */
import { z } from 'zod'
import type { GgufValue } from '../weights/gguf.ts'
import type { TokenizerParts } from './read.ts'
import { GPT2_PATTERN, isolate, TO_BYTES } from './stages.ts'
import { check, TokenizerError } from './tokenizer-file.ts'
import { LARGEST_VOCABULARY, type PreTokenizer, type TokenizerJson, tokenizerJson } from './tokenizer-json.ts'

const id = z
  .number()
  .int()
  .min(0)
  .max(LARGEST_VOCABULARY - 1)
const tokenList = z.array(z.string()).min(1).max(LARGEST_VOCABULARY)
const fields = z.object({
  'tokenizer.ggml.model': z.enum(['gpt2', 'llama']),
  'tokenizer.ggml.pre': z.string().optional(),
  'tokenizer.ggml.tokens': tokenList,
  'tokenizer.ggml.token_type': z.array(z.number().int()),
  'tokenizer.ggml.merges': z.array(z.string()).optional(),
  'tokenizer.ggml.scores': z.array(z.number()).optional(),
  'tokenizer.ggml.bos_token_id': id.optional(),
  'tokenizer.ggml.eos_token_id': id.optional(),
  'tokenizer.ggml.eot_token_id': id.optional(),
  'tokenizer.ggml.eom_token_id': id.optional(),
  'tokenizer.ggml.padding_token_id': id.optional(),
  'tokenizer.ggml.unknown_token_id': id.optional(),
  'tokenizer.ggml.add_bos_token': z.boolean().optional(),
  'tokenizer.ggml.add_space_prefix': z.boolean().default(true),
  'tokenizer.chat_template': z.string().optional(),
})
type Fields = z.infer<typeof fields>

/** llama_token_type of llama.cpp: control tokens end turns and the like; user-defined ones are matched whole and are text. */
const [CONTROL, USER_DEFINED] = [3, 4]
/** A GGUF file names one end of text and perhaps one of turn. llama.cpp stops at these too, and so does generation_config.json. */
const ENDS = new Set(['<|endoftext|>', '<|end_of_text|>', '<|im_end|>', '<|eot_id|>', '<|eom_id|>'])

export function ggufTokenizer(metadata: ReadonlyMap<string, GgufValue>, source: string): TokenizerParts {
  if (!metadata.has('tokenizer.ggml.model')) {
    throw new TokenizerError(
      `${source} holds no tokenizer: tokenizer.ggml.model is missing; convert it with its vocabulary`,
    )
  }
  const found = check(fields, Object.fromEntries(metadata), source)
  const tokens = found['tokenizer.ggml.tokens']
  const types = found['tokenizer.ggml.token_type']
  if (types.length !== tokens.length) {
    throw new TokenizerError(`${source}: ${types.length} of tokenizer.ggml.token_type for ${tokens.length} tokens`)
  }
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  const twice = tokens.find((token, id) => vocab[token] !== id)
  if (twice !== undefined)
    throw new TokenizerError(`${source}: tokenizer.ggml.tokens has ${JSON.stringify(twice)} twice`)
  const isByteLevel = found['tokenizer.ggml.model'] === 'gpt2'
  const added = tokens.flatMap((content, id) => {
    if (types[id] !== CONTROL && types[id] !== USER_DEFINED) return []
    return [{ id, content, normalized: false, special: types[id] === CONTROL }]
  })
  const json = {
    added_tokens: added,
    post_processor: null,
    ...(isByteLevel ? byteLevel : pieces)(found, vocab, source),
  }
  const ends = ['tokenizer.ggml.eos_token_id', 'tokenizer.ggml.eot_token_id', 'tokenizer.ggml.eom_token_id'] as const
  const bos = found['tokenizer.ggml.bos_token_id']
  // What llama.cpp takes where the field is absent.
  const addBos = found['tokenizer.ggml.add_bos_token'] ?? (!isByteLevel || found['tokenizer.ggml.pre'] === LLAMA_3)
  return {
    tokenizer: check(tokenizerJson, json, source),
    chatTemplate: found['tokenizer.chat_template'] ?? null,
    bosToken: bos ?? null,
    prependBos: addBos && bos !== undefined,
    padToken: found['tokenizer.ggml.padding_token_id'],
    endTokens: [
      ...ends.flatMap((name) => found[name] ?? []),
      ...added.flatMap(({ id, content, special }) => (special && ENDS.has(content) ? [id] : [])),
    ],
    endField: ends[0],
  }
}

type Made = Pick<TokenizerJson, 'normalizer' | 'pre_tokenizer' | 'decoder' | 'model'>
type Vocabulary = Readonly<Record<string, number>>

const LLAMA_3 = 'llama-bpe'
/** The splitters of Llama 3 and Qwen2 differ in how many digits make a word. */
const modern = (digits: string): string =>
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

/** By tokenizer.ggml.pre: as the tokenizer.json of these models splits, in which llama.cpp follows them but for NFC. */
const SPLITTERS: Readonly<Record<string, { readonly stages: readonly PreTokenizer[]; readonly nfc?: true }>> = {
  [LLAMA_3]: { stages: [isolate(modern(String.raw`\p{N}{1,3}`))] },
  qwen2: { stages: [isolate(modern(String.raw`\p{N}`))], nfc: true },
  'deepseek-r1-qwen': { stages: [isolate(modern(String.raw`\p{N}`))], nfc: true },
  smollm: { stages: [isolate(String.raw`\p{N}`), isolate(GPT2_PATTERN)] },
  'gpt-2': { stages: [isolate(GPT2_PATTERN)] },
  default: {
    stages: [
      isolate(String.raw`[\p{P}$+<=>^~|]+`),
      isolate(GPT2_PATTERN),
      isolate(String.raw`\p{N}+`),
      isolate('[0-9][0-9][0-9]'),
    ],
  },
}

function byteLevel(found: Fields, vocab: Vocabulary, source: string): Made {
  const pre = found['tokenizer.ggml.pre']
  const merges = found['tokenizer.ggml.merges']
  const splitter = pre !== undefined && Object.hasOwn(SPLITTERS, pre) ? SPLITTERS[pre] : undefined
  if (splitter === undefined) {
    const known = Object.keys(SPLITTERS).join(', ')
    const found = pre === undefined ? 'is missing' : `is ${JSON.stringify(pre)}`
    throw new TokenizerError(
      `${source}: tokenizer.ggml.pre ${found}; known are ${known}. Read the folder that the file was converted from`,
    )
  }
  if (merges === undefined) throw new TokenizerError(`${source}: tokenizer.ggml.merges is missing; convert it again`)
  return {
    normalizer: splitter.nfc ? { type: 'NFC' } : null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [...splitter.stages, TO_BYTES] },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { ...PLAIN_MODEL, ignore_merges: pre === LLAMA_3, vocab, merges: merges.map(pairOf) },
  }
}

const PLAIN_MODEL = {
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
} as const
const SPACE = '▁'

/** SentencePiece's byte-pair encoding, with the merges that follow from pieces and scores, as transformers reads it. */
function pieces(found: Fields, vocab: Vocabulary, source: string): Made {
  const tokens = found['tokenizer.ggml.tokens']
  const scores = found['tokenizer.ggml.scores']
  if (scores?.length !== tokens.length) {
    throw new TokenizerError(`${source}: tokenizer.ggml.scores has not one score per token; convert it again`)
  }
  const prefix = found['tokenizer.ggml.add_space_prefix']
  const unknown = tokens[found['tokenizer.ggml.unknown_token_id'] ?? -1]
  return {
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: SPACE, prepend_scheme: prefix ? 'first' : 'never', split: false },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip' as const, content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      ...PLAIN_MODEL,
      unk_token: unknown ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab,
      merges: mergesOf(tokens, scores, vocab),
    },
  }
}

interface Merge {
  readonly pair: readonly [string, string]
  readonly score: number
}

/** Every way to put a piece together from two others; the best score first, and of equal ones longer parts. */
function mergesOf(
  tokens: readonly string[],
  scores: readonly number[],
  vocab: Vocabulary,
): (readonly [string, string])[] {
  const merges: Merge[] = tokens.flatMap((token, id) => {
    const characters = Array.from(token)
    const ways = characters.slice(1).flatMap((_, index): Merge[] => {
      const left = characters.slice(0, index + 1).join('')
      const right = token.slice(left.length)
      return Object.hasOwn(vocab, left) && Object.hasOwn(vocab, right)
        ? [{ pair: [left, right], score: scores[id] ?? 0 }]
        : []
    })
    const rank = ({ pair: [left, right] }: Merge): [number, number] => [vocab[left] ?? 0, vocab[right] ?? 0]
    return ways.sort((one, other) => rank(one)[0] - rank(other)[0] || rank(one)[1] - rank(other)[1])
  })
  const length = (text: string): number => Array.from(text).length
  return merges
    .sort(
      (one, other) =>
        other.score - one.score ||
        length(other.pair[0]) - length(one.pair[0]) ||
        length(other.pair[1]) - length(one.pair[1]),
    )
    .map(({ pair }) => pair)
}

function pairOf(merge: string): readonly [string, string] {
  const space = merge.indexOf(' ', 1)
  return [merge.slice(0, space), merge.slice(space + 1)]
}
