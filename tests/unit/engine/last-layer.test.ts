/** Behind its last attention a decoder goes on with the wanted tokens alone: what it saves. Its numbers are held by parity and gradient tests. */
import { describe, expect, it } from 'vitest'
import { Graph, type Value } from '../../../engine/graph/index.ts'
import { llamaLayout } from '../../../engine/models/llama.ts'
import { type DecoderParameters, Parameters } from '../../../engine/models/parameters.ts'
import { partBatch, rowInputs } from '../../../engine/training/parts.ts'
import { MODEL } from './support.ts'

/** The rows that each of a part's matrices is multiplied with. */
function rowsMultiplied(lineSize: number): Map<string, unknown> {
  const graph = new Graph('part')
  const layout = llamaLayout(MODEL)
  const learnt = new Parameters(graph.input('weights', 'float32', [layout.size]), layout)
  const seen = new Map<string, unknown>()
  const watched: DecoderParameters = {
    get: (name) => learnt.get(name),
    project(x: Value, name) {
      seen.set(name, x.shape[0])
      return learnt.project(x, name)
    },
  }
  const place = { index: graph.scalar(0, 'int64'), step: graph.scalar(0, 'int64'), lineSize }
  partBatch(MODEL, watched, rowInputs(graph, lineSize, 'steps'), place)
  return seen
}

describe('the last layer of a training step', () => {
  const rows = rowsMultiplied(16)
  const last = MODEL.layers - 1

  it('multiplies the predicting tokens alone behind its attention', () => {
    for (const part of ['self_attn.o_proj', 'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'])
      expect(rows.get(`model.layers.${last}.${part}.weight`), part).toBe('predictions')
  })

  it('looks at all tokens before that, and layers before it do everywhere', () => {
    const others = [...rows].filter(([name]) => !name.startsWith(`model.layers.${last}.`) || /[qkv]_proj/.test(name))
    expect(others.length).toBe(7 * last + 3)
    for (const [name, tokens] of others) expect(tokens, name).toBe('lines*16')
  })
})
