import { expect, test } from 'vitest'
import { firstRecords } from '../../../tasks/json-lines.ts'

test.each([
  ['lines', '{"a":1}\n{"a":2}\n{"a":3}\n', '{"a":1}\n{"a":2}'],
  ['lines with blank ones between them', '\n{"a":1}\n\n \n{"a":2}\n{"a":3}', '\n{"a":1}\n\n \n{"a":2}'],
  ['an array', ' [{"a":1},{"a":2},{"a":3}]', '[{"a":1},{"a":2}]'],
  ['lines that begin like an array', '[1\n2\n3', '[1\n2'],
  ['fewer than asked for', '{"a":1}\n', '{"a":1}\n'],
  ['nothing', '', ''],
])('the first two records of %s', (_, text, first) => {
  expect(firstRecords(text, 2)).toBe(first)
})
