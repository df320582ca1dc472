/** What the docs copy from the code is still what the code says. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { configTable, page, withTable } from '../../scripts/config-table.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const read = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8')

describe('the docs', () => {
  it('list every field of the configuration: `npx tsx scripts/config-table.ts` writes the table', () => {
    const text = fs.readFileSync(page, 'utf8')
    expect(withTable(text, configTable())).toBe(text)
  })

  it('show examples/engine-tiny.ts as it is', () => {
    expect(read('docs/engine.md')).toContain(`\`\`\`ts\n${read('examples/engine-tiny.ts')}\`\`\``)
  })

  it('quote the round of workflows/spc.ts as it is', () => {
    const quoted = /<!-- code:workflows\/spc\.ts -->\s*```ts\n(.*?)```/s.exec(read('docs/spc.md'))?.[1] ?? ''
    expect(quoted).not.toBe('')
    expect(read('workflows/spc.ts')).toContain(quoted.trimEnd())
  })
})
