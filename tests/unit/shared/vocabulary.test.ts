import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Vocabulary } from '../../../shared/vocabulary.ts'

const byDigits = new Vocabulary('0123456789+¯.'.split(''), { numbers: 'by digits' })
const whole = new Vocabulary(['1', '12', '3', '+', '.'])

describe('a vocabulary', () => {
  it('writes a number by its digits, the lowest first', () => {
    expect(byDigits.encode('12+¯345.').map((id) => byDigits.tokens[id])).toEqual('21+¯543.'.split(''))
    expect(byDigits.decode(byDigits.encode('12+¯345.'))).toBe('12+¯345.')
  })

  it('writes a whole number as one token, and keeps two of them apart', () => {
    expect(whole.encode('12+3.').map((id) => whole.tokens[id])).toEqual(['12', '+', '3', '.'])
    expect(whole.decode([whole.id('1'), whole.id('3')])).toBe('1 3')
    expect(() => whole.encode('123')).toThrow(
      expect.objectContaining({ remedy: 'use what its task is written in: numbers from 1 to 12 + .' }),
    )
    expect(() => byDigits.encode('x')).toThrow(
      expect.objectContaining({ remedy: 'use what its task is written in: numbers + ¯ .' }),
    )
  })

  it.each([
    ['whole', whole],
    ['by digits', byDigits],
  ])('gives back what any tokens say, with numbers %s', (_numbers, vocabulary) => {
    // Token 0 is padding, which is left out of texts.
    const tokens = fc.array(fc.integer({ min: 1, max: vocabulary.size - 1 }), { maxLength: 12 })
    fc.assert(
      fc.property(tokens, (ids) => {
        expect(vocabulary.encode(vocabulary.decode(ids))).toEqual(ids)
      }),
    )
  })
})
