/** Chat templates (https://huggingface.co/docs/transformers/main/en/chat_templating): messages to the text of a prompt. */
import { Environment, Interpreter } from '@huggingface/jinja'
import type { Matcher, Section } from './matcher.ts'
import { parseTemplate, type Program, strip, stripFunctions } from './template.ts'
import { TokenizerError } from './tokenizer-file.ts'

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatFormat {
  /** Null: `User: …`, blank lines between the messages, `Assistant:` last. */
  readonly template: string | null
  /** What templates may name. */
  readonly tokens: Readonly<Record<string, string | undefined>>
  readonly special: Matcher
}

const NAMES = { system: 'System', user: 'User', assistant: 'Assistant' }
/** Characters that Unicode reserves for such use inside a program. */
const MARKS = Array.from({ length: 32 }, (_, index) => String.fromCodePoint(0xfd_d0 + index))

/**
 * The prompt in sections: special tokens that the template wrote, and text. Names of special tokens in contents are broken by a mark
 * before the template sees them, and the marks are taken out of the sections.
 */
export function renderChat(messages: readonly ChatMessage[], format: ChatFormat): Section[] {
  const last = messages.at(-1)
  if (last === undefined) throw new TokenizerError('a chat needs at least one message')
  const [mark, end] = unusedMarks([...messages.map(({ content }) => content), format.template ?? ''])
  const safe = messages.map(({ role, content }) => ({ role, content: format.special.defuse(content, mark) }))
  const continued = last.role === 'assistant' && last.content.trim() !== ''
  const said = last.role === 'assistant' && !continued ? safe.slice(0, -1) : safe
  const text = continued ? continuedText(said, end, format) : render(said, format, true)
  return format.special
    .sections(text)
    .map((section) => ('text' in section ? { text: section.text.replaceAll(mark, '') } : section))
}

/** The token that a template writes behind what the assistant said, if it is a special one. Throws TokenizerError as renderChat. */
export function endOfTurn(format: ChatFormat): number | undefined {
  const [end] = unusedMarks([format.template ?? ''])
  const text = render(
    ['user', 'assistant'].map((role) => ({ role, content: end })),
    format,
    false,
  )
  const sections = format.special.sections(text.slice(text.lastIndexOf(end) + end.length))
  return sections.flatMap((section) => ('token' in section ? [section.token] : []))[0]
}

interface PlainMessage {
  readonly role: string
  readonly content: string
}

/** Up to the end of the last message. transformers does it like this too, and where a template trims the message it trims with it. */
function continuedText(messages: readonly PlainMessage[], end: string, format: ChatFormat): string {
  const marked = messages.map(({ role, content }, index) => {
    return { role, content: index === messages.length - 1 ? `${content}${end} ` : content }
  })
  const text = render(marked, format, false)
  const at = text.lastIndexOf(end)
  if (at < 0) throw new TokenizerError('the chat template leaves out the last message, which cannot be continued then')
  return text.startsWith(`${end} `, at) ? text.slice(0, at) : strip(text.slice(0, at), 'right')
}

function render(messages: readonly PlainMessage[], { template, tokens }: ChatFormat, prompt: boolean): string {
  if (template === null) return plainText(messages, prompt)
  try {
    const environment = new Environment()
    const variables = { ...GLOBALS, ...tokens, messages, add_generation_prompt: prompt, tools: null, documents: null }
    for (const [name, value] of Object.entries(variables)) environment.set(name, value)
    const { value } = new Interpreter(environment).run(parsed(template))
    if (typeof value !== 'string') throw new TypeError('it makes no text')
    return value
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const roles = messages.map(({ role }) => role).join(', ')
    throw new TokenizerError(`the chat template cannot be rendered for ${roles}: ${reason}`, { cause })
  }
}

const LONGEST_RANGE = 100_000

/**
 * What the library's Template sets, but for strftime_now: a template that would write today's date takes its fixed one, as a prompt
 * depends on its messages alone. Ranges are bounded, as templates come with models.
 */
const GLOBALS = {
  ...stripFunctions,
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: string): never => {
    throw new Error(message)
  },
  range: (from: number, to?: number, step = 1): number[] => {
    const [start, stop] = to === undefined ? [0, from] : [from, to]
    const length = Math.max(0, Math.ceil((stop - start) / step))
    if (!(length <= LONGEST_RANGE)) throw new Error(`a range of ${length}`)
    return Array.from({ length }, (_, index) => start + index * step)
  },
}

function plainText(messages: readonly PlainMessage[], prompt: boolean): string {
  const isRole = (role: string): role is keyof typeof NAMES => Object.hasOwn(NAMES, role)
  const lines = messages.map(({ role, content }) => `${isRole(role) ? NAMES[role] : role}: ${content}`)
  return [...lines, ...(prompt ? [`${NAMES.assistant}:`] : [])].join('\n\n')
}

/** The template that was parsed last: a process has one or two. */
let latest: { readonly source: string; readonly program: Program } | undefined

function parsed(source: string): Program {
  if (latest?.source !== source) latest = { source, program: parseTemplate(source) }
  return latest.program
}

function unusedMarks(texts: readonly string[]): [string, string] {
  const [one, other] = MARKS.filter((mark) => texts.every((text) => !text.includes(mark)))
  if (one === undefined || other === undefined) {
    throw new TokenizerError('the messages hold nearly all of U+FDD0 to U+FDEF, which are no characters; take some out')
  }
  return [one, other]
}
