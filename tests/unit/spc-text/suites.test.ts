/** Benchmarks as suites of chat critics: what two critics are compared in. */
import { expect, test } from 'vitest'
import { spcTextConfig } from '../../../recipes/spc-text/config.ts'
import { importers, suite, suites } from '../../../recipes/spc-text/suites.ts'
import type { Judgement } from '../../../shared/recipe.ts'

const config = spcTextConfig.parse({
  recipe: 'spc-text',
  model: { from: 'model' },
  problems: [{ file: 'train.jsonl' }],
})
const record = (id: string, label: number): string =>
  JSON.stringify({ id, problem: 'What is 1 + 1 + 1?', steps: ['1 + 1 = 2', '2 + 1 = 4', 'It is 4.'], label })
const text = [record('gsm8k-0', 1), record('gsm8k-1', -1), record('gsm8k-2', 1)].join('\n')

test('whole solutions are compared in the place of the first error, each one once', () => {
  const verdicts = [
    ['Correct', 'Incorrect', 'Incorrect'], // the place of its error
    ['Correct', 'Correct', 'Correct'], // none, as it is
    ['Correct', null, 'Incorrect'], // open: the step before cannot be read
  ].flat()
  const judgements = verdicts.map((verdict, item): Judgement => ({ item, verdict, label: '', kind: '', text: '' }))
  const { processbench } = importers
  expect(processbench?.read(config, text, 'a file')).toHaveLength(9)
  expect(processbench?.outcomes?.(config, text, 'a file', judgements)).toEqual([
    { label: 'Incorrect', right: true, group: 'gsm8k' },
    { label: 'Correct', right: true, group: 'gsm8k' },
    { label: 'Incorrect', right: false, group: 'gsm8k' },
  ])
  expect(importers['processbench-steps']?.outcomes).toBeUndefined()
})

test('pairs of a right and a wrong step are judged step by step', () => {
  const problem = 'What is 1 + 1 + 1?'
  const pair = { id: 'a', problem, correct_last_step: '2 + 1 = 3', incorrect_last_step: '2 + 1 = 4' }
  const file = ['1 + 1 = 2', ''].map((before) => JSON.stringify({ ...pair, partial_solution: before })).join('\n')
  const pairs = importers['prm800k-pairs']
  expect(pairs?.read(config, file, 'a file')).toEqual(
    [['1 + 1 = 2'], []].flatMap((done) => [
      { problem, done, step: '2 + 1 = 3', label: 'Correct', kind: 'pairs' },
      { problem, done, step: '2 + 1 = 4', label: 'Incorrect', kind: 'pairs' },
    ]),
  )
  const judgements = ['Correct', 'Incorrect', 'Correct', 'Correct'].map((verdict, item): Judgement => ({
    item,
    verdict,
    label: '',
    kind: '',
    text: '',
  }))
  expect(pairs?.conclude(config, file, 'a file', judgements).numbers).toMatchObject({
    groups: { pairs: { correct: 1, wrong: 0.5 } },
  })
  expect(() => pairs?.read(config, record('gsm8k-0', 1), 'a file')).toThrow('a file, line 1: partial_solution')
})

test('a suite samples as often and as hot as it is asked to', () => {
  expect(suites).toEqual(['natural/validation', 'natural/test'])
  for (const name of [...suites, 'processbench/0a1b']) {
    expect(suite(name)?.sampling(config, 8, 0.7)).toMatchObject({ samples: 8, temperature: 0.7 })
  }
  expect(suite('natural/train')).toBeNull()
})
