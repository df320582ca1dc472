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

/** Reads JSON Lines, or one JSON array of the same records: some benchmarks are published as one, some as the other. */
export function parseRecords<T>(text: string, source: string, schema: z.ZodType<T>, form: string): T[] {
  if (!text.trimStart().startsWith('[')) return parseLines(text, source, schema, form)
  const records = json(text, source, form)
  if (!Array.isArray(records)) throw new UserError(`${source}: not an array`, form)
  return records.map((record: unknown, index) =>
    checked(record, `${source}, record ${index + 1}`, 'the record', schema, form),
  )
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

/** The part of a text that holds its first records: of one JSON array, or of lines, of which blank ones do not count. */
export function firstRecords(text: string, count: number): string {
  const records = text.trimStart().startsWith('[') ? arrayOf(text) : null
  if (records) return JSON.stringify(records.slice(0, count))
  const lines = text.split('\n')
  let left = count
  const end = lines.findIndex((line) => line.trim() !== '' && left-- === 0)
  return end < 0 ? text : lines.slice(0, end).join('\n')
}

function arrayOf(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : null
  } catch {
    return null // whoever reads the text says what is wrong with it
  }
}
