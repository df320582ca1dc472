/**
 * Writes the table of configuration fields in each recipe's page, docs/<recipe>.md, from its schema:
 *
 *   npx tsx scripts/config-table.ts
 *
 * Types, bounds and defaults are the schema's. The papers' values and the meanings stand in scripts/config-notes; a field
 * without a line there, and a line there without a field, are errors.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { groupBy } from '../shared/collections.ts'
import { type AnyRecipe, recipeOf } from '../recipes/registry.ts'
import type { Notes } from './config-notes/notes.ts'
import { searchNotes } from './config-notes/search.ts'
import { searchTextNotes } from './config-notes/search-text.ts'
import { selfCheckNotes } from './config-notes/self-check.ts'
import { spcNotes } from './config-notes/spc.ts'
import { spcTextNotes } from './config-notes/spc-text.ts'
import { spoNotes } from './config-notes/spo.ts'
import { sppoNotes } from './config-notes/sppo.ts'

const docs = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'docs')

/** The notes of every recipe that has a page. */
const notes: Readonly<Record<string, Notes>> = {
  spc: spcNotes,
  'spc-text': spcTextNotes,
  spo: spoNotes,
  sppo: sppoNotes,
  'self-check': selfCheckNotes,
  search: searchNotes,
  'search-text': searchTextNotes,
}

export const pages = Object.keys(notes).map((recipe) => ({ recipe, page: path.join(docs, `${recipe}.md`) }))

interface Field {
  /** JSON Schema of the field. */
  schema: z.core.JSONSchema.BaseSchema
  path: string
}

function fieldsOf(schema: z.core.JSONSchema.BaseSchema, at: string[] = []): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]): Field[] => {
    if (typeof inner === 'boolean') return []
    const path = [...at, name]
    // The fields of every task stand under `task`.
    const groups = inner.oneOf ?? (inner.properties ? [inner] : [])
    if (groups.length > 0) return groups.flatMap((group) => fieldsOf(group, path))
    const { items = {} } = inner
    const entries = typeof items === 'boolean' || Array.isArray(items) ? [] : fieldsOf(items, [...at, `${name}[]`])
    return [{ path: path.join('.'), schema: inner }, ...entries]
  })
}

const code = (value: unknown): string => `\`${JSON.stringify(value).replaceAll('"', '').replaceAll(',', ', ')}\``

/** What may be written: choices, or a kind of number with its bounds. */
function typeOf(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum) return schema.enum.map(code).join(', ')
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one)).join(' or ')
  if (Array.isArray(schema.prefixItems)) return `[${schema.prefixItems.map(() => 'integer').join(', ')}]`
  if (schema.type === 'array') return 'list'
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const bounds = [
    minimum === undefined ? [] : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? [] : `> ${exclusiveMinimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? [] : `< ${exclusiveMaximum}`,
    multipleOf === undefined ? [] : `multiple of ${multipleOf}`,
  ].flat()
  return [schema.type, ...bounds].join(' ')
}

/** One line for each path: the tasks that one may choose from share some, and their types and defaults are told together. */
function lineOf(path: string, fields: readonly Field[], recipe: AnyRecipe, [paper, meaning]: Notes[string]): string {
  const alternatives = (texts: readonly string[]): string => [...new Set(texts)].join(' or ')
  const types = alternatives(fields.map(({ schema }) => typeOf(schema)))
  const standards = alternatives(
    fields.map(({ schema }) => (schema.default === undefined ? '–' : code(schema.default))),
  )
  const steerable = recipe.steerable.includes(path) ? ' Steerable.' : ''
  return `| \`${path}\` | ${types} | ${standards} | ${paper} | ${meaning}${steerable} |`
}

export function configTable(name: string): string {
  const recipe = recipeOf(name)
  const known = notes[name] ?? {}
  const fields = groupBy(fieldsOf(z.toJSONSchema(recipe.config, { io: 'input' })), ({ path }) => path)
  const gone = Object.keys(known).filter((path) => !fields.has(path))
  if (gone.length > 0)
    throw new Error(`scripts/config-notes/${name}.ts describes fields that are gone: ${gone.join(', ')}`)
  const rows = [...fields].map(([path, same]) => {
    const note = known[path]
    if (!note) throw new Error(`scripts/config-notes/${name}.ts says nothing about the field ${path}`)
    return lineOf(path, same, recipe, note)
  })
  return ['| field | type | default | paper | meaning |', '|---|---|---|---|---|', ...rows].join('\n')
}

/** The page with the table between its marks. */
export function withTable(text: string, name: string): string {
  const [open, close] = [`<!-- config:${name} -->`, '<!-- /config -->']
  const from = text.indexOf(open)
  const to = text.indexOf(close, from)
  if (from < 0 || to < 0) throw new Error(`the page lacks the marks ${open} … ${close}`)
  return `${text.slice(0, from + open.length)}\n\n${configTable(name)}\n\n${text.slice(to)}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { recipe, page } of pages) fs.writeFileSync(page, withTable(fs.readFileSync(page, 'utf8'), recipe))
}
