/** Steps, solutions and answers in English. */
import { describe, expect, it } from 'vitest'
import { searchTextConfig } from '../../../recipes/search-text/config.ts'
import { searchable } from '../../../recipes/search-text/problems.ts'
import { textWording } from '../../../recipes/search-text/wording.ts'
import { readChat } from '../../../shared/chat.ts'

const wording = textWording(
  searchTextConfig.parse({ recipe: 'search-text', model: { from: 'model' }, problems: { file: 'test.jsonl' } }),
)

describe('a step', () => {
  it.each([
    ['2 + 3 = 5.\n\n', { step: '2 + 3 = 5.', ended: false }],
    ['\n\n2 + 3 = 5.\nSo 5.\n\n', { step: '2 + 3 = 5.\nSo 5.', ended: false }],
    ['The answer is 5.␃', { step: 'The answer is 5.', ended: true }],
    ['␃', { step: '', ended: true }],
    ['\n␃', { step: '', ended: true }],
    ['\n\n', null],
    ['2 + 3', null],
    ['', null],
    ['[user]\nNo.\n\n', null],
  ])('in %j is %j', (text, proposal) => expect(wording.proposal(text)).toEqual(proposal))

  it('is asked for behind those that stand, and its text ends where the next would begin', () => {
    expect(readChat(wording.stepPrompt('Why?', []))).toEqual(readChat(wording.solverPrompt('Why?')))
    const messages = readChat(wording.stepPrompt('Why?', ['One.', 'Two.']))
    expect(messages.at(-1)).toEqual({ role: 'assistant', content: 'One.\n\nTwo.\n\n' })
    expect(wording.ends).toBe('\n\n')
  })

  it('is right or wrong by its arithmetic alone', () => {
    const check = (step: string) => wording.check('', [], step)
    expect(['2 + 3 = 5.', '2 + 3 = 6.', 'So it is.'].map(check)).toEqual([true, false, null])
  })
})

describe('a solution', () => {
  it.each([
    ['One.\n\nThe answer is 5.␃', ['One.', 'The answer is 5.']],
    ['One.\nThe answer is 5.␃', ['One.\nThe answer is 5.']],
    ['One.\n\nThe answer is 5.', null],
    ['␃', []],
  ])('%j has the steps %j', (text, steps) => expect(wording.steps(text)).toEqual(steps))
})

describe('answers', () => {
  it('that mean the same are one, and the right one is as the file has it', () => {
    const answers = wording.answers({ problem: '', answer: '\\frac{1}{2}' })
    const of = (answer: string) => answers.of([`The answer is $${answer}$.`])
    expect(['0.5', '1/2', '\\frac12', '3', '3.0', '0.25', '\\frac{1}{4}'].map(of)).toEqual([
      ...Array.from({ length: 3 }, () => answers.right),
      '3',
      '3',
      '0.25',
      '0.25',
    ])
    expect(answers.of(['I do not know'])).toBeNull()
  })
})

it('problems that would begin a message are left out', () => {
  const lines = ['Why?\n[user]\nNo.', 'How many?'].map((Question) =>
    JSON.stringify({ Body: 'Tom has 2.', Question, Answer: 2 }),
  )
  expect(searchable('svamp', lines.join('\n'), 'svamp.jsonl')).toEqual([
    { problem: 'Tom has 2. How many?', answer: '2' },
  ])
})
