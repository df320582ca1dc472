/** What the docs copy from the code is still what the code says. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { pages, withTable } from '../../scripts/config-table.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const read = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8')

describe('the docs', () => {
  it.each(pages)(
    'list every field of $recipe: `npx tsx scripts/config-table.ts` writes the table',
    ({ recipe, page }) => {
      const text = fs.readFileSync(page, 'utf8')
      expect(withTable(text, recipe)).toBe(text)
    },
  )

  it.each([
    ['examples/engine-regression.ts', 'docs/engine.md'],
    ['examples/engine-characters.ts', 'docs/engine.md'],
    ['examples/task-reversal.ts', 'docs/tasks.md'],
    ['examples/best-of-k/recipe.ts', 'docs/recipes.md'],
    ['examples/best-of-k/workflow.ts', 'docs/recipes.md'],
  ])('show %s as it is', (example, page) => {
    expect(read(page)).toContain(`\`\`\`ts\n${read(example)}\`\`\``)
  })

  it('quote the round of workflows/spc.ts as it is', () => {
    const quoted = /<!-- code:workflows\/spc\.ts -->\s*```ts\n(.*?)```/s.exec(read('docs/spc.md'))?.[1] ?? ''
    expect(quoted).not.toBe('')
    expect(read('workflows/spc.ts')).toContain(quoted.trimEnd())
  })
})
