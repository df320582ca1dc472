/** The tokenizer of a published model: a folder in the form of Hugging Face, or a GGUF file. */
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { readGguf } from '../weights/gguf.ts'
import { endOfTurn } from './chat.ts'
import { ggufTokenizer } from './gguf-tokenizer.ts'
import { Matcher } from './matcher.ts'
import { check, checkTokenizerFile, parseJson, TokenizerError, type TokenizerFile } from './tokenizer-file.ts'
import { type TokenizerJson, tokenizerJson } from './tokenizer-json.ts'

/** What a model says of its tokens, before it is put together. */
export interface TokenizerParts extends Omit<TokenizerFile, 'format' | 'eosToken' | 'stopTokens' | 'padToken'> {
  readonly padToken: number | undefined
  /** All that the model's files name, in their order; the first is the end of text that templates know. */
  readonly endTokens: readonly number[]
  /** The field that would hold them. */
  readonly endField: string
}

/**
 * `source` is a folder with tokenizer.json (and tokenizer_config.json, chat_template.jinja, generation_config.json,
 * special_tokens_map.json as far as they are there), or a .gguf file. Throws TokenizerError or GgufError, which name the file and
 * the field.
 */
export async function readTokenizer(source: string): Promise<TokenizerFile> {
  if (!source.endsWith('.gguf')) return complete(await readFolder(source), source)
  return complete(ggufTokenizer(readGguf(await fs.readFile(source), source).metadata, source), source)
}

function complete(parts: TokenizerParts, source: string): TokenizerFile {
  const { endTokens, endField, padToken, ...rest } = parts
  const [eosToken] = endTokens
  if (eosToken === undefined) {
    throw new TokenizerError(`${source} names no token that ends a text; give ${endField}`)
  }
  const turn = turnToken(parts, eosToken)
  const stopTokens = [...new Set([...endTokens, ...(turn === undefined ? [] : [turn])])].sort((one, two) => one - two)
  const file = { format: 'sparring-tokenizer-1', ...rest, eosToken, stopTokens, padToken: padToken ?? eosToken }
  return checkTokenizerFile(file, source)
}

/** What the template writes behind the assistant's words: some models name only the end of the whole text. */
function turnToken({ tokenizer, chatTemplate, bosToken }: TokenizerParts, eosToken: number): number | undefined {
  const special = tokenizer.added_tokens.filter((token) => token.special || token.id === eosToken)
  const name = (id: number | null): string | undefined => special.find((token) => token.id === id)?.content
  const tokens = { bos_token: name(bosToken), eos_token: name(eosToken) }
  try {
    return endOfTurn({
      template: chatTemplate,
      tokens,
      special: new Matcher(special.map(({ content, id }) => [content, id])),
    })
  } catch (error) {
    // A template that takes no such chat, or that is wrong, says so when a chat is asked for: texts need none.
    if (error instanceof TokenizerError) return undefined
    throw error
  }
}

export const TOKENIZER_FILES = {
  tokenizer: 'tokenizer.json',
  config: 'tokenizer_config.json',
  template: 'chat_template.jinja',
  generation: 'generation_config.json',
  special: 'special_tokens_map.json',
}

const namedToken = z
  .union([z.string(), z.object({ content: z.string() })])
  .transform((token) => (typeof token === 'string' ? token : token.content))
  .nullish()
const specialFields = z.object({ bos_token: namedToken, eos_token: namedToken, pad_token: namedToken })
const configFile = specialFields.extend({
  add_bos_token: z.boolean().nullish(),
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .transform((template) =>
      typeof template === 'string' ? template : template.find(({ name }) => name === 'default')?.template,
    )
    .nullish(),
})
const tokenId = z.number().int().min(0)
const generationFile = z.object({
  eos_token_id: z.union([tokenId.transform((id) => [id]), z.array(tokenId)]).nullish(),
})

async function readFolder(folder: string): Promise<TokenizerParts> {
  const at = (name: string): string => path.join(folder, name)
  const text = await readOptional(at(TOKENIZER_FILES.tokenizer))
  if (text === undefined) {
    throw new TokenizerError(
      `${folder} has no ${TOKENIZER_FILES.tokenizer}; load it with transformers and save_pretrained it, which writes that file`,
    )
  }
  const tokenizer = check(tokenizerJson, parseJson(text, at(TOKENIZER_FILES.tokenizer)), at(TOKENIZER_FILES.tokenizer))
  const config = await readJson(at(TOKENIZER_FILES.config), configFile)
  const special = await readJson(at(TOKENIZER_FILES.special), specialFields)
  const generation = await readJson(at(TOKENIZER_FILES.generation), generationFile)
  const template = (await readOptional(at(TOKENIZER_FILES.template))) ?? config.chat_template ?? null
  const idOf = (name: keyof z.infer<typeof specialFields>): number | undefined => {
    const token = config[name] ?? special[name]
    if (token === null || token === undefined) return undefined
    const id = tokenizer.added_tokens.find(({ content }) => content === token)?.id ?? tokenizer.model.vocab[token]
    if (id === undefined)
      throw new TokenizerError(`${at(TOKENIZER_FILES.config)}: ${name} ${JSON.stringify(token)} is no token`)
    return id
  }
  const [bos, eos] = [idOf('bos_token'), idOf('eos_token')]
  return {
    tokenizer,
    chatTemplate: template,
    bosToken: bos ?? null,
    prependBos: bos !== undefined && (writesFirst(tokenizer, bos) ?? config.add_bos_token === true),
    padToken: idOf('pad_token'),
    endTokens: [...(eos === undefined ? [] : [eos]), ...(generation.eos_token_id ?? [])],
    endField: `eos_token in ${TOKENIZER_FILES.config}`,
  }
}

const processor = z.object({
  type: z.literal('TemplateProcessing'),
  single: z.array(
    z.union([z.object({ SpecialToken: z.object({ id: z.string() }) }), z.object({ Sequence: z.unknown() })]),
  ),
})
const processors = z.union([
  processor.transform((one) => [one]),
  z
    .object({ type: z.literal('Sequence'), processors: z.array(z.unknown()) })
    .transform((sequence) => sequence.processors),
])

/** Whether tokenizer.json puts a token before every text; undefined where it has no such template. */
export function writesFirst(
  { post_processor: post, added_tokens: added }: TokenizerJson,
  token: number,
): boolean | undefined {
  const [template] = (processors.safeParse(post).data ?? []).flatMap((one) => processor.safeParse(one).data ?? [])
  const first = template?.single[0]
  if (first === undefined) return undefined
  return 'SpecialToken' in first && added.some(({ id, content }) => id === token && content === first.SpecialToken.id)
}

async function readJson<Content>(file: string, schema: z.ZodType<Content>): Promise<Content> {
  const text = await readOptional(file)
  return check(schema, text === undefined ? {} : parseJson(text, file), file)
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return
    throw error
  }
}
