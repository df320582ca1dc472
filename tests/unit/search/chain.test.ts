/** The steps of one chain. */
import { describe, expect, it } from 'vitest'
import { answerOf, goesOn, judge, propose, standing, start } from '../../../recipes/search/chain.ts'
import { searchConfig } from '../../../recipes/search/config.ts'
import { taskWording } from '../../../recipes/search/wording.ts'

const wording = taskWording(searchConfig.parse({ recipe: 'search' }))
const say = (text: string) => wording.proposal(text)
const answers = wording.answers({ problem: '9*3', answer: null })
const rules = { attempts: 3, fallback: 'last' } as const
const first = propose(start, say('9*3=27;'), rules)

describe('a chain', () => {
  it('takes the step before the mark, whatever follows it', () => {
    expect(first).toEqual({ steps: ['9*3=27'], attempt: 1, rejected: [], state: 'proposed', ended: false })
    expect(propose(start, say('9*3=27.'), rules).ended).toBe(true)
    expect(propose(start, say('9*3=27;37+'), rules)).toEqual(first)
  })

  it.each(['', '9*3=27', '9*3;', '.', ';9*3=27.'])('is broken by %j', (text) => {
    const broken = propose(first, say(text), rules)
    expect(broken).toEqual({ steps: ['9*3=27'], attempt: 1, rejected: [], state: 'broken', ended: false })
    expect(goesOn(broken)).toBe(false)
    expect(answerOf(broken, answers)).toBeNull()
  })

  it('ends as it stands where the solver says no further step', () => {
    const done = { step: '', ended: true }
    const ended = { steps: ['9*3=27'], attempt: 1, state: 'standing', ended: true }
    expect(propose(judge(first, 'Correct', rules), done, rules)).toMatchObject(ended)
    expect(propose(start, done, rules)).toMatchObject({ steps: [], state: 'broken', ended: false })
  })

  it('puts another attempt in the place of a rejected step, and lets the last one stand', () => {
    const rejected = judge(first, 'Incorrect', rules)
    expect(standing(rejected)).toEqual([])
    const second = propose(rejected, say('9*3=28;'), rules)
    expect(second).toMatchObject({ steps: ['9*3=28'], attempt: 2, state: 'proposed', ended: false })
    const third = propose(judge(second, 'Incorrect', rules), say('9*3=29.'), rules)
    expect(third).toMatchObject({ steps: ['9*3=29'], attempt: 3, state: 'standing', ended: true })
    expect(answerOf(third, answers)).toBe('29')
    expect(propose(third, say('37+48=85.'), rules)).toMatchObject({ attempt: 1, rejected: [] })
  })

  it('rejects a step again that was rejected before, which costs an attempt and no verdict', () => {
    const second = propose(judge(first, 'Incorrect', rules), say('9*3=27.'), rules)
    expect(second).toMatchObject({ steps: ['9*3=27'], attempt: 2, state: 'rejected' })
    expect(propose(second, say('9*3=27.'), rules)).toMatchObject({ attempt: 3, state: 'standing', ended: true })
  })

  it('falls back to the first attempt where it is told to, after a verdict on the last', () => {
    const back = { attempts: 2, fallback: 'first' } as const
    const rejected = judge(first, 'Incorrect', back)
    const second = propose(rejected, say('9*3=28.'), back)
    expect(second.state).toBe('proposed')
    const fallen = { steps: ['9*3=27'], attempt: 2, state: 'standing', ended: false }
    expect(judge(second, 'Incorrect', back)).toMatchObject(fallen)
    expect(propose(rejected, say('9*3=27.'), back)).toMatchObject(fallen)
    expect(judge(second, 'Correct', back)).toMatchObject({ steps: ['9*3=28'], state: 'standing', ended: true })
  })

  it.each(['Correct', null] as const)('goes on after the verdict %s', (verdict) => {
    const second = propose(judge(first, verdict, rules), say('37+48=85.'), rules)
    expect(second).toEqual({ steps: ['9*3=27', '37+48=85'], attempt: 1, rejected: [], state: 'proposed', ended: true })
  })
})
