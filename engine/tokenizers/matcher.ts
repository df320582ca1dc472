/** Finds tokens that stand in a text by their names, leftmost first and the longest of those, as `tokenizers` does. */

/** A token by its id, or text between such. */
export type Section = { readonly token: number } | { readonly text: string }

export class Matcher {
  readonly #ids: ReadonlyMap<string, number>
  readonly #pattern: RegExp | undefined
  /** Every beginning of a name that is not the whole name. */
  readonly #beginnings: ReadonlySet<string>
  readonly #longest: number

  /** Names, which are not empty, and their ids. */
  constructor(tokens: Iterable<readonly [string, number]>) {
    this.#ids = new Map(tokens)
    const names = [...this.#ids.keys()].sort((one, other) => other.length - one.length)
    // Of alternatives the first that matches is taken.
    this.#pattern = names.length === 0 ? undefined : new RegExp(names.map(escape).join('|'), 'gu')
    this.#beginnings = new Set(names.flatMap((name) => Array.from(name, (_, index) => name.slice(0, index)).slice(1)))
    this.#longest = names[0]?.length ?? 0
  }

  /** No text among them is empty. */
  sections(text: string): Section[] {
    if (this.#pattern === undefined) return text === '' ? [] : [{ text }]
    const sections: Section[] = []
    let end = 0
    for (const { 0: name, index } of text.matchAll(this.#pattern)) {
      if (index > end) sections.push({ text: text.slice(end, index) })
      const token = this.#ids.get(name)
      if (token !== undefined) sections.push({ token })
      end = index + name.length
    }
    if (end < text.length) sections.push({ text: text.slice(end) })
    return sections
  }

  /**
   * The text with `mark` inside every name, and behind a beginning of a name that ends it, white space aside: whatever follows it,
   * no name is found that touches it. Without the marks it is the text again.
   */
  defuse(text: string, mark: string): string {
    if (this.#pattern === undefined) return text
    const broken = text.replace(this.#pattern, (name) => {
      const [first = ''] = name
      return first + mark + name.slice(first.length)
    })
    const end = broken.trimEnd().length
    for (let start = Math.max(0, end - this.#longest); start < end; start++) {
      if (this.#beginnings.has(broken.slice(start, end))) return broken.slice(0, end) + mark + broken.slice(end)
    }
    return broken
  }
}

function escape(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
}
