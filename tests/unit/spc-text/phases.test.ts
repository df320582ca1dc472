/** The parts of a round on word problems that compute: which problems, which labels, which rows to learn from. */
import { describe, expect, it } from 'vitest'
import { spcTextConfig } from '../../../recipes/spc-text/config.ts'
import { courses } from '../../../recipes/spc-text/courses.ts'
import { CRITIQUES, label, labelledExamples, PAIRS, teach } from '../../../recipes/spc-text/labelled.ts'
import { collectNatural, presolve } from '../../../recipes/spc-text/phases.ts'
import { problemFiles, PROBLEMS, problemsOf, RATED, ratedFile } from '../../../recipes/spc-text/problems.ts'
import { stop } from '../../../recipes/spc-text/prompts.ts'
import { importers, suite } from '../../../recipes/spc-text/suites.ts'
import { readGame } from '../../../recipes/spc/games.ts'
import { validate } from '../../../recipes/spc-text/phases.ts'
import { statedEqualities } from '../../../tasks/word-steps.ts'
import type { Answer, ItemRow, Rows } from '../../../shared/recipe.ts'

const config = spcTextConfig.parse({
  recipe: 'spc-text',
  model: { from: 'model' },
  problems: [{ file: 'train.jsonl', mostSteps: 2 }],
  supervised: { pairs: 24 },
  play: { problems: 30 },
})
const line = (index: number, steps: string[]): string =>
  JSON.stringify({
    question: `Tom has ${index} pens and gets 4 more.`,
    answer: `${steps.join('\n')}\n#### ${index + 4}`,
  })
const file = [
  ...Array.from({ length: 60 }, (_, index) => line(index, [`Tom has ${index} + 4 = ${index + 4} pens.`])),
  line(100, ['one', 'two', 'three']),
  line(101, ['[user]']),
].join('\n')
const read = problemFiles(config).flatMap((one) => one.read(file, one.file))
const rows: Rows = {
  items: read.map((data, item): ItemRow => ({ round: 0, set: PROBLEMS, item, data })),
  episodes: [],
  turns: [],
}
const context = { config, round: 0, player: { role: 'solver', version: 0 }, from: 0, to: 24 }

describe('the problems', () => {
  it('have no more steps than asked for, and no line that would begin a message', () => {
    expect(read).toHaveLength(60)
  })

  it('belong to one split each, and every round plays others of the training split in an order of its own', () => {
    const splits = (['train', 'validation', 'test'] as const).map((split) => problemsOf(rows.items, split).length)
    expect(splits.reduce((sum, count) => sum + count, 0)).toBe(60)
    const asked = (round: number) =>
      presolve.ask?.({ ...context, round, phase: 'presolve' }, rows).map(({ prompt }) => prompt)
    expect(asked(1)).not.toEqual(asked(2))
    expect(asked(1)).toEqual(asked(1))
    const train = new Set(problemsOf(rows.items, 'train').map(({ problem }) => problem))
    for (const prompt of asked(1) ?? []) expect([...train].some((problem) => prompt.includes(problem))).toBe(true)
  })

  it('count once where they stand in several files', () => {
    const texts = file.replaceAll(' pens', '  pens')
    const others = problemFiles(config).flatMap((one) => one.read(texts, one.file))
    const both = [...read, ...others].map((data, item): ItemRow => ({ round: 0, set: PROBLEMS, item, data }))
    const counts = (items: ItemRow[]) =>
      (['train', 'validation', 'test'] as const).map((split) => problemsOf(items, split).length)
    expect(counts(both).reduce((sum, count) => sum + count, 0)).toBe(60)
  })
})

describe('the labelled pairs', () => {
  const pairs = label.answer({ ...context, phase: 'label' }, rows, []).items

  it('are steps of training problems and the same steps made wrong, the same whichever shard makes them', () => {
    expect(pairs).toHaveLength(24)
    const later = label.answer({ ...context, phase: 'label', from: 20 }, rows, []).items
    expect(later).toEqual(pairs.slice(20))
    for (const { data } of pairs) expect(data['step']).not.toBe(data['right'])
  })

  it('give the generator one row each, the critic one of each verdict', () => {
    expect(labelledExamples('generator', config, pairs)).toHaveLength(24)
    const critic = labelledExamples('critic', config, pairs)
    const ending = (end: string): number =>
      critic.filter(({ completion }) => completion.endsWith(`${end}${stop}`)).length
    expect([critic.length, ending(': Correct'), ending(': Incorrect')]).toEqual([48, 24, 24])
  })

  it('give a blind critic the step worked out without its results, and the verdict behind that', () => {
    const rows = labelledExamples('critic', spcTextConfig.parse({ ...config, critique: 'blind' }), pairs)
    expect(rows).toHaveLength(96)
    const [working, verdict] = rows
    const right = statedEqualities(pairs.map(({ data }) => data['right']).find((one) => typeof one === 'string') ?? '')
    expect(working?.completion).toBe(right + stop)
    expect(working?.prompt).toMatch(/= \? /)
    expect(verdict?.prompt).toMatch(/\[assistant\]\nIt should be [^?]+\.\n$/)
    expect(verdict?.prompt).toContain(`It should be ${right}.`)
    expect(verdict?.completion).toBe(`Verdict: Incorrect${stop}`)
  })

  it('are what round 0 learns from, for as many steps as the run file says', () => {
    const lesson = courses['supervise critic']?.lesson(
      { config, round: 0, phase: 'update critic' },
      { ...rows, items: pairs.map((row) => ({ ...row, set: PAIRS })) },
    )
    expect(lesson?.steps).toBe(config.supervised.critic.steps)
    expect(lesson?.batch(3)).toHaveLength(config.supervised.critic.batch)
  })
})

describe('a teacher', () => {
  const taught = spcTextConfig.parse({ ...config, supervised: { pairs: 24, teacher: 'model', critiques: 2 } })
  const pairs = label.answer({ ...context, phase: 'label' }, rows, []).items
  const given = { ...context, config: taught, phase: 'teach', to: 4 }
  const asked = teach.ask?.(given, { ...rows, items: pairs }) ?? []

  it('is asked about both steps of a pair, and the first critique that agrees with the label is kept', () => {
    expect(asked.map(({ key }) => key)).toEqual(['0', '1', '2', '3'])
    const said = (one: string, other: string) => [`no.\nVerdict: ${one}${stop}`, `yes.\nVerdict: ${other}${stop}`]
    const texts = [said('Correct', 'Incorrect'), said('Correct', 'Correct'), said('Correct', 'Correct'), ['nothing']]
    const answers = asked.map((question, index): Answer => ({ question, texts: texts[index] ?? [], tokens: [1, 1] }))
    const kept = teach.answer(given, { ...rows, items: pairs }, answers).items
    expect(kept.map(({ set, item, data }) => [set, item, data['text']])).toEqual([
      [CRITIQUES, 0, `yes.\nVerdict: Incorrect${stop}`],
      [CRITIQUES, 1, `no.\nVerdict: Correct${stop}`],
    ])
    const examples = labelledExamples('critic', taught, [...pairs, ...kept])
    expect(examples.map(({ prompt }) => prompt)).toEqual([asked[0]?.prompt, asked[1]?.prompt])
  })

  it('that never agrees leaves nothing to learn from, and the update says so', () => {
    const lesson = courses['supervise critic']?.lesson(
      { config: taught, round: 0, phase: 'update critic' },
      { ...rows, items: pairs },
    )
    expect(() => lesson?.batch(0)).toThrow(/no labelled rows/)
  })

  it('may be asked about steps that people have rated, right and wrong 1:1', () => {
    const solution = (id: string, ratings: number[]) =>
      JSON.stringify({ id, problem: `Problem ${id}.`, steps: ratings.map((_, step) => `step ${step}`), ratings })
    const text = [solution('a', [1, 1, -1]), solution('b', [1, 0, -1])].join('\n')
    const items = ratedFile(taught, 'rated.jsonl')
      .read(text, 'rated.jsonl')
      .map((data, item): ItemRow => ({ round: 0, set: RATED, item, data }))
    const labelled = (verdict: string) => items.filter(({ data }) => data['label'] === verdict)
    expect([labelled('Correct').length, labelled('Incorrect').length]).toEqual([2, 2])
    expect(teach.ask?.(given, { ...rows, items: [...pairs, ...items] })).toHaveLength(4)
  })
})

describe('natural errors', () => {
  const natural = collectNatural('test')
  const [asked] = natural.ask?.({ ...context, phase: 'natural/test', to: 1 }, rows) ?? []
  const problem = problemsOf(rows.items, 'test').find((one) => asked?.prompt.includes(one.problem))
  const judged = (...texts: string[]): ItemRow[] => {
    const answer: Answer = { question: { key: '0', prompt: '' }, texts, tokens: [1] }
    return natural.answer({ ...context, phase: 'natural/test' }, rows, [answer]).items
  }
  const own = problem?.steps[0] ?? ''

  it('are the first false equality of a solution with a wrong outcome', () => {
    const [row] = judged(`${own}\n\nSo 2 + 2 = 5 pens.\n\nThe answer is 5555.${stop}`)
    expect(row?.data).toMatchObject({ label: 'Incorrect', done: [own], step: 'So 2 + 2 = 5 pens.' })
  })

  it('stand beside true steps of solutions with the right outcome', () => {
    const [row] = judged(`${own}\n\nThe answer is ${problem?.answer}.${stop}`)
    expect(row?.data).toMatchObject({ label: 'Correct', step: own })
  })

  it('are at most one of a problem, and so are right steps, whatever it takes to find them', () => {
    const wrong = (result: number) => `2 + 2 = ${result}\n\nThe answer is 5555.${stop}`
    const right = `${own}\n\nThe answer is ${problem?.answer}.${stop}`
    const rows = judged(own, wrong(5), right, wrong(6), right)
    expect(rows.map(({ item, data }) => [item, data['label'], data['step']])).toEqual([
      [0, 'Correct', own],
      [1, 'Incorrect', '2 + 2 = 5'],
    ])
    expect(natural.sampling?.(config, 'natural/test')?.samples).toBe(config.evaluation.tries)
  })

  it.each([
    ['a wrong outcome that no equality explains', `${own}\n\nThe answer is 5555.${stop}`],
    ['a false equality that the solution got over', `2 + 2 = 5\n\nThe answer is ${problem?.answer}.${stop}`],
    ['a right outcome without an equality', `The answer is ${problem?.answer}.${stop}`],
    ['a solution without an end', own],
  ])('are not made of %s', (_what, text) => expect(judged(text)).toEqual([]))
})

describe('the rule of validity', () => {
  const game = {
    round: 1,
    episode: 3,
    item: 0,
    outcome: null,
    data: { problem: 'Tom has 3.', answer: '7', solution: '', done: [], right: '3 + 4 = 7', sneaky: '3 + 4 = 8' },
  }
  const said = (side: string, text: string): Answer => {
    const turns = Array.from({ length: 4 }, () => [{ prompt: side, text, tokens: 1 }])
    return { question: { key: `3/${side}`, prompt: side }, texts: Array(4).fill(text), tokens: [1, 1, 1, 1], turns }
  }
  const played = (right: string, sneaky: string) => {
    const answers = [said('right', right), said('sneaky', sneaky)]
    return validate.answer({ ...context, round: 1, phase: 'validate' }, { ...rows, episodes: [game] }, answers)
  }

  it('is that of rollouts, and no checker is asked', () => {
    const { episodes, items } = played(`The answer is 7.${stop}`, `The answer is 8.${stop}`)
    expect(episodes.map(readGame)[0]).toMatchObject({
      valid: true,
      rightSuccess: 1,
      sneakySuccess: 0,
      sneakyIsWrong: null,
    })
    expect(items).toEqual([])
    expect(played(`The answer is 7.${stop}`, `The answer is 7.${stop}`).episodes.map(readGame)[0]?.invalidBecause).toBe(
      'the sneaky step does no harm',
    )
    expect(played('The answer is 7.', `The answer is 8.${stop}`).episodes.map(readGame)[0]?.invalidBecause).toBe(
      'the original step fails',
    )
  })
})

describe('suites of files', () => {
  const text = JSON.stringify({ id: 'gsm8k-1', problem: 'Tom has 3.', steps: ['3 + 4 = 7', '7 - 2 = 6'], label: 1 })

  it('judge every step of a benchmark’s solutions, and conclude by its protocol', () => {
    const lines = importers['processbench']?.read(config, text, 'file') ?? []
    expect(lines.map(({ label: truth, done }) => [truth, done])).toEqual([
      ['Correct', []],
      ['Incorrect', ['3 + 4 = 7']],
    ])
    const judgement = (item: number, verdict: string) => ({ item, verdict, label: '', kind: '', text: '' })
    const found = importers['processbench']?.conclude(config, text, 'file', [
      judgement(0, 'Correct'),
      judgement(1, 'Incorrect'),
    ])
    expect(found?.lines.join('\n')).toMatch(/100\.0 %/)
  })

  it('ask the critic in its own words, and have a suite by the name of the file’s hash', () => {
    const found = suite('processbench/0123456789ab')
    const [data = {}] = importers['processbench']?.read(config, text, 'file') ?? []
    const item = { round: 0, set: 'processbench/0123456789ab', item: 0, data }
    expect(found?.ask(config, item)?.prompt).toMatch(/^\[user\]\nJudge the last step/)
    expect(suite('processbench')).toBeNull()
    expect(suite('natural/train')).toBeNull()
  })

  it('judge a user’s own solutions', () => {
    const own = JSON.stringify({ problem: 'Tom has 3.', steps: ['a', 'b'] })
    const conclude = importers['critique']?.conclude(config, own, 'file', [
      { item: 0, verdict: 'Correct', label: '', kind: '', text: 'fine' },
      { item: 1, verdict: 'Incorrect', label: '', kind: '', text: 'no' },
    ])
    expect(conclude?.numbers).toMatchObject({ solutions: [{ first_mistake: 2 }] })
    expect(() => importers['critique']?.read(config, '{"problem": "x"}', 'file')).toThrow(/line 1: steps/)
  })
})
