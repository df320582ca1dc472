/** A tokenizer as a folder of Hugging Face, which readTokenizer reads and transformers loads. */
import fs from 'node:fs/promises'
import path from 'node:path'
import { TOKENIZER_FILES, writesFirst } from './read.ts'
import { type TokenizerFile, tokensById } from './tokenizer-file.ts'
import type { TokenizerJson } from './tokenizer-json.ts'

/** Writes tokenizer.json, tokenizer_config.json and generation_config.json; `context` is the model's longest sequence. */
export async function writeTokenizer(folder: string, file: TokenizerFile, context: number): Promise<void> {
  const { chatTemplate, bosToken, eosToken, padToken, prependBos } = file
  const names = tokensById(file.tokenizer)
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...(bosToken === null ? {} : { bos_token: names.get(bosToken) }),
    eos_token: names.get(eosToken),
    pad_token: names.get(padToken),
    add_bos_token: prependBos,
    clean_up_tokenization_spaces: false,
    model_max_length: context,
    ...(chatTemplate === null ? {} : { chat_template: chatTemplate }),
  }
  const generation = {
    ...(bosToken === null ? {} : { bos_token_id: bosToken }),
    // The first is the end of a text, and the others end what the model says too.
    eos_token_id: [eosToken, ...file.stopTokens.filter((id) => id !== eosToken)],
    pad_token_id: padToken,
  }
  const write = (name: string, content: unknown, indent?: number): Promise<void> =>
    fs.writeFile(path.join(folder, name), `${JSON.stringify(content, null, indent)}\n`)
  await write(TOKENIZER_FILES.tokenizer, withBos(file))
  await write(TOKENIZER_FILES.config, config, 2)
  await write(TOKENIZER_FILES.generation, generation, 2)
}

/** Those who load tokenizer.json put BOS before a text if it says so there, not if add_bos_token does. */
function withBos({ tokenizer, bosToken, prependBos }: TokenizerFile): TokenizerJson {
  const bos = bosToken === null ? undefined : tokensById(tokenizer).get(bosToken)
  if (!prependBos || bosToken === null || bos === undefined || writesFirst(tokenizer, bosToken) !== undefined) {
    return tokenizer
  }
  const [begin, text] = [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }]
  const template = {
    type: 'TemplateProcessing',
    single: [begin, text],
    pair: [begin, text, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [bos]: { id: bos, ids: [bosToken], tokens: [bos] } },
  }
  const before = tokenizer.post_processor
  const processor = before === null ? template : { type: 'Sequence', processors: [...stagesOf(before), template] }
  return { ...tokenizer, post_processor: processor }
}

const stagesOf = (processor: Readonly<Record<string, unknown>>): readonly unknown[] =>
  processor['type'] === 'Sequence' && Array.isArray(processor['processors']) ? processor['processors'] : [processor]
