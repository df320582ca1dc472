/** The steps of one chain. */
import { describe, expect, it } from 'vitest'
import { answerOf, goesOn, judge, propose, standing, start } from '../../../recipes/search/chain.ts'
import { arithmetic, arithmeticConfig } from '../../../tasks/arithmetic.ts'

const task = arithmetic(arithmeticConfig.parse({}))
const first = propose(start, task, '9*3=27;', 3)

describe('a chain', () => {
  it('takes the step before the mark, whatever follows it', () => {
    expect(first).toEqual({ steps: ['9*3=27'], attempt: 1, state: 'proposed', ended: false })
    expect(propose(start, task, '9*3=27.', 3).ended).toBe(true)
    expect(propose(start, task, '9*3=27;37+', 3)).toEqual(first)
  })

  it.each(['', '9*3=27', '9*3;', '.', ';9*3=27.'])('is broken by %j', (text) => {
    const broken = propose(first, task, text, 3)
    expect(broken).toEqual({ steps: ['9*3=27'], attempt: 1, state: 'broken', ended: false })
    expect(goesOn(broken)).toBe(false)
    expect(answerOf(broken, task, '9*3')).toBeNull()
  })

  it('puts another attempt in the place of a rejected step, and lets the last one stand', () => {
    const rejected = judge(first, 'Incorrect')
    expect(standing(rejected)).toEqual([])
    const second = propose(rejected, task, '9*3=28;', 3)
    expect(second).toEqual({ steps: ['9*3=28'], attempt: 2, state: 'proposed', ended: false })
    const third = propose(judge(second, 'Incorrect'), task, '9*3=29.', 3)
    expect(third).toEqual({ steps: ['9*3=29'], attempt: 3, state: 'standing', ended: true })
    expect(answerOf(third, task, '9*3')).toBe('29')
  })

  it.each(['Correct', null] as const)('goes on after the verdict %s', (verdict) => {
    const second = propose(judge(first, verdict), task, '37+48=85.', 3)
    expect(second).toEqual({ steps: ['9*3=27', '37+48=85'], attempt: 1, state: 'proposed', ended: true })
  })
})
