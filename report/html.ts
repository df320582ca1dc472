/** Text that is HTML already. Everything else is escaped where it enters a template. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Fragment = Html | string | number | null | readonly Fragment[]

/** A template of HTML: strings put into it are escaped, `Html` is not, lists are joined, null is nothing. */
export function html(strings: TemplateStringsArray, ...values: Fragment[]): Html {
  return new Html(strings.map((string, index) => string + render(values[index] ?? null)).join(''))
}

export const nothing = new Html('')

function render(value: Fragment): string {
  if (value === null) return ''
  if (value instanceof Html) return value.text
  return typeof value === 'object' ? value.map(render).join('') : escape(String(value))
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? character)
}
