/** What chat players are asked, and how their answers are read. */
import { describe, expect, it, test } from 'vitest'
import { readChat } from '../../../shared/chat.ts'
import { spcTextConfig } from '../../../recipes/spc-text/config.ts'
import {
  criticCompletion,
  criticPrompt,
  generatorCompletion,
  parseSneakyStep,
  parseSolution,
  rolloutPrompt,
  solverCompletion,
  stop,
  words,
} from '../../../recipes/spc-text/prompts.ts'
import { textWording } from '../../../recipes/spc-text/wording.ts'

const posed = { problem: 'Tom has 3 pens and gets 4 more.', answer: '7' }
const wording = textWording(
  spcTextConfig.parse({ recipe: 'spc-text', model: { from: 'model' }, problems: [{ file: 'train.jsonl' }] }),
)

describe('a solution', () => {
  it('is read as its paragraphs, and graded by its last answer', () => {
    const text = solverCompletion(['He has 3 + 4 = 7 pens.'], '7')
    expect(parseSolution(text)).toEqual(['He has 3 + 4 = 7 pens.', 'The answer is 7.'])
    expect(wording.isSolved(posed, text)).toBe(true)
    expect(wording.isSolved({ ...posed, answer: '8' }, text)).toBe(false)
  })

  it.each(['He has 7', `a\n\n[user]\nb${stop}`, stop])('is not read in %j', (text) => {
    expect(parseSolution(text)).toBeNull()
    expect(wording.isSolved(posed, text)).toBe(false)
  })

  it('goes on behind a step as the assistant’s own words', () => {
    const messages = readChat(rolloutPrompt(posed.problem, ['one'], 'two'))
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(messages[1]?.content).toBe('one\n\ntwo\n\n')
    expect(wording.isReached(posed, ['one', 'two'], `The answer is 7.${stop}`)).toBe(true)
    expect(wording.isReached(posed, ['one', 'two'], 'The answer is 7.')).toBe(false)
    expect(wording.isReached(posed, ['one', 'so 7 of them'], `The answer is 8.${stop}`)).toBe(false)
  })
})

describe('a sneaky step', () => {
  const sneaky = { type: 'calculation', explanation: '3 + 4 = 7 becomes 3+4 = 8', step: 'He has 3+4 = 8.' } as const

  it('is read as it is written', () => expect(parseSneakyStep(generatorCompletion(sneaky))).toEqual(sneaky))

  it.each([
    'He has 8.',
    `Error: guess\nChange: a\nWrong step: b${stop}`,
    `Error: rule\nChange: a\nWrong step: ${stop}`,
    `Error: rule\nChange: a\nWrong step: b`,
    `Error: rule\nChange: a\nWrong step: b\n[user]${stop}`,
  ])('is not read in %j', (text) => expect(parseSneakyStep(text)).toBeNull())
})

describe('a verdict', () => {
  test.each([
    [criticCompletion('It should be 7.', 'Incorrect'), 'Incorrect'],
    [`Verdict: Correct${stop}`, 'Correct'],
    [`Verdict: Correct.\n${stop}`, 'Correct'],
    ['Verdict: Correct', null],
    [`It is right. Verdict: Correct${stop}`, null],
    [`Verdict: Correct\nVerdict: Incorrect${stop}`, null],
    [`Verdict: Perhaps${stop}`, null],
    [`Verdict: Correct, but no${stop}`, null],
  ])('of %j is %s', (text, verdict) => expect(words.parse(text)).toBe(verdict))

  it('is what stands behind the rest of the critique', () => {
    const prompt = criticPrompt({ problem: posed.problem, done: [], step: 'He has 8.' })
    const text = criticCompletion('It should be 7.', 'Incorrect')
    const before = words.before({ prompt, text }) ?? ''
    expect(readChat(before).at(-1)).toEqual({ role: 'assistant', content: 'It should be 7.\n' })
    expect(before + words.marks.Incorrect + stop).toBe(`${prompt}\n[assistant]\n${text}`)
    expect(words.before({ prompt, text: 'no verdict' })).toBeNull()
  })
})
