/** Texts to token ids and back, synchronously, as transformers does it; and the prompts of a chat. */
import { Tokenizer as Library } from '@huggingface/tokenizers'
import { type ChatMessage, renderChat } from './chat.ts'
import { Matcher, type Section } from './matcher.ts'
import { decodePieces } from './pieces-decoder.ts'
import { stagesOf, TO_BYTES } from './stages.ts'
import { TokenizerError, type TokenizerFile, tokensById } from './tokenizer-file.ts'
import type { TokenizerJson } from './tokenizer-json.ts'

export interface Tokenizer {
  /** One more than the largest token id. A model's own vocabulary may be larger: some are filled up to a round number. */
  readonly size: number
  readonly stopTokens: readonly number[]
  readonly padToken: number
  /**
   * The token ids that transformers gives with add_special_tokens=False: nothing is put before or behind, and where the text holds
   * the name of a special token, such as <|im_end|>, that token comes out. For texts of others see `chat`.
   */
  encode(text: string): number[]
  /** The text of some tokens, special ones included. Ids without a token are left out; half a character becomes U+FFFD. */
  decode(ids: readonly number[]): string
  /**
   * The prompt of a conversation, up to where the assistant speaks. A last message of the assistant is continued: its content is
   * the end of the prompt, with no mark behind it. Names of special tokens in contents are text, never tokens. Throws TokenizerError
   * where the chat template refuses the messages. Without a template: lines such as `User: …`, with `Assistant:` last.
   */
  chat(messages: readonly ChatMessage[]): number[]
}

/** Words whose tokens are remembered, and the longest such word in UTF-16 units: a few megabytes at most. */
const REMEMBERED_WORDS = 1 << 15
const LONGEST_REMEMBERED = 48

export function createTokenizer(file: TokenizerFile): Tokenizer {
  return new LlamaTokenizer(file)
}

class LlamaTokenizer implements Tokenizer {
  readonly size: number
  readonly stopTokens: readonly number[]
  readonly padToken: number
  readonly #file: TokenizerFile
  readonly #names: ReadonlyMap<number, string>
  /** Splits and decodes. */
  readonly #outer: Library
  /** Looks words up. It knows no special token, so that no text becomes one. */
  readonly #words: Library
  readonly #special: Matcher
  readonly #added: Matcher
  /** Those matched in normalised text. */
  readonly #normalised: Matcher
  readonly #remembered = new Map<string, readonly number[]>()

  constructor(file: TokenizerFile) {
    const { tokenizer: json } = file
    this.#file = file
    this.#names = tokensById(json)
    this.size = [...this.#names.keys()].reduce((most, id) => Math.max(most, id + 1), 0)
    this.stopTokens = file.stopTokens
    this.padToken = file.padToken
    const { splitters, byteLevel } = stagesOf(json.pre_tokenizer)
    this.#outer = create({
      ...json,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [...splitters] },
      post_processor: null,
      decoder: json.decoder.type === 'ByteLevel' ? json.decoder : null,
      model: { ...json.model, merges: [] },
    })
    const special = specialTokens(file)
    this.#words = create({
      ...json,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: byteLevel ? TO_BYTES : null,
      post_processor: null,
      decoder: null,
      model: withoutTokens(json.model, new Set(special.keys())),
    })
    const others = json.added_tokens.filter(({ content }) => !special.has(content))
    const normalise = (text: string): string => this.#outer.normalizer?.normalize(text) ?? text
    const isRaw = ({ normalized }: { normalized: boolean }): boolean => !normalized || json.normalizer === null
    const pairs = (tokens: typeof others): [string, number][] => tokens.map(({ content, id }) => [content, id])
    this.#special = new Matcher(special)
    this.#added = new Matcher(pairs(others.filter(isRaw)))
    this.#normalised = new Matcher(
      pairs(others.filter((token) => !isRaw(token))).map(([content, id]) => [normalise(content), id]),
    )
  }

  encode(text: string): number[] {
    return this.#encode(this.#special.sections(text))
  }

  decode(ids: readonly number[]): string {
    const { decoder } = this.#file.tokenizer
    const known = ids.filter((id) => this.#names.has(id))
    if (decoder.type === 'Sequence') {
      return decodePieces(
        known.map((id) => this.#names.get(id) ?? ''),
        decoder.decoders,
      )
    }
    // The library takes no empty list, and tidies spaces before punctuation unless told not to.
    return known.length === 0 ? '' : this.#outer.decode(known, { clean_up_tokenization_spaces: false })
  }

  chat(messages: readonly ChatMessage[]): number[] {
    const { bosToken, eosToken, padToken, prependBos, chatTemplate } = this.#file
    const name = (id: number | null): string | undefined => (id === null ? undefined : this.#names.get(id))
    const tokens = { bos_token: name(bosToken), eos_token: name(eosToken), pad_token: name(padToken) }
    const sections = renderChat(messages, { template: chatTemplate, tokens, special: this.#special })
    const ids = this.#encode(sections)
    return chatTemplate === null && prependBos && bosToken !== null ? [bosToken, ...ids] : ids
  }

  #encode(sections: readonly Section[]): number[] {
    const ids: number[] = []
    let first = true
    for (const section of sections.flatMap((section) => refine(section, this.#added))) {
      if ('token' in section) ids.push(section.token)
      else this.#encodeText(section.text, first, ids)
      first = false
    }
    return ids
  }

  #encodeText(text: string, first: boolean, ids: number[]): void {
    const normalised = this.#outer.normalizer?.normalize(text) ?? text
    for (const section of this.#normalised.sections(normalised)) {
      if ('token' in section) {
        ids.push(section.token)
        continue
      }
      // Metaspace's scheme `first` looks at the index.
      const options = { section_index: first ? 0 : 1 }
      const words = this.#outer.pre_tokenizer?.pre_tokenize(section.text, options) ?? [section.text]
      for (const word of words) for (const id of this.#encodeWord(word)) ids.push(id)
      first = false
    }
  }

  #encodeWord(word: string): readonly number[] {
    const remembered = this.#remembered.get(word)
    if (remembered !== undefined) return remembered
    const { ids } = this.#words.encode(word, { add_special_tokens: false })
    if (word.length <= LONGEST_REMEMBERED) {
      if (this.#remembered.size >= REMEMBERED_WORDS) this.#remembered.clear()
      // A part of a string keeps the whole in memory, so the key is a copy.
      this.#remembered.set(Buffer.from(word, 'utf16le').toString('utf16le'), ids)
    }
    return ids
  }
}

function refine(section: Section, matcher: Matcher): readonly Section[] {
  return 'token' in section ? [section] : matcher.sections(section.text)
}

/** Those marked so, and whatever the file gives a meaning of that kind. */
function specialTokens({ tokenizer, bosToken, eosToken, padToken, stopTokens }: TokenizerFile): Map<string, number> {
  const meant = new Set([bosToken, eosToken, padToken, ...stopTokens])
  const added = tokenizer.added_tokens.filter(({ id, special }) => special || meant.has(id))
  return new Map(added.map(({ content, id }) => [content, id]))
}

/** Without the merges that make them, too: `</s>` in a text would otherwise be put together from its letters. */
function withoutTokens(model: TokenizerJson['model'], tokens: ReadonlySet<string>): TokenizerJson['model'] {
  return {
    ...model,
    vocab: Object.fromEntries(
      Object.entries(model.vocab).filter(([token]) => !tokens.has(token) || token === model.unk_token),
    ),
    merges: model.merges.filter(([left, right]) => !tokens.has(left + right)),
  }
}

function create(json: object): Library {
  try {
    return new Library(json, {})
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TokenizerError(`the tokenizer cannot be built: ${reason}`, { cause })
  }
}
