export function groupBy<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group) group.push(value)
    else groups.set(key, [value])
  }
  return groups
}

/** The integers from `from` up to, not including, `to`. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** The values in their order, `size` at a time. */
export const chunks = <T>(values: readonly T[], size: number): T[][] =>
  range(0, Math.ceil(values.length / size)).map((index) => values.slice(index * size, (index + 1) * size))
