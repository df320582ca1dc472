/**
 * Jinja's templates with Python's strip. The library's `strip`, `lstrip`, `rstrip` and `trim` take no characters, though templates of
 * Qwen3 name them, and trim what JavaScript calls white space; so calls of them become calls of functions that are given to the
 * template under names that none can write.
 */
import { parse, tokenize } from '@huggingface/jinja'

export type Program = ReturnType<typeof parse>

type Side = 'both' | 'left' | 'right'

/** The methods of texts, and the filter. */
const SIDES: Readonly<Record<string, Side>> = { strip: 'both', lstrip: 'left', rstrip: 'right', trim: 'both' }
const nameOf = (side: Side): string => `(strip ${side})`

export const stripFunctions: Readonly<Record<string, (text: unknown, characters?: unknown) => string>> = {
  [nameOf('both')]: (text, characters) => strip(text, 'both', characters),
  [nameOf('left')]: (text, characters) => strip(text, 'left', characters),
  [nameOf('right')]: (text, characters) => strip(text, 'right', characters),
}

/** With the settings of transformers. */
export function parseTemplate(source: string): Program {
  const program = parse(tokenize(source, { trim_blocks: true, lstrip_blocks: true }))
  rewriteChildren(program)
  return program
}

/** What Python's str.isspace() holds for: other than JavaScript, U+001C to U+001F and U+0085, and not U+FEFF. */
const WHITE_SPACE = new Set(
  '\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
)

export function strip(text: unknown, side: Side, characters?: unknown): string {
  if (typeof text !== 'string') throw new TypeError('only a text can be stripped')
  if (characters !== undefined && characters !== null && typeof characters !== 'string') {
    throw new TypeError('what is stripped must be a text')
  }
  const stripped = typeof characters === 'string' ? new Set(characters) : WHITE_SPACE
  const goes = (character = ''): boolean => stripped.has(character)
  const all = Array.from(text)
  let [start, end] = [0, all.length]
  if (side !== 'right') while (start < end && goes(all[start])) start++
  if (side !== 'left') while (end > start && goes(all[end - 1])) end--
  return all.slice(start, end).join('')
}

function rewrite(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node
  rewriteChildren(node)
  return stripCall(node) ?? node
}

function rewriteChildren(node: object): void {
  if (node instanceof Map) {
    for (const [key, value] of node) node.set(key, rewrite(value))
    return
  }
  for (const [key, value] of Object.entries(node)) Reflect.set(node, key, rewrite(value))
}

/** `x.strip(…)` and `x | trim(…)` as calls with x in front. */
function stripCall(node: object): object | undefined {
  if (isOfType(node, 'CallExpression') && 'callee' in node && 'args' in node) {
    const { callee, args } = node
    if (!isOfType(callee, 'MemberExpression') || !('property' in callee && 'object' in callee)) return undefined
    return 'computed' in callee && callee.computed === true ? undefined : callTo(callee.property, [callee.object, args])
  }
  if (!isOfType(node, 'FilterExpression') || !('filter' in node && 'operand' in node)) return undefined
  const { filter, operand } = node
  if (isOfType(filter, 'CallExpression') && 'callee' in filter && 'args' in filter) {
    return callTo(filter.callee, [operand, filter.args])
  }
  return callTo(filter, [operand, []])
}

function callTo(name: unknown, [first, rest]: readonly [unknown, unknown]): object | undefined {
  if (!isOfType(name, 'Identifier') || !('value' in name) || typeof name.value !== 'string') return undefined
  if (!Object.hasOwn(SIDES, name.value) || !Array.isArray(rest)) return undefined
  const args: unknown[] = [first, ...rest]
  return { type: 'CallExpression', callee: { type: 'Identifier', value: nameOf(SIDES[name.value] ?? 'both') }, args }
}

function isOfType(node: unknown, type: string): node is object {
  return typeof node === 'object' && node !== null && 'type' in node && node.type === type
}
