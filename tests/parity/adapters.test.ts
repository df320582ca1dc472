/** Folders of PEFT, ours and theirs: PEFT over transformers has the same logits with them as we have (scripts/parity/adapters.py). */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { mergeLora, readAdapter, readPretrained } from '../../engine/index.ts'
import { SPECS, VARIANTS, writeOurs } from './adapters.ts'
import { logitsOf } from './support.ts'

type Logits = Readonly<Record<string, number[][]>>

const folder = fileURLToPath(new URL('./fixtures/adapters', import.meta.url))
const parsed = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8'))
const expected = parsed<{ logits: { peft: Logits; sparring: Logits } }>(path.join(folder, 'adapters.json')).logits
const variants = parsed<{ models: Record<string, { tokens: number[]; logits: number[][] }> }>(
  path.join(VARIANTS, 'variants.json'),
)
const temporary = mkdtempSync(path.join(os.tmpdir(), 'sparring-adapters-'))
afterAll(() => rmSync(temporary, { recursive: true }))

/** float32 against double precision, as for the models without adapters (variants.test.ts). */
const TOLERANCE = 1e-4

const largestDifference = (found: readonly number[], other: readonly number[]): number =>
  Math.max(...found.map((value, index) => Math.abs(value - (other[index] ?? Number.NaN))))

describe.each(Object.keys(SPECS))('an adapter to %s', (name) => {
  const plain = variants.models[name]!

  it.each(['peft', 'sparring'] as const)('as %s writes it has the logits that PEFT gives it', async (writer) => {
    const { model, weights: base } = await readPretrained(path.join(VARIANTS, name))
    const { spec, weights: adapter } = await readAdapter(path.join(folder, writer, name), model)
    expect(spec).toMatchObject(SPECS[name]!)
    const weights = mergeLora(model, spec, { base, adapter })
    const found = (await logitsOf({ model, weights }, plain.tokens)).slice(-plain.logits.length).flat()
    expect(found).toHaveLength(plain.logits.flat().length)
    expect(largestDifference(found, expected[writer][name]!.flat())).toBeLessThan(TOLERANCE)
    // It is not the base that was compared.
    expect(largestDifference(found, plain.logits.flat())).toBeGreaterThan(0.1)
  })

  it('is written by us as it stood before PEFT', async () => {
    const [written, stored] = [path.join(temporary, name), path.join(folder, 'sparring', name)]
    await writeOurs(written, name)
    expect(readdirSync(written).sort()).toEqual(readdirSync(stored).sort())
    for (const file of readdirSync(stored)) {
      expect(readFileSync(path.join(written, file)).equals(readFileSync(path.join(stored, file)))).toBe(true)
    }
  })
})
