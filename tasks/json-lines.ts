import type { z } from 'zod'
import { messageOf, UserError } from '../shared/errors.ts'

/** Reads JSON Lines of one form. What does not fit is a UserError with the line, the field, and the form that is asked for. */
export function parseLines<T>(text: string, source: string, schema: z.ZodType<T>, form: string): T[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const place = `${source}, line ${index + 1}`
    return [checked(json(line, place, form), place, 'the line', schema, form)]
  })
}

/**
 * Reads JSON Lines, or one JSON value with the same records: an array of them, or an object of such arrays (MR-Ben's, by
 * question). Some benchmarks are published in one form, some in another.
 */
export function parseRecords<T>(text: string, source: string, schema: z.ZodType<T>, form: string): T[] {
  const records = recordsOf(text)
  if (records) {
    return records.map((record, index) => checked(record, `${source}, record ${index + 1}`, 'the record', schema, form))
  }
  // Lines cannot begin so: whoever wrote it meant an array, and hears what is wrong with it.
  if (text.trimStart().startsWith('[')) json(text, source, form)
  return parseLines(text, source, schema, form)
}

function checked<T>(value: unknown, place: string, whole: string, schema: z.ZodType<T>, form: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UserError(`${place}: ${issue?.path.join('.') || whole}: ${issue?.message}`, form)
}

function json(line: string, place: string, form: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new UserError(`${place}: not JSON (${messageOf(error)})`, form)
  }
}

/** The part of a text that holds its first records, in whichever form; of lines, blank ones do not count. */
export function firstRecords(text: string, count: number): string {
  const records = recordsOf(text)
  if (records) return JSON.stringify(records.slice(0, count))
  const lines = text.split('\n')
  let left = count
  const end = lines.findIndex((line) => line.trim() !== '' && left-- === 0)
  return end < 0 ? text : lines.slice(0, end).join('\n')
}

/** The records of a text that is one JSON value; null where it is none, or one record alone. */
function recordsOf(text: string): unknown[] | null {
  const value = valueOf(text)
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null) return null
  const groups: unknown[] = Object.values(value)
  return groups.length > 0 && groups.every(isRecords) ? groups.flat() : null
}

const isRecords = (group: unknown): group is object[] =>
  Array.isArray(group) && group.every((record) => typeof record === 'object' && record !== null)

/** Null where it is no JSON as a whole; lines are none from their second on. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // whoever reads the text says what is wrong with it
  }
}
