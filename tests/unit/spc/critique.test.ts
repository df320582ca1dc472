import { describe, expect, it } from 'vitest'
import { spcConfig } from '../../../recipes/spc/config.ts'
import {
  comparedClaims,
  critiqueQuestion,
  critiqueSize,
  critiquesOf,
  critiqueTurns,
  labelledCritique,
  wholeCritique,
  workingOf,
} from '../../../recipes/spc/critique.ts'
import type { Answer, Question } from '../../../shared/recipe.ts'

const config = (critique: 'seen' | 'blind' | 'values') => spcConfig.parse({ recipe: 'spc', critique })
const judged = { problem: '37+48-9*3', done: ['9*3=27'], step: '37+48=83' }
const before = '37+48-9*3:9*3=27;'

/** The turns of one sample, as the frame plays them: a text for each prompt until there is none. */
function played(question: Question, texts: readonly string[]): Answer {
  const said: { prompt: string; text: string; tokens: number }[] = []
  for (let prompt: string | null = question.prompt; prompt !== null;) {
    said.push({ prompt, text: texts[said.length] ?? '', tokens: 2 })
    prompt = question.next?.(said.map(({ text }) => text)) ?? null
  }
  return { question, texts: [said.at(-1)?.text ?? ''], tokens: [2 * said.length], turns: [said] }
}

describe('a critique', () => {
  it('that sees the step is one turn', () => {
    const answer = played(critiqueQuestion(config('seen'), 'k', judged), ['37+48=85=>Incorrect.'])
    const [critique] = critiquesOf(config('seen'), answer)
    expect(critique).toMatchObject({ prompt: `${before}37+48=83?`, verdict: 'Incorrect', tokens: 2 })
    expect(wholeCritique(critique!)).toBe('37+48=85=>Incorrect.')
  })

  it('that is blind writes the step itself, without the judged one in its prompt, and then compares', () => {
    const question = critiqueQuestion(config('blind'), 'k', judged)
    expect(question.prompt).toBe(before)
    const [critique] = critiquesOf(config('blind'), played(question, ['37+48=85;85-', '=>Incorrect.']))
    expect(critique).toEqual({
      prompt: `${before}37+48=85>37+48=83?`,
      text: '=>Incorrect.',
      tokens: 4,
      verdict: 'Incorrect',
      working: null,
    })
    expect(wholeCritique(critique!)).toBe('37+48=85=>Incorrect.')
  })

  it('that is blind compares with the claim alone where a task says what a step claims, and is taught so', () => {
    const task = { name: 'multistep-arithmetic' }
    const multistep = spcConfig.parse({ recipe: 'spc', critique: 'blind', task, model: { context: 296 } })
    const [own, wrong] = ['5*¯5=¯25,4+¯6=¯2,¯2-¯25=23', '5*¯5=25,4+¯6=¯2,¯2-25=¯27']
    const step = { problem: '4+¯6-5*¯5', done: [], step: wrong }
    const prompt = `4+¯6-5*¯5:${own}>¯27?`
    expect(critiquesOf(multistep, played(critiqueQuestion(multistep, 'k', step), [own, '=>Incorrect.']))).toMatchObject(
      [{ prompt }],
    )
    expect(labelledCritique(multistep, step, own, 'Incorrect').prompt).toBe(prompt)
  })

  it('compares values that stand alone, and is taught so', () => {
    const task = { name: 'multistep-arithmetic' }
    const multistep = spcConfig.parse({ recipe: 'spc', critique: 'values', task, model: { context: 296 } })
    const [own, wrong] = ['5*¯5=¯25,4+¯6=¯2,¯2-¯25=23', '5*¯5=25,4+¯6=¯2,¯2-25=¯27']
    const step = { problem: '4+¯6-5*¯5', done: [], step: wrong }
    const question = critiqueQuestion(multistep, 'k', step)
    expect(question.prompt).toBe('4+¯6-5*¯5:')
    const [critique] = critiquesOf(multistep, played(question, [`${own}.`, '=>Incorrect.']))
    expect(critique).toMatchObject({ prompt: ':+000023>¯000027?', verdict: 'Incorrect' })
    expect(comparedClaims(multistep, critique!)).toEqual({ own: '+000023', judged: '¯000027' })
    expect(labelledCritique(multistep, step, own, 'Incorrect').prompt).toBe(':+000023>¯000027?')
    expect(() => config('values')).toThrow('is for a task whose steps claim a value')

    const turn = { round: 1, episode: 7, turn: 'criticise/right/2', role: 'critic', version: 0, reward: null }
    const turns = critiqueTurns(turn, critique!)
    expect(turns).toEqual([
      {
        ...turn,
        turn: 'work out/criticise/right/2',
        prompt: '4+¯6-5*¯5:',
        text: `${own}.`,
        tokens: 2,
        verdict: null,
      },
      { ...turn, prompt: ':+000023>¯000027?', text: '=>Incorrect.', tokens: 2, verdict: 'Incorrect' },
    ])
    const working = workingOf(turn, turns)
    expect(wholeCritique({ ...critique!, working })).toBe(`${own}=>Incorrect.`)
    expect(wholeCritique(critique!)).toBe(`${own}=>Incorrect.`)
    const unfinished = critiquesOf(multistep, played(question, ['4+;']))
    expect(critiqueTurns(turn, unfinished[0]!)).toEqual([
      { ...turn, prompt: '4+¯6-5*¯5:', text: '4+;', tokens: 2, verdict: null },
    ])
  })

  it('has no verdict when what a blind critic writes is no step: it is not asked for one', () => {
    const answer = played(critiqueQuestion(config('blind'), 'k', judged), ['37+;', '=>Correct.'])
    expect(answer.turns?.[0]).toHaveLength(1)
    expect(critiquesOf(config('blind'), answer)[0]?.verdict).toBeNull()
  })

  it.each(['seen', 'blind'] as const)('is taught on the very prompts that it is asked with (%s)', (form) => {
    const { prompt, completion } = labelledCritique(config(form), judged, '37+48=85', 'Incorrect')
    const own = form === 'blind' ? ['37+48=85;', completion] : [completion]
    const [asked] = critiquesOf(config(form), played(critiqueQuestion(config(form), 'k', judged), own))
    expect(asked).toMatchObject({ prompt, text: completion, verdict: 'Incorrect' })
  })

  it('takes no more tokens than its size says', () => {
    expect(critiqueSize(config('seen'), judged)).toBe(7 + 1 + 6 + 6 + 7)
    expect(critiqueSize(config('blind'), judged)).toBe(7 + 1 + 6 + 6 + 6 + 2)
  })
})
