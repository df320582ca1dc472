/** Records whose keys stay known to the compiler, which Object.keys and Object.fromEntries forget. */

export function keysOf<Key extends string>(record: { readonly [Name in Key]?: unknown } | undefined): Key[]
export function keysOf(record: Readonly<Record<string, unknown>> = {}): string[] {
  return Object.keys(record)
}

export function fromKeys<Key extends string, To>(keys: readonly Key[], make: (name: Key) => To): { [Name in Key]: To }
export function fromKeys<To>(keys: readonly string[], make: (name: string) => To): Record<string, To> {
  return Object.fromEntries(keys.map((name) => [name, make(name)]))
}

/** The value of a map or record that must be there. */
export function required<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new RangeError(`there is no ${what}`)
  return value
}
