/** A benchmark's table in a page of the docs. */
import fs from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { fillMarks } from '../cli/results-file.ts'
import { UserError } from '../shared/errors.ts'

/** Puts the table between the page's marks of that name, as the project formats its pages. */
export async function fillPage(page: string, name: string, table: string): Promise<void> {
  if (!fillMarks(page, name, table)) {
    throw new UserError(`${page} has no place for ${name}`, `add <!-- results:${name} --> and <!-- /results --> there`)
  }
  const text = fs.readFileSync(page, 'utf8')
  fs.writeFileSync(page, await format(text, { ...(await resolveConfig(page)), filepath: page }))
}
