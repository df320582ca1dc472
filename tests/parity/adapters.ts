/**
 * Adapters to the models of variants.json that Sparring writes, for PEFT to load:
 *
 *     node --import tsx tests/parity/adapters.ts FOLDER
 */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { loraLayout, type LoraSpec, readPretrained, writeAdapter } from '../../engine/index.ts'
import { uniforms } from '../../engine/random/philox.ts'

export const VARIANTS = fileURLToPath(new URL('./fixtures/variants', import.meta.url))

/** All maps, some of them, and a scale that is no whole number; scripts/parity/adapters.py has the same for PEFT's own. */
export const SPECS: Readonly<Record<string, LoraSpec>> = {
  llama: { rank: 3, alpha: 6 },
  qwen2: { rank: 2, alpha: 5, targets: ['q_proj', 'v_proj'] },
  qwen3: { rank: 2, alpha: 1, targets: ['q_proj', 'k_proj', 'o_proj', 'down_proj'] },
}

/** Writes the adapter to one of the models; the same bytes every time. */
export async function writeOurs(folder: string, name: string): Promise<void> {
  const { model } = await readPretrained(path.join(VARIANTS, name))
  const spec = SPECS[name]
  if (!spec) throw new Error(`no adapter to ${name}`)
  const layout = loraLayout(model, spec)
  const weights = new Float32Array(layout.size)
  for (const { name: tensor, offset, size } of layout.parameters) {
    weights.set(
      uniforms(`parity/${name}/${tensor}`, size).map((uniform) => 0.3 * (2 * uniform - 1)),
      offset,
    )
  }
  await writeAdapter(folder, model, { spec, weights })
}

const [, program, folder] = process.argv
if (program === fileURLToPath(import.meta.url) && folder !== undefined) {
  for (const name of Object.keys(SPECS)) await writeOurs(path.join(folder, name), name)
}
