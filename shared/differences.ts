import { isDeepStrictEqual } from 'node:util'

/** The dotted name of a field in which two configurations differ; null when they are equal, but for the fields in `except`. */
export function firstDifference(
  one: unknown,
  other: unknown,
  except: readonly string[] = [],
  path = '',
): string | null {
  if (except.includes(path) || isDeepStrictEqual(one, other)) return null
  if (!isGroup(one) || !isGroup(other)) return path || 'the whole'
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = firstDifference(one[key], other[key], except, path ? `${path}.${key}` : key)
    if (found !== null) return found
  }
  return null
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
