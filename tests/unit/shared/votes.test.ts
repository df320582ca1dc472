import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countVotes, evaluationName, type Vote } from '../../../shared/votes.ts'

const [right, wrong, unreadable]: Vote[] = [
  { verdict: 'Correct', text: 'right' },
  { verdict: 'Incorrect', text: 'wrong' },
  { verdict: null, text: '?' },
] as const
const anyVotes = fc.array(fc.constantFrom(right!, wrong!, unreadable!), { maxLength: 12 })

describe('votes', () => {
  it('are counted among the readable ones, with the text of the first that says so', () => {
    const late = { verdict: 'Incorrect', text: 'also wrong' }
    expect(countVotes([unreadable!, right!, wrong!, late, unreadable!])).toEqual({
      verdict: 'Incorrect',
      text: 'wrong',
      share: 2 / 3,
    })
  })

  it('of equally many let the first decide', () => {
    expect(countVotes([right!, wrong!])).toMatchObject({ verdict: 'Correct', share: 0.5 })
    expect(countVotes([unreadable!, wrong!, right!])).toMatchObject({ verdict: 'Incorrect', share: 0.5 })
  })

  it('say nothing when none can be read', () => {
    expect(countVotes([unreadable!, unreadable!])).toEqual({ verdict: null, text: '?', share: null })
    expect(countVotes([])).toEqual({ verdict: null, text: '', share: null })
  })

  it('agree with their share, and favour neither verdict', () => {
    const swapped = ({ verdict, text }: Vote): Vote => ({
      verdict: verdict && (verdict === 'Correct' ? 'Incorrect' : 'Correct'),
      text,
    })
    fc.assert(
      fc.property(anyVotes, (votes) => {
        const { verdict, share } = countVotes(votes)
        expect(verdict === null).toBe(share === null)
        if (share !== null && share !== 0.5) expect(verdict).toBe(share > 0.5 ? 'Incorrect' : 'Correct')
        const other = countVotes(votes.map(swapped))
        expect(other.verdict).toBe(swapped({ verdict, text: '' }).verdict)
        if (share !== null) expect(other.share).toBeCloseTo(1 - share, 12)
      }),
    )
  })

  it('are kept apart from greedy answers, and from other votes', () => {
    expect(evaluationName('natural/test')).toBe('natural/test')
    expect(evaluationName('natural/test', { votes: 8, temperature: 0.7 })).toBe('natural/test?votes=8&temperature=0.7')
  })
})
