import { expect, test } from 'vitest'
import { modelFields } from '../../../recipes/fields.ts'

const model = modelFields({ width: 96, layers: 2, heads: 4, hidden: 64, context: 32 })

test('a model has as many heads of keys and values as the run file gives it heads', () => {
  expect(model.parse({ heads: 6 })).toMatchObject({ heads: 6, keyValueHeads: 6 })
  expect(model.parse(undefined)).toMatchObject({ heads: 4, keyValueHeads: 4 })
  expect(model.parse({ heads: 6, keyValueHeads: 2 })).toMatchObject({ keyValueHeads: 2 })
  expect(() => model.parse({ heads: 6, keyValueHeads: 4 })).toThrow(/heads must be a multiple of keyValueHeads/)
})

test('a configuration is written alike whether a field is given or not', () => {
  const parsed = model.parse({})
  expect(JSON.stringify(model.parse(parsed))).toBe(JSON.stringify(parsed))
  expect(Object.keys(parsed)).toEqual(['width', 'layers', 'heads', 'keyValueHeads', 'hidden', 'ropeTheta', 'context'])
})
