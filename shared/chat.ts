import { UserError } from './errors.ts'

/** A conversation as one text: what a prompt for a chat model is stored and shown as. */
export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

const roles = ['system', 'user', 'assistant'] as const
const heading = /^\[(system|user|assistant)\]$/m

/** Each message below a line with its role in brackets. An assistant's last message is what the model goes on with. */
export function writeChat(messages: readonly Message[]): string {
  for (const { content } of messages) {
    const found = heading.exec(content)
    if (found)
      throw new UserError(
        `the text ${JSON.stringify(content.slice(0, 40))} holds the line ${found[0]}, which begins a message`,
        'take that line out of the problem or the solution',
      )
  }
  return messages.map(({ role, content }) => `[${role}]\n${content}`).join('\n')
}

/** Whether a text may stand in a message: no line of it begins one. */
export const isPlain = (text: string): boolean => !heading.test(text)

/** The messages of a text that writeChat wrote. */
export function readChat(text: string): Message[] {
  const [before, ...parts] = text.split(new RegExp(heading, 'm'))
  if (before !== '' || parts.length === 0) throw new Error(`no conversation: ${JSON.stringify(text.slice(0, 40))}`)
  const messages: Message[] = []
  for (let index = 0; index < parts.length; index += 2) {
    const role = roles.find((name) => name === parts[index])
    const isLast = index + 2 >= parts.length
    const content = (parts[index + 1] ?? '').replace(/^\n/, '')
    // Between two messages stands one line break that belongs to neither.
    if (role) messages.push({ role, content: isLast ? content : content.replace(/\n$/, '') })
  }
  return messages
}

/** What the assistant has begun to say in a text that writeChat wrote; empty where it is asked for all of its answer. */
export const begunAnswer = (text: string): string => /^[^]*\n\[assistant\]\n([^]*)$/.exec(text)?.[1] ?? ''
