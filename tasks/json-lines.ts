import type { z } from 'zod'
import { messageOf, UserError } from '../shared/errors.ts'

/** Reads JSON Lines of one form. What does not fit is a UserError with the line, the field, and the form that is asked for. */
export function parseLines<T>(text: string, source: string, schema: z.ZodType<T>, form: string): T[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const place = `${source}, line ${index + 1}`
    const parsed = schema.safeParse(json(line, place, form))
    if (parsed.success) return [parsed.data]
    const [issue] = parsed.error.issues
    throw new UserError(`${place}: ${issue?.path.join('.') || 'the line'}: ${issue?.message}`, form)
  })
}

function json(line: string, place: string, form: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new UserError(`${place}: not JSON (${messageOf(error)})`, form)
  }
}
