/** What chat players are asked, and how their answers are read. */
import { describe, expect, it, test } from 'vitest'
import { readChat } from '../../../shared/chat.ts'
import { ofTurn } from '../../../shared/recipe.ts'
import { wholeCritique } from '../../../recipes/spc/critique.ts'
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
const given = { recipe: 'spc-text', model: { from: 'model' }, problems: [{ file: 'train.jsonl' }] }
const wording = textWording(spcTextConfig.parse(given))

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

describe('a blind critic', () => {
  const judged = { problem: posed.problem, done: ['She sees Tom.'], step: 'Tom has 3 + 4 = 8 pens, so 8.' }
  const blind = textWording(spcTextConfig.parse({ ...given, critique: 'blind' }))
  const question = blind.critiqueQuestion('a', judged)
  const verdict = question.next?.([`3 + 4 = 7${stop}`]) ?? ''

  it('is shown a step without its results first', () => {
    expect(question.prompt).toContain('Tom has 3 + 4 = ? pens, so ?.')
    expect(question.prompt).not.toMatch(/8/)
  })

  it('then judges the step as it is, behind what it wrote itself, with one draw at the verdict', () => {
    expect(readChat(verdict).map(({ content }) => content)).toEqual([
      readChat(criticPrompt(judged))[0]?.content,
      'It should be 3 + 4 = 7.\n',
    ])
    expect(question.next?.([`3 + 4 = 7${stop}`, `Verdict: Incorrect${stop}`])).toBeNull()
    const sampling = blind.critiqueSampling(2, 0.8)
    expect([ofTurn(sampling.temperature, 0), ofTurn(sampling.temperature, 1)]).toEqual([0, 0.8])
  })

  it.each(['3 + 4 = 7', stop, `3 + 4\n= 7${stop}`, `[user]${stop}`])('comes to no verdict behind %j', (working) =>
    expect(question.next?.([working])).toBeNull(),
  )

  it('is read and learnt from as its verdict alone', () => {
    const text = `Verdict: Incorrect${stop}`
    const turns = [[{ prompt: question.prompt, text: `3 + 4 = 7${stop}`, tokens: 8 }, { prompt: verdict, text, tokens: 5 }]] // prettier-ignore
    const [critique] = blind.critiques({ question, texts: [text], tokens: [13], turns })
    expect(critique).toEqual({ prompt: verdict, text, tokens: 13, verdict: 'Incorrect', working: null })
    expect(wholeCritique({ prompt: verdict, text, working: null })).toBe(`It should be 3 + 4 = 7.\n${text}`)
    expect(words.before({ prompt: verdict, text })).toBe(verdict)
    expect(words.before({ prompt: verdict, text: 'Perhaps' })).toBe(verdict)
    expect(words.before({ prompt: question.prompt, text: '3 + 4' })).toBeNull()
  })

  it('needs pairs whose right step is known', () => {
    const taught = spcTextConfig.safeParse({ ...given, critique: 'blind', supervised: { teacher: 'model' } })
    expect(taught.error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
      ['critique', expect.stringMatching(/pairs that rules make/)],
    ])
  })
})
