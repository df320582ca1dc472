import { describe, expect, it } from 'vitest'
import { initialiseLlama, llamaLayout } from '../../../engine/index.ts'
import { normals, philox } from '../../../engine/random/philox.ts'
import { MODEL } from './support.ts'

describe('philox', () => {
  it('gives the known answers of Random123', () => {
    // kat_vectors of https://github.com/DEShawResearch/random123, lines philox4x32 10.
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
    const ones = 0xffffffff
    expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
    expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ])
  })
})

describe('initial weights', () => {
  it('have the standard normal moments', () => {
    const values = [...normals('name', 40_001)]
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length
    const kurtosis = values.reduce((sum, value) => sum + value ** 4, 0) / values.length
    expect(Math.abs(mean)).toBeLessThan(0.02)
    expect(Math.abs(variance - 1)).toBeLessThan(0.03)
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.2)
  })

  it('are a function of the seed and the name; residual projections are smaller, norms 1', () => {
    const weights = initialiseLlama(MODEL, 'a')
    expect(initialiseLlama(MODEL, 'a')).toEqual(weights)
    expect(initialiseLlama(MODEL, 'b')).not.toEqual(weights)
    const deviations = new Map(
      llamaLayout(MODEL).parameters.map(({ name, offset, size }) => {
        const part = weights.subarray(offset, offset + size)
        return [name, Math.sqrt(part.reduce((sum, value) => sum + value * value, 0) / size)]
      }),
    )
    expect(deviations.get('model.embed_tokens.weight')).toSatisfy(near(0.02))
    expect(deviations.get('model.layers.1.self_attn.o_proj.weight')).toSatisfy(near(0.01))
    expect(deviations.get('model.layers.1.mlp.down_proj.weight')).toSatisfy(near(0.01))
    expect(deviations.get('model.norm.weight')).toBe(1)
  })
})

/** Within 5 % of a target. */
function near(target: number): (value: number | undefined) => boolean {
  return (value = Number.NaN) => Math.abs(value / target - 1) < 0.05
}
