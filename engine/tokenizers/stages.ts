/**
 * Where `@huggingface/tokenizers` splits texts otherwise than the Rust library of the same name, a tokenizer.json is said in stages
 * that both split alike. Found by comparing them over texts of all kinds (scripts/parity/tokens.py).
 */
import type { PreTokenizer, TokenizerJson } from './tokenizer-json.ts'

/** GPT-2's splitter, which ByteLevel contains. */
export const GPT2_PATTERN = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

/** One stage that isolates what a pattern matches. */
export const isolate = (Regex: string): PreTokenizer => ({
  type: 'Split',
  pattern: { Regex },
  behavior: 'Isolated',
  invert: false,
})

/** The last stage of a byte-level tokenizer: the bytes of a word in the alphabet of its vocabulary. */
export const TO_BYTES: PreTokenizer = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: false,
}

export interface Stages {
  /** Split a text into words. */
  readonly splitters: readonly PreTokenizer[]
  /** Words are written in bytes before they are looked up. */
  readonly byteLevel: boolean
}

export function stagesOf(preTokenizer: TokenizerJson['pre_tokenizer']): Stages {
  if (preTokenizer === null) return { splitters: [], byteLevel: false }
  const stages = preTokenizer.type === 'Sequence' ? preTokenizer.pretokenizers : [preTokenizer]
  const splitters = stages.flatMap(splittersOf)
  const last = stages.at(-1)
  if (last?.type !== 'ByteLevel') return { splitters, byteLevel: false }
  return { splitters: splitters.slice(0, -1), byteLevel: true }
}

function splittersOf(stage: PreTokenizer): PreTokenizer[] {
  switch (stage.type) {
    case 'Digits':
      // The library means 0 to 9; Rust's char::is_numeric, which `tokenizers` asks, every number of Unicode.
      return [isolate(stage.individual_digits ? String.raw`\p{N}` : String.raw`\p{N}+`)]
    case 'ByteLevel':
      // Its pattern is a regular expression of JavaScript there, where \s has U+FEFF and not U+0085.
      return stage.use_regex ? [isolate(GPT2_PATTERN), TO_BYTES] : [TO_BYTES]
    case 'Metaspace':
      // The library never splits.
      return stage.split ? [stage, isolate(`${stage.replacement}[^${stage.replacement}]*`)] : [stage]
    case 'Split':
      return 'Regex' in stage.pattern
        ? [{ ...stage, pattern: { Regex: withUnicodeCases(stage.pattern.Regex) } }]
        : [stage]
  }
}

/** In Oniguruma, which `tokenizers` uses, (?i:s) also matches ſ and (?i:k) the Kelvin sign; the library folds ASCII alone. */
function withUnicodeCases(regex: string): string {
  return regex.replace(/\(\?i:([A-Za-z'’|]*)\)/g, (_, body: string) => {
    const folded = body.replace(/[A-Za-z]/g, (letter) => {
      const [lower, upper] = [letter.toLowerCase(), letter.toUpperCase()]
      return `[${lower}${upper}${{ s: '\u017f', k: '\u212a' }[lower] ?? ''}]`
    })
    return `(?:${folded})`
  })
}
